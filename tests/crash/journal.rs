//! The journal, entry by entry: what the line wrote down in each of its lives, read after it died
//! and before the next one shortens it.

use std::collections::BTreeMap;

use lane_broker::{Lane, LaneStore, Position, Tag};
use queue_governor::{Ending, Record};
use serde::Deserialize;

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
    pub entries: usize,
    /// What must not be, with the claim that it is about.
    pub wrong: Vec<String>,
}

/// One claim's.
#[derive(Debug, Default)]
struct Account {
    heard_to: usize,
    heard_ms: u64,
    ending: Option<Ending>,
    /// Accepted, or copied as accepted, and not ended since.
    is_open: bool,
}

impl Ledger {
    /// Takes in what came since the last time.
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
    }

    /// A life begins with a copy of what the last one left, so the same may come again; anything
    /// else than the same may not.
    fn take(&mut self, record: &Record) {
        let id = record.claim().to_string();
        let known = self.claims.contains_key(&id);
        match record {
            Record::Accepted { claim, .. } => {
                self.names.insert(claim.content.words().to_owned(), id.clone());
                self.claims.entry(id).or_default().is_open = true;
            }
            _ if !known => self.wrong.push(format!("{id}: {record:?} before its acceptance")),
            Record::Amended { .. } => {}
            Record::Heard { resume_at, ms, .. } => {
                let Some(account) = self.claims.get_mut(&id) else { return };
                if *resume_at < account.heard_to || *ms < account.heard_ms {
                    self.wrong.push(format!(
                        "{id}: heard to {} ({} ms), then to {resume_at} ({ms} ms)",
                        account.heard_to, account.heard_ms
                    ));
                }
                if account.ending.is_some() {
                    self.wrong.push(format!("{id}: heard on after its ending"));
                }
                (account.heard_to, account.heard_ms) = (*resume_at, *ms);
            }
            Record::Ended { ending, .. } => {
                let Some(account) = self.claims.get_mut(&id) else { return };
                let first = account.ending.get_or_insert_with(|| ending.clone());
                if first != ending || !account.is_open {
                    self.wrong.push(format!("{id}: ended {first:?} and then {ending:?}"));
                }
                account.is_open = false;
            }
        }
    }

    /// Whether a claim was written down, and how it ended.
    pub fn ending_of(&self, claim: &str) -> (bool, Option<&Ending>) {
        let account = self.claims.get(claim);
        (account.is_some(), account.and_then(|it| it.ending.as_ref()))
    }

    /// How much was heard at least of the claim with these words, of `whole_ms`: what was written
    /// down last of one that has not ended well. It may have been more.
    pub fn heard_ms_of(&self, words: &str, whole_ms: u64) -> u64 {
        let account = self.names.get(words).and_then(|id| self.claims.get(id));
        account.map_or(0, |it| match it.ending {
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
                // Not bound to be delivered: the next life says in its log that it ended with the line.
                None => "with the line".into(),
            };
            *count.entry(name).or_default() += 1;
        }
        count
    }
}
