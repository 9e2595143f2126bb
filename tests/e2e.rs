//! The whole program against the world: real processes, real sockets on loopback, phones that we
//! did not write. One binary, so that linking is paid once.
//!
//! A test that measures has the machine to itself ([`support::alone`]), or shares a line that has it. It
//! prints its figures on standard error even when it passes, bounds every wait, and ends every process that it started.

#[path = "e2e/addressed.rs"]
mod addressed;
#[path = "e2e/bad_input.rs"]
mod bad_input;
#[path = "e2e/baresip.rs"]
mod baresip;
#[path = "e2e/brain_killed.rs"]
mod brain_killed;
#[allow(dead_code, reason = "shared with the tests of the page")]
#[path = "http/browser.rs"]
mod browser;
#[path = "e2e/browser_operator.rs"]
mod browser_operator;
#[path = "e2e/browser_talk.rs"]
mod browser_talk;
#[path = "e2e/cdr.rs"]
mod cdr;
#[path = "e2e/check.rs"]
mod check;
#[path = "e2e/clock.rs"]
mod clock;
#[path = "e2e/codec_change.rs"]
mod codec_change;
#[path = "e2e/command_line.rs"]
mod command_line;
#[path = "e2e/company/mod.rs"]
mod company;
#[path = "e2e/complaints/mod.rs"]
mod complaints;
#[path = "e2e/console/mod.rs"]
mod console;
#[path = "e2e/demo.rs"]
mod demo;
#[path = "e2e/doors/mod.rs"]
mod doors;
#[path = "e2e/echo.rs"]
mod echo;
#[path = "e2e/ending.rs"]
mod ending;
#[path = "e2e/flood.rs"]
mod flood;
#[path = "e2e/governor.rs"]
mod governor;
#[path = "e2e/hold.rs"]
mod hold;
#[path = "e2e/interruption.rs"]
mod interruption;
#[path = "e2e/latency.rs"]
mod latency;
#[path = "e2e/ledger/mod.rs"]
mod ledger;
#[path = "e2e/one_voice.rs"]
mod one_voice;
#[path = "e2e/opus.rs"]
mod opus;
#[path = "e2e/other_users.rs"]
mod other_users;
#[path = "e2e/outbound.rs"]
mod outbound;
#[path = "e2e/private.rs"]
mod private;
#[path = "e2e/redial.rs"]
mod redial;
#[allow(dead_code, reason = "shared with the crash harness")]
#[path = "crash/redis.rs"]
mod redis;
#[path = "e2e/reload.rs"]
mod reload;
#[path = "e2e/rooms/mod.rs"]
mod rooms;
#[path = "e2e/say_queue.rs"]
mod say_queue;
#[path = "e2e/silent.rs"]
mod silent;
#[path = "e2e/sipp.rs"]
mod sipp;
#[path = "e2e/soak.rs"]
mod soak;
#[path = "e2e/softphone.rs"]
mod softphone;
#[path = "e2e/srtp.rs"]
mod srtp;
#[path = "e2e/store_away.rs"]
mod store_away;
#[path = "e2e/stuck_tap.rs"]
mod stuck_tap;
#[path = "e2e/support/mod.rs"]
mod support;
#[path = "e2e/tap.rs"]
mod tap;
#[path = "e2e/trace.rs"]
mod trace;
#[path = "e2e/transfer.rs"]
mod transfer;
#[path = "e2e/typed.rs"]
mod typed;
#[path = "e2e/unacknowledged.rs"]
mod unacknowledged;
#[path = "e2e/watching.rs"]
mod watching;
#[path = "e2e/written.rs"]
mod written;
