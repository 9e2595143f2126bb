//! From written text to clauses of spoken words, each word still knowing where it was written.

mod clause;
mod identifier;
mod normalise;
mod numbers;
mod token;
mod units;

pub(crate) use clause::{Clause, clauses};
pub(crate) use token::Mark;
