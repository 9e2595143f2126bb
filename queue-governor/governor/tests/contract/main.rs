//! The governor's contract, in virtual time: scenarios named after what must hold, an independent
//! reference model, and random operation sequences against both. Which test shows which invariant and
//! which ending is a table in the house's `tests/scenarios/audited.rs`.

mod bounds;
mod checkpoint;
mod crash;
mod interruption;
mod journal;
mod ledger;
mod never_twice;
mod operator;
mod pacing;
mod precedence;
mod properties;
mod reference_model;
mod settling;
mod stall;
mod support;
mod twins;
mod wire;
