//! The door for programs, and what is written behind it: in this process, over real sockets, with
//! the real brain where one is needed. No call, no sound.

#[path = "http/answers.rs"]
mod answers;
#[path = "http/api.rs"]
mod api;
#[path = "http/bodies.rs"]
mod bodies;
#[path = "http/browser.rs"]
mod browser;
#[path = "http/command_line.rs"]
mod command_line;
#[path = "http/desk.rs"]
mod desk;
#[path = "http/door.rs"]
mod door;
#[path = "http/gateway.rs"]
mod gateway;
#[path = "http/page.rs"]
mod page;
#[path = "http/past.rs"]
mod past;
#[path = "http/schemas.rs"]
mod schemas;
#[path = "http/sending.rs"]
mod sending;
#[path = "http/sessions.rs"]
mod sessions;
#[path = "http/streams.rs"]
mod streams;
#[path = "http/talk.rs"]
mod talk;
#[path = "http/watching.rs"]
mod watching;
#[path = "http/webhook.rs"]
mod webhook;
