//! One lane's entries and groups. Pure: the store around it has the lock.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use crate::entry::{Delivery, Entry, GroupInfo, LaneInfo, Pending, Position, Published};
use crate::error::{GroupError, PublishError};
use crate::lane::Lane;
use crate::limits::{Limits, Retention, before};
use crate::store::Item;

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
    taken_ms: u64,
}

impl Stream {
    /// Adds all of `items` or none. They have passed [`Limits::check`].
    pub(crate) fn publish(
        &mut self,
        limits: &Limits,
        now_ms: u64,
        items: &[Item<'_>],
    ) -> Result<Vec<Published>, PublishError> {
        // What is new is decided before anything is added, or a long batch could push out the
        // very key that it repeats.
        let mut last = self.last;
        let mut fresh: HashMap<&str, Position> = HashMap::new();
        let (mut bytes, mut published) = (0, Vec::with_capacity(items.len()));
        for (key, body) in items {
            let known = self.by_key.get(*key).or_else(|| fresh.get(key)).copied();
            let position = known.unwrap_or(Position(last.0 + 1));
            if known.is_none() {
                last = position;
                bytes += key.len() + body.len();
                fresh.insert(key, position);
            }
            published.push(Published { position, duplicate: known.is_some() });
        }
        self.make_room(limits, fresh.len(), bytes)?;
        for ((key, body), published) in items.iter().zip(&published) {
            if !published.duplicate {
                self.add(limits, now_ms, key, body);
            }
        }
        Ok(published)
    }

    fn add(&mut self, limits: &Limits, at_ms: u64, key: &str, body: &[u8]) {
        self.last = Position(self.last.0 + 1);
        let entry = Entry { position: self.last, at_ms, key: key.into(), body: body.into() };
        self.remember(limits, Arc::clone(&entry.key));
        self.bytes += size(&entry);
        self.entries.push_back(entry);
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
        now_ms: u64,
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
            let new = Held { consumer: None, deliveries: 0, taken_ms: now_ms };
            let held = group.pending.entry(position).or_insert(new);
            held.consumer = Some(consumer.into());
            held.taken_ms = now_ms;
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

    pub(crate) fn give_up_idle(
        &mut self,
        name: &str,
        now_ms: u64,
        idle: Duration,
    ) -> Result<usize, GroupError> {
        let held = self.group_mut(name)?.pending.values_mut();
        let dead =
            |held: &&mut Held| held.consumer.is_some() && held.taken_ms <= before(now_ms, idle);
        Ok(held.filter(dead).map(|held| held.consumer = None).count())
    }

    pub(crate) fn trim(&mut self, upto: Position) -> usize {
        self.drop_settled_while(|_, oldest| oldest.position <= upto)
    }

    pub(crate) fn retain(&mut self, keep: &Retention, now_ms: u64) -> usize {
        self.drop_settled_while(|stream, oldest| {
            keep.drops(oldest.at_ms, now_ms, stream.entries.len(), stream.bytes)
        })
    }

    pub(crate) fn info(&self, lane: &Lane) -> LaneInfo {
        let groups = self.groups.iter().map(|(name, group)| GroupInfo {
            name: name.clone(),
            taken: group.taken,
            pending: group.pending.len(),
        });
        LaneInfo {
            lane: lane.clone(),
            entries: self.entries.len(),
            bytes: self.bytes,
            last: self.last,
            oldest_ms: self.entries.front().map(|oldest| oldest.at_ms),
            groups: groups.collect(),
        }
    }

    fn drop_settled_while(&mut self, drop: impl Fn(&Self, &Entry) -> bool) -> usize {
        let settled = self.settled_upto();
        let before = self.entries.len();
        while self
            .entries
            .front()
            .is_some_and(|oldest| oldest.position <= settled && drop(self, oldest))
        {
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

    /// Drops the oldest entries that every group has settled, as far as the new ones need. A lane
    /// that nobody consumes is kept whole for replay, and refuses when it is full. A refusal
    /// drops nothing.
    fn make_room(
        &mut self,
        limits: &Limits,
        entries: usize,
        bytes: usize,
    ) -> Result<(), PublishError> {
        let settled = if self.groups.is_empty() { Position::START } else { self.settled_upto() };
        let mut droppable = self.entries.iter().take_while(|entry| entry.position <= settled);
        let (mut after, mut bytes_after) = (self.entries.len() + entries, self.bytes + bytes);
        let mut drops = 0;
        while let Some(refusal) = limits.exceeded(after, bytes_after) {
            let oldest = droppable.next().ok_or(refusal)?;
            after -= 1;
            bytes_after -= size(oldest);
            drops += 1;
        }
        (0..drops).for_each(|_| self.drop_oldest());
        Ok(())
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
        while self.keys.len() > limits.keys_max() {
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

fn size(entry: &Entry) -> usize {
    entry.key.len() + entry.body.len()
}
