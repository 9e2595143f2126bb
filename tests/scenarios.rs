//! Whole conversations in virtual time: the wiring of a line with a mouth that is not there, so
//! that minutes on the phone are milliseconds of a test.

#[path = "scenarios/brain_away.rs"]
mod brain_away;
#[path = "scenarios/complaints.rs"]
mod complaints;
#[path = "scenarios/conversation.rs"]
mod conversation;
#[path = "scenarios/world.rs"]
mod world;
