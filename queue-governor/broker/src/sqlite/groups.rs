//! Consumer groups, and what their consumers hold.

use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::rows::{LaneRow, count_lanes, entry_at, number, prepared, size, sql_of, sql_size};
use crate::entry::{Delivery, Pending, Position};
use crate::error::GroupError;
use crate::lane::Lane;
use crate::limits::{Limits, before};

pub(super) fn join(
    connection: &Connection,
    limits: &Limits,
    lane: &Lane,
    name: &str,
    from: Position,
) -> Result<(), GroupError> {
    let row = match LaneRow::find(connection, lane)? {
        Some(row) => row,
        None if count_lanes(connection)? >= limits.lanes_max => {
            return Err(GroupError::TooManyLanes(limits.lanes_max));
        }
        None => LaneRow::make(connection, lane)?,
    };
    if Group::named(connection, row.id, name)?.is_some() {
        return Ok(());
    }
    let count = "SELECT COUNT(*) FROM groups WHERE lane = ?1";
    let count = prepared(connection, count)?.query_row([row.id], |row| size(row, 0))?;
    if count >= limits.groups_max {
        return Err(GroupError::TooManyGroups(limits.groups_max));
    }
    let sql = "INSERT INTO groups (lane, name, taken) VALUES (?1, ?2, ?3)";
    let taken = sql_of(from.min(row.last).0);
    prepared(connection, sql)?.execute(params![row.id, name, taken])?;
    Ok(())
}

/// A group's row.
pub(super) struct Group {
    id: i64,
    lane: i64,
    taken: Position,
}

impl Group {
    pub fn find(connection: &Connection, lane: &Lane, name: &str) -> Result<Group, GroupError> {
        let lane = LaneRow::find(connection, lane)?.ok_or(GroupError::NoLane)?;
        Self::named(connection, lane.id, name)?.ok_or(GroupError::NoGroup)
    }

    fn named(connection: &Connection, lane: i64, name: &str) -> rusqlite::Result<Option<Group>> {
        let sql = "SELECT id, taken FROM groups WHERE lane = ?1 AND name = ?2";
        let group =
            |row: &Row<'_>| Ok(Group { id: row.get(0)?, lane, taken: Position(number(row, 1)?) });
        prepared(connection, sql)?.query_row(params![lane, name], group).optional()
    }

    pub fn take(
        &self,
        connection: &Connection,
        consumer: &str,
        now_ms: u64,
        max: usize,
    ) -> Result<Vec<Delivery>, GroupError> {
        let orphans = "SELECT position FROM held WHERE grp = ?1 AND position > ?2 \
                       AND consumer IS NULL ORDER BY position LIMIT ?3";
        let mut wanted = positions(connection, orphans, [self.id, 0, sql_size(max)])?;
        let fresh = "SELECT position FROM entry WHERE lane = ?1 AND position > ?2 \
                     ORDER BY position LIMIT ?3";
        let rest = sql_size(max - wanted.len());
        let fresh = positions(connection, fresh, [self.lane, sql_of(self.taken.0), rest])?;
        if let Some(newest) = fresh.last() {
            let sql = "UPDATE groups SET taken = ?2 WHERE id = ?1";
            prepared(connection, sql)?.execute([self.id, sql_of(newest.0)])?;
        }
        wanted.extend(fresh);
        let hold = "INSERT INTO held (grp, position, consumer, deliveries, taken_ms) \
                    VALUES (?1, ?2, ?3, 1, ?4) ON CONFLICT DO UPDATE SET \
                    consumer = ?3, deliveries = deliveries + 1, taken_ms = ?4 \
                    RETURNING deliveries";
        let mut hold = prepared(connection, hold)?;
        let mut deliver = |position: Position| -> rusqlite::Result<Delivery> {
            let values = params![self.id, sql_of(position.0), consumer, sql_of(now_ms)];
            let deliveries = hold.query_row(values, |row| row.get(0))?;
            Ok(Delivery { entry: entry_at(connection, self.lane, position)?, deliveries })
        };
        Ok(wanted.into_iter().map(&mut deliver).collect::<Result<_, _>>()?)
    }

    pub fn ack(&self, connection: &Connection, position: Position) -> Result<bool, GroupError> {
        let sql = "DELETE FROM held WHERE grp = ?1 AND position = ?2";
        Ok(prepared(connection, sql)?.execute([self.id, sql_of(position.0)])? > 0)
    }

    pub fn pending(&self, connection: &Connection) -> Result<Vec<Pending>, GroupError> {
        let sql =
            "SELECT position, consumer, deliveries FROM held WHERE grp = ?1 ORDER BY position";
        let pending = |row: &Row<'_>| {
            Ok(Pending {
                position: Position(number(row, 0)?),
                consumer: row.get::<_, Option<String>>(1)?.map(String::into_boxed_str),
                deliveries: row.get(2)?,
            })
        };
        let mut statement = prepared(connection, sql)?;
        Ok(statement.query_map([self.id], pending)?.collect::<Result<_, _>>()?)
    }

    pub fn give_up(&self, connection: &Connection, consumer: &str) -> Result<usize, GroupError> {
        let sql = "UPDATE held SET consumer = NULL WHERE grp = ?1 AND consumer = ?2";
        Ok(prepared(connection, sql)?.execute(params![self.id, consumer])?)
    }

    pub fn give_up_idle(
        &self,
        connection: &Connection,
        now_ms: u64,
        idle: Duration,
    ) -> Result<usize, GroupError> {
        let sql = "UPDATE held SET consumer = NULL \
                   WHERE grp = ?1 AND consumer IS NOT NULL AND taken_ms <= ?2";
        Ok(prepared(connection, sql)?.execute([self.id, sql_of(before(now_ms, idle))])?)
    }
}

fn positions(
    connection: &Connection,
    sql: &str,
    values: [i64; 3],
) -> rusqlite::Result<Vec<Position>> {
    let position = |row: &Row<'_>| Ok(Position(number(row, 0)?));
    prepared(connection, sql)?.query_map(values, position)?.collect()
}
