//! What was heard and written down, against what was promised.

use std::collections::BTreeMap;

use queue_governor::Ending;

use crate::gateway::{Gateway, Messages};
use crate::journal::Ledger;
use crate::producers::{CLAIM_MS, Claims, is_bound, words_of};
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
    /// How many claims there were by its end; none that came later is in it.
    handed_in: usize,
}

impl Recording {
    pub fn of(sound: &[i16], claims: &Claims) -> Self {
        let (codes, handed_in) = (BTreeMap::new(), claims.handed_in());
        let mut recording = Recording { codes, overlaps: 0, packets: 0, handed_in };
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
    /// What was heard, where the journal says how much it must have been of what is not bound to
    /// be delivered.
    pub fn of_sound(claims: &Claims, ledger: &Ledger, recordings: &[Recording]) -> Self {
        let (handed_in, acknowledged) = (claims.handed_in(), claims.acknowledged());
        let mut audit = Audit { acknowledged: acknowledged.len(), ..Audit::default() };
        audit.refused = claims.refused();
        audit.overlaps = recordings.iter().map(|it| it.overlaps).sum();
        audit.packets = recordings.iter().map(|it| it.packets).sum();
        let least = |number: &usize| match acknowledged.contains_key(number) && is_bound(*number) {
            true => CLAIM_PACKETS,
            false => ledger.heard_ms_of(&words_of(*number), CLAIM_MS as u64) as usize / 20,
        };
        for code in 0..CODES {
            // Codes come round again.
            let numbers: Vec<usize> = (code..handed_in).step_by(CODES).collect();
            let heard_since = |number: usize| -> (usize, usize) {
                let those = recordings.iter().filter(|it| it.handed_in > number);
                let heard: Vec<usize> =
                    those.filter_map(|it| it.codes.get(&code).copied()).collect();
                (heard.iter().sum(), heard.len())
            };
            // The last claim of a code is missed by itself, before what came earlier is counted.
            for place in (0..numbers.len()).rev() {
                let these = &numbers[place..];
                let (packets, cuts) = heard_since(numbers[place]);
                let least: usize = these.iter().map(least).sum();
                if packets + EDGE_PACKETS * cuts.max(these.len()) < least {
                    audit.lost.push(format!("sounds {these:?}: {packets} packets of {least}"));
                    break;
                }
            }
            let (packets, cuts) = heard_since(0);
            let bound = |number: &&usize| acknowledged.contains_key(number) && is_bound(**number);
            let kills = cuts.saturating_sub(numbers.iter().filter(bound).count());
            // One that was killed before its acknowledgement arrived may be heard as well.
            if packets > numbers.len() * CLAIM_PACKETS + kills * UNKNOWN_PACKETS {
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
                (true, Some(ending)) if is_bound(number) && *ending != Ending::Spoken => {
                    self.lost.push(format!("{id}: to be delivered, and ended {ending:?}"));
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
