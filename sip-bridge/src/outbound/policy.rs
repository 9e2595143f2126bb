use core::time::Duration;

use super::OutboundRefusal;
use super::number::Number;
use super::ranges::REFUSED_RANGES;

/// Money in millionths of whatever unit the operator's carrier bills in.
pub type Micros = u64;

/// What may be called, and what a minute of it costs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AllowedPrefix {
    /// `+` and the first digits of international numbers; or, without a plus, one extension.
    pub prefix: String,
    /// A minute's price.
    pub per_minute: Micros,
}

/// Whom the line may call, and for how much.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct OutboundPolicy {
    /// Nobody else is called. Empty: nobody is.
    pub allow: Vec<AllowedPrefix>,
    /// Calls out at a time.
    pub calls_max: usize,
    /// No call out lasts longer.
    pub longest: Duration,
    /// Minutes of all calls out in a day (UTC).
    pub minutes_per_day: u64,
    /// What they may cost.
    pub spend_per_day: Micros,
}

impl OutboundPolicy {
    /// The number as it is dialled, and the entry that allows it.
    pub(super) fn judge(&self, text: &str) -> Result<(Number, &AllowedPrefix), OutboundRefusal> {
        if self.allow.is_empty() {
            return Err(OutboundRefusal::Off);
        }
        let number = Number::parse(text)?;
        let covers = |entry: &&AllowedPrefix| match number.is_extension() {
            true => entry.prefix == number.as_str(),
            false => entry.prefix.starts_with('+') && number.as_str().starts_with(&*entry.prefix),
        };
        let longest = self.allow.iter().filter(covers).max_by_key(|entry| entry.prefix.len());
        let entry = longest.ok_or(OutboundRefusal::NotAllowed)?;
        let shut = |range: &&super::RefusedRange| {
            range.holds(number.as_str()) && !range.holds(&entry.prefix)
        };
        match REFUSED_RANGES.iter().find(shut) {
            Some(range) => Err(OutboundRefusal::Expensive(*range)),
            None => Ok((number, entry)),
        }
    }
}
