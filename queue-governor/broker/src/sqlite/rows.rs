//! Lanes and entries as rows.

use rusqlite::{CachedStatement, Connection, OptionalExtension, Row, params};

use crate::entry::{Entry, GroupInfo, LaneInfo, Position};
use crate::lane::Lane;
use crate::tag::Tag;

/// A lane's row.
pub(super) struct LaneRow {
    pub id: i64,
    pub last: Position,
    pub entries: usize,
    pub bytes: usize,
}

impl LaneRow {
    pub fn find(connection: &Connection, lane: &Lane) -> rusqlite::Result<Option<LaneRow>> {
        let sql = "SELECT id, last, entries, bytes FROM lane WHERE tag = ?1 AND name = ?2";
        let row = |row: &Row<'_>| {
            Ok(LaneRow {
                id: row.get(0)?,
                last: Position(number(row, 1)?),
                entries: size(row, 2)?,
                bytes: size(row, 3)?,
            })
        };
        prepared(connection, sql)?.query_row([lane.tag().as_str(), lane.name()], row).optional()
    }

    pub fn make(connection: &Connection, lane: &Lane) -> rusqlite::Result<LaneRow> {
        let sql = "INSERT INTO lane (tag, name) VALUES (?1, ?2)";
        let id = prepared(connection, sql)?.insert([lane.tag().as_str(), lane.name()])?;
        Ok(LaneRow { id, last: Position::START, entries: 0, bytes: 0 })
    }

    pub fn save(&self, connection: &Connection) -> rusqlite::Result<()> {
        let sql = "UPDATE lane SET last = ?2, entries = ?3, bytes = ?4 WHERE id = ?1";
        let values = [self.id, sql_of(self.last.0), sql_size(self.entries), sql_size(self.bytes)];
        prepared(connection, sql)?.execute(values).map(drop)
    }
}

pub(super) fn count_lanes(connection: &Connection) -> rusqlite::Result<usize> {
    prepared(connection, "SELECT COUNT(*) FROM lane")?.query_row([], |row| size(row, 0))
}

pub(super) fn entries_after(
    connection: &Connection,
    lane: &Lane,
    after: Position,
    max: usize,
) -> rusqlite::Result<Vec<Entry>> {
    let sql = "SELECT position, at_ms, key, body FROM entry \
               WHERE lane = (SELECT id FROM lane WHERE tag = ?1 AND name = ?2) AND position > ?3 \
               ORDER BY position LIMIT ?4";
    let mut statement = prepared(connection, sql)?;
    let values = params![lane.tag().as_str(), lane.name(), sql_of(after.0), sql_size(max)];
    statement.query_map(values, entry)?.collect()
}

pub(super) fn entry_at(
    connection: &Connection,
    lane: i64,
    position: Position,
) -> rusqlite::Result<Entry> {
    let sql = "SELECT position, at_ms, key, body FROM entry WHERE lane = ?1 AND position = ?2";
    prepared(connection, sql)?.query_row([lane, sql_of(position.0)], entry)
}

fn entry(row: &Row<'_>) -> rusqlite::Result<Entry> {
    Ok(Entry {
        position: Position(number(row, 0)?),
        at_ms: number(row, 1)?,
        key: row.get_ref(2)?.as_str()?.into(),
        body: row.get_ref(3)?.as_blob()?.into(),
    })
}

pub(super) fn lanes(connection: &Connection) -> rusqlite::Result<Vec<LaneInfo>> {
    let sql = "SELECT id, tag, name, entries, bytes, last, \
               (SELECT at_ms FROM entry WHERE lane = lane.id ORDER BY position LIMIT 1) \
               FROM lane ORDER BY tag, name";
    let mut statement = prepared(connection, sql)?;
    let mut rows = statement.query([])?;
    let mut lanes = Vec::new();
    while let Some(row) = rows.next()? {
        let tag = Tag::of_a_store(row.get_ref(1)?.as_str()?);
        // A name that no lane can have was not written by us, and no caller could ask for it.
        let Ok(lane) = Lane::new(tag, row.get_ref(2)?.as_str()?) else { continue };
        lanes.push(LaneInfo {
            lane,
            entries: size(row, 3)?,
            bytes: size(row, 4)?,
            last: Position(number(row, 5)?),
            oldest_ms: row.get::<_, Option<i64>>(6)?.and_then(|ms| u64::try_from(ms).ok()),
            groups: groups(connection, row.get(0)?)?,
        });
    }
    Ok(lanes)
}

fn groups(connection: &Connection, lane: i64) -> rusqlite::Result<Vec<GroupInfo>> {
    let sql = "SELECT name, taken, (SELECT COUNT(*) FROM held WHERE grp = groups.id) \
               FROM groups WHERE lane = ?1 ORDER BY name";
    let info = |row: &Row<'_>| {
        Ok(GroupInfo {
            name: row.get_ref(0)?.as_str()?.into(),
            taken: Position(number(row, 1)?),
            pending: size(row, 2)?,
        })
    };
    prepared(connection, sql)?.query_map([lane], info)?.collect()
}

pub(super) fn remove(connection: &Connection, lane: &Lane) -> rusqlite::Result<bool> {
    let Some(row) = LaneRow::find(connection, lane)? else { return Ok(false) };
    for sql in [
        "DELETE FROM held WHERE grp IN (SELECT id FROM groups WHERE lane = ?1)",
        "DELETE FROM groups WHERE lane = ?1",
        "DELETE FROM known WHERE lane = ?1",
        "DELETE FROM entry WHERE lane = ?1",
        "DELETE FROM lane WHERE id = ?1",
    ] {
        prepared(connection, sql)?.execute([row.id])?;
    }
    Ok(true)
}

pub(super) fn prepared<'a>(
    connection: &'a Connection,
    sql: &str,
) -> rusqlite::Result<CachedStatement<'a>> {
    connection.prepare_cached(sql)
}

/// A number that cannot be negative, from SQLite's, which can.
pub(super) fn number(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    let number: i64 = row.get(column)?;
    u64::try_from(number).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(column, number))
}

pub(super) fn size(row: &Row<'_>, column: usize) -> rusqlite::Result<usize> {
    Ok(usize::try_from(number(row, column)?).unwrap_or(usize::MAX))
}

/// As SQLite counts: a position past its largest number is after the end either way.
pub(super) fn sql_of(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub(super) fn sql_size(size: usize) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX)
}
