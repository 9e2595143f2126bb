use super::ranges::RefusedRange;

/// Why a call out, or a transfer, may not be. Each says what to do about it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum OutboundRefusal {
    /// The line calls nobody.
    #[error(
        "calls out are off: name a trunk in [outbound] trunk, and whom it may call in [[outbound.allow]]"
    )]
    Off,
    /// Not something to dial.
    #[error(
        "not a telephone number: write +, the country code and the number, e.g. +49301234567, or an extension that [[outbound.allow]] names"
    )]
    NotANumber,
    /// No entry covers it.
    #[error("no prefix in [[outbound.allow]] covers this number; add one if it may be called")]
    NotAllowed,
    /// It is expensive in a way that a short prefix does not say.
    #[error(
        "{prefix} is refused also inside an allowed prefix, because {why}; to allow it, name it in full: [[outbound.allow]] prefix = {prefix:?}",
        prefix = .0.prefix, why = .0.why.text()
    )]
    Expensive(RefusedRange),
    /// As many calls out as may be are open.
    #[error(
        "{calls_max} calls out are open, and no more may be ([outbound] calls_max); wait until one ends"
    )]
    CallsFull {
        /// The limit.
        calls_max: usize,
    },
    /// Too many attempts in a minute.
    #[error("{attempts_max} calls out were tried within a minute; wait {wait_s} s")]
    TooOften {
        /// The limit.
        attempts_max: usize,
        /// Until then.
        wait_s: u64,
    },
    /// The day's minutes are used, or promised to calls that are open.
    #[error(
        "the day's {minutes} minutes of calls out are used or promised to open calls ([outbound] minutes_per_day); the next day begins at 00:00 UTC"
    )]
    MinutesUsed {
        /// The limit.
        minutes: u64,
    },
    /// The day's money is spent, or promised to calls that are open.
    #[error(
        "the day's money for calls out is spent or promised to open calls ([outbound] spend_per_day); the next day begins at 00:00 UTC"
    )]
    MoneySpent,
}

impl OutboundRefusal {
    /// Whether the same may be asked again later with better luck.
    #[must_use]
    pub const fn passes(self) -> bool {
        use OutboundRefusal as R;
        match self {
            R::Off | R::NotANumber | R::NotAllowed | R::Expensive(_) => false,
            R::CallsFull { .. } | R::TooOften { .. } => true,
            R::MinutesUsed { .. } | R::MoneySpent => true,
        }
    }
}
