use media_core::MonoTime;

/// A bucket of tokens that fills at a steady rate and holds what comes in a second.
#[derive(Clone, Debug)]
pub(crate) struct Bucket {
    per_second: u64,
    /// Millionths of a token.
    level: u64,
    at: MonoTime,
}

impl Bucket {
    /// Full. `0`: it never runs out.
    pub fn per_second(per_second: u32) -> Self {
        let per_second = u64::from(per_second);
        Self { per_second, level: per_second * TOKEN, at: MonoTime::ZERO }
    }

    /// Takes a token, if there is one.
    pub fn take(&mut self, now: MonoTime) -> bool {
        self.take_many(now, 1)
    }

    /// Takes so many tokens, if they are there.
    pub fn take_many(&mut self, now: MonoTime, tokens: u32) -> bool {
        if self.per_second == 0 {
            return true;
        }
        // Microseconds passed, times tokens a second, are millionths of a token.
        let passed = u64::try_from(now.since(self.at).as_micros()).unwrap_or(u64::MAX);
        let filled = self.level.saturating_add(passed.saturating_mul(self.per_second));
        self.level = filled.min(self.per_second * TOKEN);
        self.at = self.at.max(now);
        match self.level.checked_sub(u64::from(tokens) * TOKEN) {
            Some(left) => self.level = left,
            None => return false,
        }
        true
    }

    /// Whether it has been left alone for long enough to be full again.
    pub fn is_full(&self, now: MonoTime) -> bool {
        now.since(self.at).as_secs() >= 1
    }
}

const TOKEN: u64 = 1_000_000;
