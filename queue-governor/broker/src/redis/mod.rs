//! The store for several machines: Redis Streams.
//!
//! Each lane is a stream whose ids are its positions; consumer groups, pending entries and delivery
//! counts are Redis's own. Every call is one script, so that it happens as a whole or not at all.
//!
//! No call waits longer than half a second for an answer; while Redis is away, calls fail at once with
//! [`StoreError::Unavailable`] and one of them looks after it twice a second. How much Redis itself
//! keeps is its own configuration's: with `appendonly yes` and `appendfsync always` what was
//! acknowledged survives a power cut. One server, or one with replicas; not Redis Cluster.

mod link;
mod reply;

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use ::redis::Script;

use self::link::Link;
use self::reply::Reply;
use crate::clock::WallClock;
use crate::entry::{Delivery, Entry, LaneInfo, Pending, Position, Published};
use crate::error::{GroupError, PublishError, StoreError};
use crate::lane::Lane;
use crate::limits::{Limits, Retention, before};
use crate::store::{Item, LaneStore, items};

/// Why no store can be had at this address.
#[derive(Debug, thiserror::Error)]
pub enum RedisOpenError {
    /// It is no address. It is not repeated here: it may hold a password.
    #[error(
        "that is no Redis address; write it like redis://127.0.0.1:6379 or redis+unix:///run/redis.sock"
    )]
    BadAddress,
}

/// A store in Redis.
pub struct RedisStore {
    limits: Limits,
    clock: WallClock,
    prefix: String,
    scripts: Scripts,
    link: Mutex<Link>,
}

impl RedisStore {
    /// A store at `address`, in keys that begin with `prefix` and a colon. Does not connect: a Redis
    /// that is down is one that may come back.
    ///
    /// # Errors
    /// [`RedisOpenError`].
    pub fn new(address: &str, prefix: &str, limits: Limits) -> Result<Self, RedisOpenError> {
        Self::with_clock(address, prefix, limits, WallClock::system())
    }

    /// The same with the time read from `clock`.
    ///
    /// # Errors
    /// [`RedisOpenError`].
    pub fn with_clock(
        address: &str,
        prefix: &str,
        limits: Limits,
        clock: WallClock,
    ) -> Result<Self, RedisOpenError> {
        let client = ::redis::Client::open(address).map_err(|_| RedisOpenError::BadAddress)?;
        let link = Mutex::new(Link::new(client));
        Ok(Self { limits, clock, prefix: prefix.to_owned(), scripts: Scripts::new(), link })
    }

    /// Whether Redis writes to its append-only file; without that a restart of it may forget what
    /// was acknowledged.
    ///
    /// # Errors
    /// [`StoreError`], when it does not answer.
    pub fn keeps(&self) -> Result<bool, StoreError> {
        let info: String =
            self.with_link(|redis| ::redis::cmd("INFO").arg("persistence").query(redis))?;
        Ok(info.lines().any(|line| line.trim() == "aof_enabled:1"))
    }

    fn with_link<T>(
        &self,
        call: impl FnMut(&mut ::redis::Connection) -> ::redis::RedisResult<T>,
    ) -> Result<T, StoreError> {
        // A panic in a call has dropped nothing but its own answer.
        self.link.lock().unwrap_or_else(PoisonError::into_inner).call(call)
    }

    fn key(&self, lane: &Lane, part: &str) -> String {
        format!("{}:{{{lane}}}:{part}", self.prefix)
    }

    /// Runs `script` on a lane.
    fn run(
        &self,
        script: &Script,
        lane: &Lane,
        arguments: &[Argument<'_>],
    ) -> Result<Reply, StoreError> {
        let mut call = script.prepare_invoke();
        call.key(format!("{}:lanes", self.prefix));
        for part in ["entries", "known", "order", "meta", "groups"] {
            call.key(self.key(lane, part));
        }
        call.arg(lane.to_string());
        for argument in arguments {
            match argument {
                Argument::Number(number) => call.arg(number.min(&NUMBER_MAX)),
                Argument::Bytes(bytes) => call.arg(*bytes),
            };
        }
        Reply::of(self.with_link(|redis| call.invoke(redis))?)
    }

    fn run_on_group(
        &self,
        script: &Script,
        lane: &Lane,
        arguments: &[Argument<'_>],
    ) -> Result<Reply, GroupError> {
        let reply = self.run(script, lane, arguments)?;
        match reply.word() {
            "ok" => Ok(reply),
            "no lane" => Err(GroupError::NoLane),
            "no group" => Err(GroupError::NoGroup),
            "too many groups" => Err(GroupError::TooManyGroups(self.limits.groups_max)),
            "too many lanes" => Err(GroupError::TooManyLanes(self.limits.lanes_max)),
            _ => Err(StoreError::Damaged.into()),
        }
    }

    fn publish_items(
        &self,
        lane: &Lane,
        items: &[Item<'_>],
    ) -> Result<Vec<Published>, PublishError> {
        items.iter().try_for_each(|(key, body)| self.limits.check(key, body))?;
        if items.is_empty() {
            return Ok(Vec::new());
        }
        let limits = &self.limits;
        let mut arguments = vec![
            number(limits.lanes_max),
            number(limits.lane_entries_max),
            number(limits.lane_bytes_max),
            number(limits.keys_max()),
            Argument::Number(self.clock.now_ms()),
        ];
        for (key, body) in items {
            arguments.extend([Argument::Bytes(key.as_bytes()), Argument::Bytes(body)]);
        }
        let reply = self.run(&self.scripts.publish, lane, &arguments)?;
        match reply.word() {
            "ok" => Ok(reply.published()?),
            "full" => Err(PublishError::LaneFull(limits.lane_entries_max)),
            "bytes full" => Err(PublishError::LaneBytesFull(limits.lane_bytes_max)),
            "too many lanes" => Err(PublishError::TooManyLanes(limits.lanes_max)),
            _ => Err(StoreError::Damaged.into()),
        }
    }
}

impl LaneStore for RedisStore {
    fn publish(&self, lane: &Lane, key: &str, body: &[u8]) -> Result<Published, PublishError> {
        let published = self.publish_items(lane, &[(key, body)])?;
        published.first().copied().ok_or(StoreError::Damaged.into())
    }

    fn publish_many(
        &self,
        lane: &Lane,
        entries: &[(String, Vec<u8>)],
    ) -> Result<Vec<Published>, PublishError> {
        self.publish_items(lane, &items(entries))
    }

    fn read(&self, lane: &Lane, after: Position, max: usize) -> Result<Vec<Entry>, StoreError> {
        if max == 0 {
            return Ok(Vec::new());
        }
        let after = format!("({}-0", after.0.min(NUMBER_MAX));
        let key = self.key(lane, "entries");
        let page = self.with_link(|redis| {
            let max = u64::try_from(max).unwrap_or(u64::MAX).min(NUMBER_MAX);
            ::redis::cmd("XRANGE").arg(&key).arg(&after).arg("+").arg("COUNT").arg(max).query(redis)
        })?;
        reply::entries(page)
    }

    fn lanes(&self) -> Result<Vec<LaneInfo>, StoreError> {
        let mut call = self.scripts.lanes.prepare_invoke();
        call.key(format!("{}:lanes", self.prefix));
        Reply::of(self.with_link(|redis| call.invoke(redis))?)?.lanes()
    }

    fn join(&self, lane: &Lane, group: &str, from: Position) -> Result<(), GroupError> {
        let arguments = [
            number(self.limits.lanes_max),
            number(self.limits.groups_max),
            Argument::Bytes(group.as_bytes()),
            Argument::Number(from.0),
        ];
        self.run_on_group(&self.scripts.join, lane, &arguments).map(drop)
    }

    fn take(
        &self,
        lane: &Lane,
        group: &str,
        consumer: &str,
        max: usize,
    ) -> Result<Vec<Delivery>, GroupError> {
        let arguments = [
            Argument::Bytes(group.as_bytes()),
            Argument::Bytes(consumer.as_bytes()),
            Argument::Number(self.clock.now_ms()),
            number(max),
        ];
        Ok(self.run_on_group(&self.scripts.take, lane, &arguments)?.deliveries()?)
    }

    fn ack(&self, lane: &Lane, group: &str, position: Position) -> Result<bool, GroupError> {
        let arguments = [Argument::Bytes(group.as_bytes()), Argument::Number(position.0)];
        Ok(self.run_on_group(&self.scripts.ack, lane, &arguments)?.count()? > 0)
    }

    fn pending(&self, lane: &Lane, group: &str) -> Result<Vec<Pending>, GroupError> {
        let arguments = [Argument::Bytes(group.as_bytes())];
        Ok(self.run_on_group(&self.scripts.pending, lane, &arguments)?.pending()?)
    }

    fn give_up(&self, lane: &Lane, group: &str, consumer: &str) -> Result<usize, GroupError> {
        let arguments = [group, consumer, ""].map(|argument| Argument::Bytes(argument.as_bytes()));
        Ok(self.run_on_group(&self.scripts.give_up, lane, &arguments)?.count()?)
    }

    fn give_up_idle(&self, lane: &Lane, group: &str, idle: Duration) -> Result<usize, GroupError> {
        let arguments = [
            Argument::Bytes(group.as_bytes()),
            Argument::Bytes(b""),
            Argument::Number(before(self.clock.now_ms(), idle)),
        ];
        Ok(self.run_on_group(&self.scripts.give_up, lane, &arguments)?.count()?)
    }

    fn trim(&self, lane: &Lane, upto: Position) -> Result<usize, StoreError> {
        self.run(&self.scripts.trim, lane, &[Argument::Number(upto.0)])?.count()
    }

    fn retain(&self, lane: &Lane, keep: &Retention) -> Result<usize, StoreError> {
        let age = keep.age.map(|age| Argument::Number(before(self.clock.now_ms(), age)));
        let bounds = [age, keep.entries.map(number), keep.bytes.map(number)];
        let bounds = bounds.map(|bound| bound.unwrap_or(Argument::Bytes(b"")));
        self.run(&self.scripts.retain, lane, &bounds)?.count()
    }

    fn remove(&self, lane: &Lane) -> Result<bool, StoreError> {
        Ok(self.run(&self.scripts.remove, lane, &[])?.count()? > 0)
    }
}

/// What a script is given.
enum Argument<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

fn number(size: usize) -> Argument<'static> {
    Argument::Number(u64::try_from(size).unwrap_or(u64::MAX))
}

/// Lua prints no more than 14 digits of a number. Time in ms has 13; positions and sizes that are
/// larger are beyond every lane.
const NUMBER_MAX: u64 = 10_000_000_000_000;

struct Scripts {
    publish: Script,
    join: Script,
    take: Script,
    ack: Script,
    pending: Script,
    give_up: Script,
    trim: Script,
    retain: Script,
    remove: Script,
    lanes: Script,
}

impl Scripts {
    fn new() -> Self {
        let script = |own: &str| Script::new(&[include_str!("scripts/common.lua"), own].concat());
        Self {
            publish: script(include_str!("scripts/publish.lua")),
            join: script(include_str!("scripts/join.lua")),
            take: script(include_str!("scripts/take.lua")),
            ack: script(include_str!("scripts/ack.lua")),
            pending: script(include_str!("scripts/pending.lua")),
            give_up: script(include_str!("scripts/give_up.lua")),
            trim: script(include_str!("scripts/trim.lua")),
            retain: script(include_str!("scripts/retain.lua")),
            remove: script(include_str!("scripts/remove.lua")),
            lanes: script(include_str!("scripts/lanes.lua")),
        }
    }
}
