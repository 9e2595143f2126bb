//! The journal, entry by entry: what the line wrote down in each of its lives, read after it died
//! and before the next one shortens it.

use std::collections::BTreeMap;

use lane_broker::{Lane, LaneStore, Position, Tag};
use queue_governor::{Ending, Heard, OnInterrupt, Record};
use serde::Deserialize;
use xenline::say::SPOOLED;

/// Read at once.
const PAGE: usize = 512;

/// As the journal's lane has it; the rest of an entry is the line's own business, and so is one
/// without a record.
#[derive(Deserialize)]
struct Written {
    record: Option<Record>,
}

/// What stands in the journals of all lives.
#[derive(Debug, Default)]
pub struct Ledger {
    claims: BTreeMap<String, Account>,
    /// By what they say.
    names: BTreeMap<String, String>,
    /// The last entry that was looked at.
    upto: Position,
    /// How many lives were looked at: the number of the next.
    lives: usize,
    pub entries: usize,
    /// What must not be, with the claim that it is about.
    pub wrong: Vec<String>,
}

/// One claim's.
#[derive(Debug, Default)]
pub struct Account {
    heard_to: usize,
    heard_ms: u64,
    /// Where it would have gone on after each life in which something of it was heard, and how long
    /// it had been heard by then.
    marks: Vec<Mark>,
    pub ending: Option<Ending>,
    /// The life in which it ended.
    pub ended_in: Option<usize>,
    /// Accepted, or copied as accepted, and not ended since.
    is_open: bool,
    /// It was not taken in once.
    was_refused: bool,
    /// Where it is cut it says its clause again.
    restates: bool,
}

#[derive(Clone, Copy, Debug, Default)]
struct Mark {
    life: usize,
    resume_at: usize,
    ms: u64,
}

impl Account {
    /// Where it goes on after the lives before `life`: a sample of ready sound, or a byte.
    pub fn resumes_at(&self, life: usize) -> usize {
        self.before(life).resume_at
    }

    /// For how long it was heard in `life`, by what was written down.
    pub fn heard_ms_in(&self, life: usize) -> u64 {
        self.before(life + 1).ms.saturating_sub(self.before(life).ms)
    }

    fn before(&self, life: usize) -> Mark {
        self.marks.iter().rev().find(|mark| mark.life < life).copied().unwrap_or_default()
    }

    fn mark(&mut self, mark: Mark) {
        match self.marks.last_mut() {
            Some(last) if last.life == mark.life => *last = mark,
            _ => self.marks.push(mark),
        }
    }
}

impl Ledger {
    /// Takes in what came in a life that is over.
    pub fn read(&mut self, store: &dyn LaneStore) {
        let lane = Lane::new(Tag::xen_out(), "journal").expect("a good name");
        loop {
            let page = store.read(&lane, self.upto, PAGE).expect("the journal can be read");
            let Some(last) = page.last() else { break };
            self.upto = last.position;
            for entry in &page {
                let written: Written = serde_json::from_slice(&entry.body).expect("an entry");
                self.entries += 1;
                if let Some(record) = &written.record {
                    self.take(record);
                }
            }
        }
        self.life_ends();
    }

    /// What comes from here on was written down in the next life.
    pub fn life_ends(&mut self) {
        self.lives += 1;
    }

    /// A life begins with a copy of what the last one left, so the same may come again; anything
    /// else than the same may not.
    pub fn take(&mut self, record: &Record) {
        let id = record.claim().to_string();
        let known = self.claims.contains_key(&id);
        match record {
            Record::Accepted { claim, .. } => {
                self.names.insert(claim.content.words().to_owned(), id.clone());
                let account = self.claims.entry(id).or_default();
                account.is_open = true;
                account.restates = claim.on_interrupt == OnInterrupt::Restate;
            }
            _ if !known => self.wrong.push(format!("{id}: {record:?} before its acceptance")),
            Record::Amended { .. } => {}
            Record::Heard { resume_at, ms, .. } => {
                let Some(account) = self.claims.get_mut(&id) else { return };
                let goes_back = *resume_at < account.heard_to && !account.restates;
                if goes_back || *ms < account.heard_ms {
                    self.wrong.push(format!(
                        "{id}: heard to {} ({} ms), then to {resume_at} ({ms} ms)",
                        account.heard_to, account.heard_ms
                    ));
                }
                let is_copy = (*resume_at, *ms) == (account.heard_to, account.heard_ms);
                if account.ending.is_some() && !(is_copy && account.is_open) {
                    self.wrong.push(format!("{id}: heard on after its ending"));
                }
                (account.heard_to, account.heard_ms) = (*resume_at, *ms);
                if account.ending.is_none() {
                    account.mark(Mark { life: self.lives, resume_at: *resume_at, ms: *ms });
                }
            }
            // It could not be kept when it was handed in, which was said, and may be handed in again.
            Record::Ended { ending: Ending::Refused(_), .. } => {
                let account = self.claims.get_mut(&id).filter(|it| it.ending.is_none());
                account.into_iter().for_each(|it| (it.is_open, it.was_refused) = (false, true));
            }
            Record::Ended { ending, heard, .. } => {
                let Some(account) = self.claims.get_mut(&id) else { return };
                if account.ending.is_none() {
                    account.ended_in = Some(self.lives);
                    let (resume_at, ms) = (account.heard_to, heard.ms.max(account.heard_ms));
                    account.mark(Mark { life: self.lives, resume_at, ms });
                }
                // Names of what came from the spool are kept longer than what was said.
                let is_name = id.starts_with(SPOOLED) && *heard == Heard::default();
                let first = account.ending.get_or_insert_with(|| ending.clone());
                if first != ending || !(account.is_open || is_name) {
                    self.wrong.push(format!("{id}: ended {first:?} and then {ending:?}"));
                }
                account.is_open = false;
            }
        }
    }

    /// What stands there of the claim with these words, if it was written down, and its name.
    pub fn account_of(&self, words: &str) -> Option<(&str, &Account)> {
        let id = self.names.get(words)?;
        Some((id, self.claims.get(id)?))
    }

    /// How much was heard at least of the claim with these words, of `whole_ms`: what was written
    /// down last of one that has not ended well. It may have been more.
    pub fn heard_ms_of(&self, words: &str, whole_ms: u64) -> u64 {
        self.account_of(words).map_or(0, |(_, it)| match it.ending {
            Some(Ending::Spoken) => whole_ms,
            _ => it.heard_ms,
        })
    }

    /// Endings by name, for the report.
    pub fn endings(&self) -> BTreeMap<String, usize> {
        let mut count = BTreeMap::new();
        for account in self.claims.values() {
            let name = match &account.ending {
                Some(ending) => format!("{ending:?}"),
                None if account.was_refused && !account.is_open => "not taken in".into(),
                // Not bound to be delivered: the next life says in its log that it ended with the line.
                None => "with the line".into(),
            };
            *count.entry(name).or_default() += 1;
        }
        count
    }
}
