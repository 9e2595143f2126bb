use brain_protocol::LineId;

/// Where somebody talks with the brain. Lines come before writers: what may be told to anybody is
/// told to a caller.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Place {
    /// In a call.
    Line(LineId),
    /// In writing.
    Text(WriterId),
}

impl Place {
    /// The line, if it is one.
    #[must_use]
    pub const fn line(self) -> Option<LineId> {
        match self {
            Place::Line(line) => Some(line),
            Place::Text(_) => None,
        }
    }
}

/// Somebody who writes on one lane.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct WriterId(pub(super) u64);
