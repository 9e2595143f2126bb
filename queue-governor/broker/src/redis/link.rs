//! The connection: made when it is needed, given up when it does not answer in time.

use std::time::{Duration, Instant};

use ::redis::{Client, Connection, ErrorKind, RedisError, RedisResult};

use crate::error::StoreError;

pub(super) struct Link {
    client: Client,
    connection: Option<Connection>,
    /// Until then nobody waits for a Redis that is away.
    away_until: Option<Instant>,
}

impl Link {
    pub fn new(client: Client) -> Self {
        Self { client, connection: None, away_until: None }
    }

    /// Asks Redis. A connection that had gone stale is made anew, once; one that does not answer in
    /// time is closed, because its answer would be taken for the next one's.
    pub fn call<T>(
        &mut self,
        mut call: impl FnMut(&mut Connection) -> RedisResult<T>,
    ) -> Result<T, StoreError> {
        if self.away_until.is_some_and(|until| Instant::now() < until) {
            return Err(StoreError::Unavailable);
        }
        let reused = self.connection.is_some();
        match self.try_once(&mut call) {
            Err(error) if reused && error.is_connection_dropped() => self.try_once(&mut call),
            done => done,
        }
        .map_err(|error| self.failed(&error))
    }

    fn try_once<T>(
        &mut self,
        call: &mut impl FnMut(&mut Connection) -> RedisResult<T>,
    ) -> RedisResult<T> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.connect()?,
        };
        let done = call(&mut connection);
        if !done.as_ref().is_err_and(RedisError::is_io_error) {
            self.connection = Some(connection);
        }
        done
    }

    fn connect(&self) -> RedisResult<Connection> {
        let connection = self.client.get_connection_with_timeout(ANSWER_MAX)?;
        connection.set_read_timeout(Some(ANSWER_MAX))?;
        connection.set_write_timeout(Some(ANSWER_MAX))?;
        Ok(connection)
    }

    fn failed(&mut self, error: &RedisError) -> StoreError {
        if error.is_io_error() {
            self.away_until = Some(Instant::now() + AWAY);
        }
        match error.code() {
            Some("OOM") => StoreError::Full,
            Some("MISCONF") => StoreError::Disk,
            Some("WRONGTYPE") => StoreError::Damaged,
            _ if matches!(error.kind(), ErrorKind::UnexpectedReturnType | ErrorKind::Parse) => {
                StoreError::Damaged
            }
            // Down, loading, busy, a replica, or it wants another password.
            _ => StoreError::Unavailable,
        }
    }
}

/// The longest that a call waits for Redis. Its disk takes tens of milliseconds on a bad day.
pub(super) const ANSWER_MAX: Duration = Duration::from_millis(500);
/// So long nobody else waits after one did in vain.
const AWAY: Duration = Duration::from_millis(500);
