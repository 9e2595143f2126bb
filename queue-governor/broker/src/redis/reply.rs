//! What the scripts answer: a word, and a list.

use ::redis::Value;

use super::NUMBER_MAX;
use crate::entry::{Delivery, Entry, GroupInfo, LaneInfo, Pending, Position, Published};
use crate::error::StoreError;
use crate::lane::Lane;
use crate::tag::Tag;

pub(super) struct Reply {
    word: String,
    list: Vec<Value>,
}

impl Reply {
    pub fn of(value: Value) -> Result<Reply, StoreError> {
        let [word, answer] = array(value)?;
        Ok(Reply { word: text(word)?, list: list(answer)? })
    }

    pub fn word(&self) -> &str {
        &self.word
    }

    pub fn count(mut self) -> Result<usize, StoreError> {
        size(self.list.pop().ok_or(StoreError::Damaged)?)
    }

    pub fn published(self) -> Result<Vec<Published>, StoreError> {
        let numbers: Vec<u64> = self.list.into_iter().map(number).collect::<Result<_, _>>()?;
        let published =
            |pair: &[u64]| Published { position: Position(pair[0]), duplicate: pair[1] != 0 };
        Ok(numbers.chunks_exact(2).map(published).collect())
    }

    pub fn deliveries(self) -> Result<Vec<Delivery>, StoreError> {
        let delivery = |value| {
            let [id, fields, deliveries] = array(value)?;
            Ok(Delivery { entry: entry(id, fields)?, deliveries: counted(deliveries)? })
        };
        self.list.into_iter().map(delivery).collect()
    }

    pub fn pending(self) -> Result<Vec<Pending>, StoreError> {
        let pending = |value| {
            let [position, consumer, deliveries] = array(value)?;
            Ok(Pending {
                position: Position(number(position)?),
                consumer: text(consumer)?.strip_prefix("c:").map(Box::from),
                deliveries: counted(deliveries)?,
            })
        };
        self.list.into_iter().map(pending).collect()
    }

    pub fn lanes(self) -> Result<Vec<LaneInfo>, StoreError> {
        let mut lanes =
            self.list.into_iter().map(lane_info).collect::<Result<Vec<_>, StoreError>>()?;
        lanes.sort_by(|a, b| a.lane.cmp(&b.lane));
        Ok(lanes)
    }
}

/// The answer to `XRANGE`.
pub(super) fn entries(value: Value) -> Result<Vec<Entry>, StoreError> {
    let one = |value| {
        let [id, fields] = array(value)?;
        entry(id, fields)
    };
    list(value)?.into_iter().map(one).collect()
}

fn entry(id: Value, fields: Value) -> Result<Entry, StoreError> {
    let [_, key, _, body, _, at_ms] = array(fields)?;
    let id = text(id)?;
    let position = id.split('-').next().and_then(|position| position.parse().ok());
    Ok(Entry {
        position: Position(position.ok_or(StoreError::Damaged)?),
        at_ms: text(at_ms)?.parse().map_err(|_| StoreError::Damaged)?,
        key: text(key)?.into(),
        body: bytes(body)?.into(),
    })
}

fn lane_info(value: Value) -> Result<LaneInfo, StoreError> {
    let [name, entries, bytes, last, oldest, groups] = array(value)?;
    let name = text(name)?;
    let (tag, name) = name.split_once(':').ok_or(StoreError::Damaged)?;
    let mut groups =
        list(groups)?.into_iter().map(group_info).collect::<Result<Vec<_>, StoreError>>()?;
    groups.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(LaneInfo {
        lane: Lane::new(Tag::of_a_store(tag), name).map_err(|_| StoreError::Damaged)?,
        entries: size(entries)?,
        bytes: size(bytes)?,
        last: Position(number(last)?),
        // An empty lane has none, which Lua tells as -1.
        oldest_ms: number(oldest).ok(),
        groups,
    })
}

fn group_info(value: Value) -> Result<GroupInfo, StoreError> {
    let [name, taken, pending] = array(value)?;
    let name = text(name)?.into();
    Ok(GroupInfo { name, taken: Position(number(taken)?), pending: size(pending)? })
}

fn array<const N: usize>(value: Value) -> Result<[Value; N], StoreError> {
    list(value)?.try_into().map_err(|_| StoreError::Damaged)
}

fn list(value: Value) -> Result<Vec<Value>, StoreError> {
    match value {
        Value::Array(list) => Ok(list),
        // How Redis writes some empty lists.
        Value::Nil => Ok(Vec::new()),
        _ => Err(StoreError::Damaged),
    }
}

fn bytes(value: Value) -> Result<Vec<u8>, StoreError> {
    match value {
        Value::BulkString(bytes) => Ok(bytes),
        _ => Err(StoreError::Damaged),
    }
}

fn text(value: Value) -> Result<String, StoreError> {
    String::from_utf8(bytes(value)?).map_err(|_| StoreError::Damaged)
}

fn number(value: Value) -> Result<u64, StoreError> {
    match value {
        Value::Int(number) => u64::try_from(number)
            .ok()
            .filter(|number| *number <= NUMBER_MAX)
            .ok_or(StoreError::Damaged),
        _ => Err(StoreError::Damaged),
    }
}

fn size(value: Value) -> Result<usize, StoreError> {
    number(value).and_then(|size| usize::try_from(size).map_err(|_| StoreError::Damaged))
}

fn counted(value: Value) -> Result<u32, StoreError> {
    number(value).map(|count| u32::try_from(count).unwrap_or(u32::MAX))
}
