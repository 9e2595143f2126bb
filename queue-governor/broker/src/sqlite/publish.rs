//! Publications, and room for them.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::rows::{LaneRow, count_lanes, number, prepared, size, sql_of};
use crate::entry::{Position, Published};
use crate::error::PublishError;
use crate::lane::Lane;
use crate::limits::Limits;
use crate::store::Item;

/// Adds all of `items` or fails; the caller's transaction undoes what a failure left.
pub(super) fn publish(
    connection: &Connection,
    limits: &Limits,
    lane: &Lane,
    now_ms: u64,
    items: &[Item<'_>],
) -> Result<Vec<Published>, PublishError> {
    let mut row = match LaneRow::find(connection, lane)? {
        Some(row) => row,
        None if count_lanes(connection)? >= limits.lanes_max => {
            return Err(PublishError::TooManyLanes(limits.lanes_max));
        }
        None => LaneRow::make(connection, lane)?,
    };
    let published = positions(connection, &row, items)?;
    let fresh = || items.iter().zip(&published).filter(|(_, published)| !published.duplicate);
    if fresh().next().is_none() {
        return Ok(published);
    }
    let bytes = fresh().map(|((key, body), _)| key.len() + body.len()).sum();
    make_room(connection, limits, &mut row, fresh().count(), bytes)?;
    for ((key, body), published) in fresh() {
        add(connection, &row, published.position, now_ms, key, body)?;
        row.last = published.position;
    }
    row.entries += fresh().count();
    row.bytes += bytes;
    forget_keys(connection, limits, &row)?;
    row.save(connection)?;
    Ok(published)
}

/// Where each item stands or will stand. What is new is decided before anything is added, or a
/// long batch could push out the very key that it repeats.
fn positions(
    connection: &Connection,
    lane: &LaneRow,
    items: &[Item<'_>],
) -> rusqlite::Result<Vec<Published>> {
    let mut statement =
        prepared(connection, "SELECT position FROM known WHERE lane = ?1 AND key = ?2")?;
    let (mut last, mut fresh) = (lane.last, HashMap::new());
    let mut published = Vec::with_capacity(items.len());
    for (key, _) in items {
        let stored = statement
            .query_row(params![lane.id, key], |row| Ok(Position(number(row, 0)?)))
            .optional()?;
        let known = stored.or_else(|| fresh.get(key).copied());
        let position = known.unwrap_or(Position(last.0 + 1));
        if known.is_none() {
            last = position;
            fresh.insert(*key, position);
        }
        published.push(Published { position, duplicate: known.is_some() });
    }
    Ok(published)
}

fn add(
    connection: &Connection,
    lane: &LaneRow,
    position: Position,
    at_ms: u64,
    key: &str,
    body: &[u8],
) -> rusqlite::Result<()> {
    let position = sql_of(position.0);
    let entry = "INSERT INTO entry (lane, position, at_ms, key, body) VALUES (?1, ?2, ?3, ?4, ?5)";
    prepared(connection, entry)?.execute(params![lane.id, position, sql_of(at_ms), key, body])?;
    let known = "INSERT INTO known (lane, key, position) VALUES (?1, ?2, ?3)";
    prepared(connection, known)?.execute(params![lane.id, key, position]).map(drop)
}

/// Keys outlive their entries, so that a late retry is still recognised; the oldest are forgotten.
fn forget_keys(connection: &Connection, limits: &Limits, lane: &LaneRow) -> rusqlite::Result<()> {
    // Each position has one key, so the distance between positions counts keys.
    let Some(upto) = lane.last.0.checked_sub(limits.keys_max() as u64) else { return Ok(()) };
    let sql = "DELETE FROM known WHERE lane = ?1 AND position <= ?2";
    prepared(connection, sql)?.execute([lane.id, sql_of(upto)]).map(drop)
}

/// Drops the oldest entries that every group has settled, as far as the new ones need. A lane that
/// nobody consumes is kept whole for replay, and refuses when it is full.
fn make_room(
    connection: &Connection,
    limits: &Limits,
    lane: &mut LaneRow,
    entries: usize,
    bytes: usize,
) -> Result<(), PublishError> {
    let exceeded = |lane: &LaneRow| limits.exceeded(lane.entries + entries, lane.bytes + bytes);
    if exceeded(lane).is_none() {
        return Ok(());
    }
    let settled = settled_by_groups(connection, lane)?.unwrap_or(Position::START);
    drop_while(connection, lane, settled, |_, lane| exceeded(lane).is_some())?;
    exceeded(lane).map_or(Ok(()), Err)
}

/// The oldest entry of a lane, without its body.
pub(super) struct Oldest {
    pub position: Position,
    pub at_ms: u64,
    bytes: usize,
}

/// Drops the oldest entries that no group needs, as long as `unwanted` says so. Says how many.
pub(super) fn drop_settled_while(
    connection: &Connection,
    lane: &Lane,
    unwanted: impl Fn(&Oldest, &LaneRow) -> bool,
) -> rusqlite::Result<usize> {
    let Some(mut lane) = LaneRow::find(connection, lane)? else { return Ok(0) };
    let settled = settled_by_groups(connection, &lane)?.unwrap_or(lane.last);
    let dropped = drop_while(connection, &mut lane, settled, unwanted)?;
    if dropped > 0 {
        lane.save(connection)?;
    }
    Ok(dropped)
}

/// Up to where every group has acknowledged everything; `None` without groups.
fn settled_by_groups(
    connection: &Connection,
    lane: &LaneRow,
) -> rusqlite::Result<Option<Position>> {
    let sql = "SELECT MIN(COALESCE( \
                   (SELECT MIN(position) - 1 FROM held WHERE grp = groups.id), taken)) \
               FROM groups WHERE lane = ?1";
    let settled = |row: &Row<'_>| row.get::<_, Option<i64>>(0);
    let settled = prepared(connection, sql)?.query_row([lane.id], settled)?;
    Ok(settled.and_then(|position| u64::try_from(position).ok()).map(Position))
}

fn drop_while(
    connection: &Connection,
    lane: &mut LaneRow,
    settled: Position,
    unwanted: impl Fn(&Oldest, &LaneRow) -> bool,
) -> rusqlite::Result<usize> {
    let sql = "SELECT position, at_ms, octet_length(key) + octet_length(body) FROM entry \
               WHERE lane = ?1 AND position <= ?2 ORDER BY position";
    let mut statement = prepared(connection, sql)?;
    let mut rows = statement.query([lane.id, sql_of(settled.0)])?;
    let (before, mut upto) = (lane.entries, None);
    while let Some(row) = rows.next()? {
        let oldest = Oldest {
            position: Position(number(row, 0)?),
            at_ms: number(row, 1)?,
            bytes: size(row, 2)?,
        };
        if !unwanted(&oldest, lane) {
            break;
        }
        upto = Some(oldest.position);
        lane.entries = lane.entries.saturating_sub(1);
        lane.bytes = lane.bytes.saturating_sub(oldest.bytes);
    }
    if let Some(upto) = upto {
        let sql = "DELETE FROM entry WHERE lane = ?1 AND position <= ?2";
        prepared(connection, sql)?.execute([lane.id, sql_of(upto.0)])?;
    }
    Ok(before - lane.entries)
}
