//! `/api/v1`: the line itself, for its console page and for programs.

pub(super) mod events;
