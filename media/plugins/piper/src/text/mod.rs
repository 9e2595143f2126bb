//! From written text to clauses of spoken words, each word still knowing where it was written.

mod amount;
mod clause;
mod code;
mod identifier;
mod normalise;
mod numbers;
#[cfg(test)]
mod spoken_table;
mod token;
mod units;
mod when;

pub(crate) use clause::{Clause, clauses};
pub(crate) use token::Mark;
