//! How much may come in under names that whoever writes chooses for itself. Told the time.

use std::time::Duration;

use super::rate::{Rate, Rates};

/// A bucket for each name, and one for all the new names of an address: a name costs nothing, an
/// address and a minute do. Whoever invents a name for each message gets no further than the others
/// at its address who are new, and does not keep out who is known.
#[derive(Debug)]
pub(super) struct NamedRates {
    names: Rates,
    newcomers: Rates,
}

impl NamedRates {
    /// `each`: a name's. All names together may do `all`, and an address's new ones half of that.
    pub fn new(each: Rate, all: Rate) -> Self {
        let half = |of: u32| (of / 2).max(1);
        let new = Rate { burst: half(all.burst), per_minute: half(all.per_minute) };
        Self { names: Rates::new(each, all), newcomers: Rates::new(new, all) }
    }

    /// Lets one in, or says when to come again. Who is kept out takes nothing from the others.
    ///
    /// # Errors
    /// How long to wait.
    pub fn take(&mut self, now: Duration, address: &str, name: &str) -> Result<(), Duration> {
        let known = self.names.is_known(now, name);
        let new = if known { Duration::ZERO } else { self.newcomers.wait(now, address) };
        // A new name that is kept out anyway gets no bucket.
        let wait = if new.is_zero() { self.names.wait(now, name) } else { new };
        if wait > Duration::ZERO {
            return Err(wait);
        }
        self.names.charge(name);
        if !known {
            self.newcomers.charge(address);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EACH: Rate = Rate { burst: 6, per_minute: 60 };
    const ALL: Rate = Rate { burst: 20, per_minute: 600 };
    const HERE: &str = "127.0.0.1";

    fn at(s: u64) -> Duration {
        Duration::from_secs(s)
    }

    /// How many of `count` messages under ever other names are let in.
    fn invented(rates: &mut NamedRates, now: Duration, count: usize) -> usize {
        let take = |n: &usize| rates.take(now, HERE, &format!("{now:?} {n}")).is_ok();
        (0..count).filter(take).count()
    }

    #[test]
    fn ever_other_names_get_no_further_than_one_newcomer_and_keep_out_nobody_who_is_known() {
        let mut rates = NamedRates::new(EACH, ALL);
        for now in [0, 60] {
            assert_eq!(rates.take(at(now), HERE, "cron"), Ok(()));
        }
        assert_eq!(invented(&mut rates, at(120), 100), 10, "half of what all may");
        let wait =
            rates.take(at(120), HERE, "one more").expect_err("its address has had its share");
        assert!(wait <= at(1), "{wait:?}");
        let known = (0..9).filter(|_| rates.take(at(120), HERE, "cron").is_ok()).count();
        assert_eq!(known, 6, "as if nothing had been");
        assert_eq!(rates.take(at(120), "192.0.2.7", "ann"), Ok(()), "another address");
    }

    #[test]
    fn a_name_that_floods_is_kept_out_alone() {
        let mut rates = NamedRates::new(EACH, ALL);
        let let_in = (0..9).filter(|_| rates.take(at(0), HERE, "flood").is_ok()).count();
        assert_eq!(let_in, 6);
        assert_eq!(rates.take(at(0), HERE, "quiet"), Ok(()));
    }

    #[test]
    fn who_is_known_stays_so_through_a_flood_of_names_that_is_never_over() {
        let mut rates = NamedRates::new(EACH, Rate { burst: 10_000, per_minute: 600_000 });
        for now in [0, 60] {
            assert_eq!(rates.take(at(now), HERE, "cron"), Ok(()));
        }
        for now in 61..120 {
            assert_eq!(invented(&mut rates, at(now), 400), 400);
        }
        assert!(rates.names.is_known(at(120), "cron"));
    }
}
