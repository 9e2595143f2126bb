//! The door for programs, and what is written behind it: in this process, over real sockets, with
//! the real brain where one is needed. No call, no sound.

#[path = "http/answers.rs"]
mod answers;
#[path = "http/bodies.rs"]
mod bodies;
#[path = "http/door.rs"]
mod door;
#[path = "http/gateway.rs"]
mod gateway;
#[path = "http/schemas.rs"]
mod schemas;
#[path = "http/sending.rs"]
mod sending;
#[path = "http/streams.rs"]
mod streams;
#[path = "http/watching.rs"]
mod watching;
#[path = "http/webhook.rs"]
mod webhook;
