//! The stores that outlive a process: on the contract of all stores, against the one in memory with
//! random operations, and with what can go wrong beneath each.
#![cfg(feature = "sqlite")]

#[path = "stores/random.rs"]
mod random;
#[cfg(feature = "redis")]
#[path = "stores/redis.rs"]
mod redis;
#[cfg(feature = "redis")]
#[path = "stores/redis_server.rs"]
mod redis_server;
#[path = "stores/sqlite.rs"]
mod sqlite;
#[path = "stores/sqlite_killed.rs"]
mod sqlite_killed;
