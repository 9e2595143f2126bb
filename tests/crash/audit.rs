//! What was heard and written down, against what was promised.

use std::collections::BTreeMap;

use crate::gateway::{Gateway, Messages};
use crate::journal::Ledger;
use crate::producers::{CLAIM_MS, Claims, is_bound};
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
    refused: usize,
    packets: usize,
    entries: usize,
    endings: BTreeMap<String, usize>,
    messages: usize,
    /// What was acknowledged and not heard whole, or did not arrive.
    lost: Vec<String>,
    /// What was heard again beyond what a kill hides, or arrived as two.
    twice: Vec<String>,
    /// Packets with two sounds.
    overlaps: usize,
    /// What the journal says that must not be.
    journal: Vec<String>,
}

impl Audit {
    /// What was heard.
    pub fn of_sound(claims: &Claims, recordings: &[Recording]) -> Self {
        let (handed_in, acknowledged) = (claims.handed_in(), claims.acknowledged());
        let mut audit = Audit { acknowledged: acknowledged.len(), ..Audit::default() };
        audit.refused = claims.refused();
        audit.overlaps = recordings.iter().map(|it| it.overlaps).sum();
        audit.packets = recordings.iter().map(|it| it.packets).sum();
        for code in 0..CODES {
            // Codes come round again; all claims of one are looked at together.
            let bound = |number: &&usize| *number % CODES == code && is_bound(**number);
            let claims: Vec<usize> = acknowledged.keys().filter(bound).copied().collect();
            let heard: Vec<usize> =
                recordings.iter().filter_map(|it| it.codes.get(&code).copied()).collect();
            let (packets, cuts) = (heard.iter().sum::<usize>(), heard.len());
            let least = claims.len() * CLAIM_PACKETS;
            if packets + EDGE_PACKETS * cuts.max(claims.len()) < least {
                audit.lost.push(format!("sounds {claims:?}: {packets} packets in {cuts} calls"));
            }
            let kills = cuts.saturating_sub(claims.len());
            // One that was killed before its acknowledgement arrived may be heard as well.
            let claims_at_most = (0..handed_in).filter(|number| number % CODES == code).count();
            if packets > claims_at_most * CLAIM_PACKETS + kills * UNKNOWN_PACKETS {
                audit.twice.push(format!("sound {code}: {packets} packets in {cuts} calls"));
            }
        }
        audit
    }

    /// And what was written down of it; `log`: what the line said, where the endings are that
    /// came over a claim while nothing ran.
    #[must_use]
    pub fn with_journal(mut self, claims: &Claims, ledger: &Ledger, log: &str) -> Self {
        self.journal.extend(ledger.wrong.iter().cloned());
        self.entries = ledger.entries;
        self.endings = ledger.endings();
        let left = |id: &str| {
            log.lines().any(|line| {
                line.contains("the last run left has ended") && line.contains(&format!("={id} "))
            })
        };
        for (number, id) in claims.acknowledged() {
            match ledger.ending_of(&id) {
                (false, _) => self.journal.push(format!("{id}: accepted and not written down")),
                (true, None) if is_bound(number) || !left(&id) => {
                    self.lost.push(format!("{id}: accepted and never ended"));
                }
                (true, _) => {}
            }
        }
        self
    }

    /// And what was to be sent in writing.
    #[must_use]
    pub fn with_messages(mut self, messages: &Messages, gateway: &Gateway) -> Self {
        self.messages = messages.accepted().len();
        self.lost.extend(messages.lost(gateway));
        self.twice.extend(messages.twice(gateway));
        self
    }

    /// Of two houses.
    #[must_use]
    pub fn and(mut self, other: Audit) -> Self {
        self.acknowledged += other.acknowledged;
        self.refused += other.refused;
        self.packets += other.packets;
        self.entries += other.entries;
        self.messages += other.messages;
        self.overlaps += other.overlaps;
        for (ending, count) in other.endings {
            *self.endings.entry(ending).or_default() += count;
        }
        self.lost.extend(other.lost);
        self.twice.extend(other.twice);
        self.journal.extend(other.journal);
        self
    }

    pub fn holds(&self) -> bool {
        let nothing_wrong =
            self.lost.is_empty() && self.twice.is_empty() && self.journal.is_empty();
        self.acknowledged > 0 && self.messages > 0 && nothing_wrong && self.overlaps == 0
    }

    pub fn report(&self, crashes: &str) -> String {
        format!(
            "audit: {crashes} acknowledged={} refused={} messages={} packets={} \
             journal_entries={} journal_wrong={} lost={} twice={} overlaps={} endings={:?}",
            self.acknowledged,
            self.refused,
            self.messages,
            self.packets,
            self.entries,
            self.journal.len(),
            self.lost.len(),
            self.twice.len(),
            self.overlaps,
            self.endings
        )
    }
}
