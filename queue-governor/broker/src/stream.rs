//! One lane's entries and groups. Pure: the store around it has the lock.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use crate::store::{
    Delivery, Entry, GroupError, KEY_BYTES_MAX, Limits, Pending, Position, PublishError, Published,
};

#[derive(Debug, Default)]
pub(crate) struct Stream {
    entries: VecDeque<Entry>,
    bytes: usize,
    last: Position,
    by_key: HashMap<Arc<str>, Position>,
    /// Keys in order of publication, so that the oldest is forgotten first.
    keys: VecDeque<Arc<str>>,
    groups: BTreeMap<Box<str>, Group>,
}

#[derive(Debug)]
struct Group {
    /// Everything up to here was taken at least once.
    taken: Position,
    pending: BTreeMap<Position, Held>,
}

#[derive(Debug)]
struct Held {
    consumer: Option<Box<str>>,
    deliveries: u32,
}

impl Stream {
    pub(crate) fn publish(
        &mut self,
        limits: &Limits,
        key: &str,
        body: &[u8],
    ) -> Result<Published, PublishError> {
        check(limits, key, body)?;
        if let Some(position) = self.by_key.get(key) {
            return Ok(Published { position: *position, duplicate: true });
        }
        self.make_room(limits, key.len() + body.len())?;
        self.last = Position(self.last.0 + 1);
        let entry = Entry { position: self.last, key: key.into(), body: body.into() };
        self.remember(limits, Arc::clone(&entry.key));
        self.bytes += size(&entry);
        self.entries.push_back(entry);
        Ok(Published { position: self.last, duplicate: false })
    }

    pub(crate) fn read(&self, after: Position, max: usize) -> Vec<Entry> {
        self.entries.iter().skip(self.index_after(after)).take(max).cloned().collect()
    }

    pub(crate) fn join(
        &mut self,
        limits: &Limits,
        name: &str,
        from: Position,
    ) -> Result<(), GroupError> {
        if self.groups.contains_key(name) {
            return Ok(());
        }
        if self.groups.len() >= limits.groups_max {
            return Err(GroupError::TooManyGroups(limits.groups_max));
        }
        let group = Group { taken: from.min(self.last), pending: BTreeMap::new() };
        self.groups.insert(name.into(), group);
        Ok(())
    }

    pub(crate) fn take(
        &mut self,
        name: &str,
        consumer: &str,
        max: usize,
    ) -> Result<Vec<Delivery>, GroupError> {
        let group = self.groups.get_mut(name).ok_or(GroupError::NoGroup)?;
        let orphans = group.pending.iter().filter(|(_, held)| held.consumer.is_none());
        let mut wanted: Vec<Position> = orphans.map(|(position, _)| *position).take(max).collect();
        let fresh = self.entries.iter().map(|entry| entry.position);
        let fresh = fresh.filter(|position| *position > group.taken).take(max - wanted.len());
        wanted.extend(fresh);
        let mut taken = Vec::with_capacity(wanted.len());
        for position in wanted {
            let held =
                group.pending.entry(position).or_insert(Held { consumer: None, deliveries: 0 });
            held.consumer = Some(consumer.into());
            held.deliveries = held.deliveries.saturating_add(1);
            group.taken = group.taken.max(position);
            taken.push((position, held.deliveries));
        }
        let deliver = |(position, deliveries)| {
            let entry = self.entry(position).expect("a pending entry is never trimmed").clone();
            Delivery { entry, deliveries }
        };
        Ok(taken.into_iter().map(deliver).collect())
    }

    pub(crate) fn ack(&mut self, name: &str, position: Position) -> Result<bool, GroupError> {
        Ok(self.group_mut(name)?.pending.remove(&position).is_some())
    }

    pub(crate) fn pending(&self, name: &str) -> Result<Vec<Pending>, GroupError> {
        let group = self.groups.get(name).ok_or(GroupError::NoGroup)?;
        let pending = group.pending.iter().map(|(position, held)| Pending {
            position: *position,
            consumer: held.consumer.clone(),
            deliveries: held.deliveries,
        });
        Ok(pending.collect())
    }

    pub(crate) fn give_up(&mut self, name: &str, consumer: &str) -> Result<usize, GroupError> {
        let held = self.group_mut(name)?.pending.values_mut();
        let held = held.filter(|held| held.consumer.as_deref() == Some(consumer));
        Ok(held.map(|held| held.consumer = None).count())
    }

    pub(crate) fn trim(&mut self, upto: Position) -> usize {
        let upto = upto.min(self.settled_upto());
        let before = self.entries.len();
        while self.entries.front().is_some_and(|oldest| oldest.position <= upto) {
            self.drop_oldest();
        }
        before - self.entries.len()
    }

    /// Up to where every group has acknowledged everything.
    fn settled_upto(&self) -> Position {
        let needed = self.groups.values().map(|group| match group.pending.keys().next() {
            Some(oldest) => Position(oldest.0 - 1),
            None => group.taken,
        });
        needed.min().unwrap_or(self.last)
    }

    /// Drops the oldest entries that every group has settled, as far as the new one needs. A lane
    /// that nobody consumes is kept whole for replay, and refuses when it is full.
    fn make_room(&mut self, limits: &Limits, bytes: usize) -> Result<(), PublishError> {
        let settled = if self.groups.is_empty() { Position::START } else { self.settled_upto() };
        loop {
            let refusal = if self.entries.len() >= limits.lane_entries_max {
                PublishError::LaneFull(limits.lane_entries_max)
            } else if self.bytes + bytes > limits.lane_bytes_max {
                PublishError::LaneBytesFull(limits.lane_bytes_max)
            } else {
                return Ok(());
            };
            if self.entries.front().is_none_or(|oldest| oldest.position > settled) {
                return Err(refusal);
            }
            self.drop_oldest();
        }
    }

    fn drop_oldest(&mut self) {
        if let Some(oldest) = self.entries.pop_front() {
            self.bytes -= size(&oldest);
        }
    }

    /// Keys outlive their entries, so that a late retry is still recognised.
    fn remember(&mut self, limits: &Limits, key: Arc<str>) {
        self.by_key.insert(Arc::clone(&key), self.last);
        self.keys.push_back(key);
        while self.keys.len() > limits.keys_remembered_max.max(limits.lane_entries_max) {
            if let Some(forgotten) = self.keys.pop_front() {
                self.by_key.remove(&forgotten);
            }
        }
    }

    fn entry(&self, position: Position) -> Option<&Entry> {
        let index = position.0.checked_sub(self.entries.front()?.position.0)?;
        self.entries.get(usize::try_from(index).ok()?)
    }

    /// Index of the first entry after `after`; positions in a lane have no holes.
    fn index_after(&self, after: Position) -> usize {
        let first = self.entries.front().map_or(1, |oldest| oldest.position.0);
        usize::try_from((after.0.saturating_add(1)).saturating_sub(first)).unwrap_or(usize::MAX)
    }

    fn group_mut(&mut self, name: &str) -> Result<&mut Group, GroupError> {
        self.groups.get_mut(name).ok_or(GroupError::NoGroup)
    }
}

fn check(limits: &Limits, key: &str, body: &[u8]) -> Result<(), PublishError> {
    if body.len() > limits.entry_bytes_max {
        return Err(PublishError::BodyTooLarge { bytes: body.len(), max: limits.entry_bytes_max });
    }
    if key.is_empty() || key.len() > KEY_BYTES_MAX {
        return Err(PublishError::BadKey);
    }
    Ok(())
}

fn size(entry: &Entry) -> usize {
    entry.key.len() + entry.body.len()
}
