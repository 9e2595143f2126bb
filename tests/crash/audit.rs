//! What was heard, against what was promised.

use std::collections::BTreeMap;

use crate::producers::CLAIM_MS;
use crate::support::sound::FRAME;
use crate::tones::{CODES, Heard, heard};

const CLAIM_PACKETS: usize = CLAIM_MS / 20;
/// Packets that may be heard a second time after a kill, because nobody had written down yet that
/// they were sent: ready audio is written down every 200 ms, from reports every 100 ms, and a
/// grant waits at most 50 ms for the disk.
const UNKNOWN_PACKETS: usize = (200 + 100 + 50) / 20 + 1;
/// Packets of a claim that may be missing in a recording: the first and last may hold less than
/// half a packet of it, and so may those at each cut.
const EDGE_PACKETS: usize = 2;

/// One call as the phone heard it.
pub struct Recording {
    /// Packets by code.
    codes: BTreeMap<usize, usize>,
    overlaps: usize,
    packets: usize,
}

impl Recording {
    pub fn of(sound: &[i16]) -> Self {
        let mut recording = Recording { codes: BTreeMap::new(), overlaps: 0, packets: 0 };
        for packet in sound.chunks(FRAME) {
            recording.packets += 1;
            match heard(packet) {
                Heard::Code(code) => *recording.codes.entry(code).or_default() += 1,
                Heard::TwoAtOnce => recording.overlaps += 1,
                Heard::Nothing | Heard::Unsure => {}
            }
        }
        recording
    }
}

#[derive(Debug, Default)]
pub struct Audit {
    acknowledged: usize,
    packets: usize,
    /// Claims that were acknowledged and not heard whole.
    lost: Vec<usize>,
    /// Claims that were heard again beyond what a kill hides.
    twice: Vec<usize>,
    /// Packets with two sounds.
    overlaps: usize,
}

impl Audit {
    pub fn of(handed_in: usize, acknowledged: &[usize], recordings: &[Recording]) -> Self {
        let mut audit = Audit { acknowledged: acknowledged.len(), ..Audit::default() };
        audit.overlaps = recordings.iter().map(|it| it.overlaps).sum();
        audit.packets = recordings.iter().map(|it| it.packets).sum();
        for code in 0..CODES {
            // Codes come round again; all claims of one are looked at together.
            let claims: Vec<usize> =
                acknowledged.iter().copied().filter(|number| number % CODES == code).collect();
            let heard: Vec<usize> =
                recordings.iter().filter_map(|it| it.codes.get(&code).copied()).collect();
            let (packets, cuts) = (heard.iter().sum::<usize>(), heard.len());
            let least = claims.len() * CLAIM_PACKETS;
            if packets + EDGE_PACKETS * cuts.max(claims.len()) < least {
                audit.lost.extend(&claims);
            }
            let kills = cuts.saturating_sub(claims.len());
            // One that was killed before its acknowledgement arrived may be heard as well.
            let claims_at_most = (0..handed_in).filter(|number| number % CODES == code).count();
            if packets > claims_at_most * CLAIM_PACKETS + kills * UNKNOWN_PACKETS {
                audit.twice.push(code);
            }
        }
        audit
    }

    pub fn holds(&self) -> bool {
        self.acknowledged > 0 && self.lost.is_empty() && self.twice.is_empty() && self.overlaps == 0
    }

    pub fn report(&self, crashes: usize) -> String {
        format!(
            "audit: crashes={crashes} acknowledged={} packets={} lost={} twice={} overlaps={}",
            self.acknowledged,
            self.packets,
            self.lost.len(),
            self.twice.len(),
            self.overlaps
        )
    }
}
