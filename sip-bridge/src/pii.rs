use core::fmt;
use core::sync::atomic::{AtomicBool, Ordering};

static REVEALED: AtomicBool = AtomicBool::new(false);

/// A value that names a person: a phone number, an address, words spoken.
///
/// `Display` and `Debug` write `[redacted]` until [`reveal_pii`] is called, so that a log line can
/// carry the field without carrying the number. Code that needs the value says so with
/// [`Pii::expose`].
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Pii<T>(T);

impl<T> Pii<T> {
    /// Wraps `value`.
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// The value itself, for signalling and for records that the operator asked for.
    pub const fn expose(&self) -> &T {
        &self.0
    }

    /// The value itself, by value.
    pub fn into_exposed(self) -> T {
        self.0
    }
}

impl<T> From<T> for Pii<T> {
    fn from(value: T) -> Self {
        Self(value)
    }
}

impl<T: fmt::Display> fmt::Display for Pii<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if pii_is_revealed() { self.0.fmt(f) } else { f.write_str("[redacted]") }
    }
}

impl<T: fmt::Debug> fmt::Debug for Pii<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if pii_is_revealed() { self.0.fmt(f) } else { f.write_str("[redacted]") }
    }
}

/// Lets every [`Pii`] of this process show itself in logs (`true`), or not (`false`, the default).
pub fn reveal_pii(reveal: bool) {
    REVEALED.store(reveal, Ordering::Relaxed);
}

/// Whether [`Pii`] values show themselves.
#[must_use]
pub fn pii_is_revealed() -> bool {
    REVEALED.load(Ordering::Relaxed)
}
