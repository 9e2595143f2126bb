//! Ranges of numbers that cost what nobody meant to pay.

/// Why a range is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Why {
    /// Whoever is called earns from the call.
    Premium,
    /// Looks like a call within North America and is billed as one abroad.
    LooksDomestic,
    /// Satellites and networks of no country.
    NoCountry,
}

impl Why {
    /// In a few words.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Why::Premium => "numbers there are charged at a premium",
            Why::LooksDomestic => "numbers there look domestic and are charged as international",
            Why::NoCountry => "numbers there belong to satellites or to no country",
        }
    }
}

/// A range that a shorter allowed prefix does not open.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RefusedRange {
    /// Its numbers begin so; `x` is any digit.
    pub prefix: &'static str,
    /// Why it is refused.
    pub why: Why,
}

impl RefusedRange {
    /// Whether `number` lies in it.
    #[must_use]
    pub fn holds(&self, number: &str) -> bool {
        let (number, prefix) = (number.as_bytes(), self.prefix.as_bytes());
        let same = |(pattern, digit): (&u8, &u8)| *pattern == b'x' || pattern == digit;
        number.len() >= prefix.len() && prefix.iter().zip(number).all(same)
    }
}

const fn range(prefix: &'static str, why: Why) -> RefusedRange {
    RefusedRange { prefix, why }
}

use Why::{LooksDomestic, NoCountry, Premium};

/// What is refused even inside an allowed prefix, unless an entry of the policy names the range in
/// full. From the numbering plans as published; not complete, and not meant to be: the policy's
/// prefixes are the lock.
#[rustfmt::skip]
pub const REFUSED_RANGES: &[RefusedRange] = &[
    // North America: pay-per-call, carriers' own services, numbers that follow a person.
    range("+1900", Premium), range("+1xxx976", Premium), range("+1700", Premium),
    range("+1500", Premium), range("+1521", Premium), range("+1522", Premium),
    range("+1533", Premium), range("+1544", Premium), range("+1566", Premium),
    range("+1577", Premium), range("+1588", Premium), range("+1600", Premium),
    // The Caribbean and Bermuda.
    range("+1242", LooksDomestic), range("+1246", LooksDomestic), range("+1264", LooksDomestic),
    range("+1268", LooksDomestic), range("+1284", LooksDomestic), range("+1340", LooksDomestic),
    range("+1345", LooksDomestic), range("+1441", LooksDomestic), range("+1473", LooksDomestic),
    range("+1649", LooksDomestic), range("+1658", LooksDomestic), range("+1664", LooksDomestic),
    range("+1721", LooksDomestic), range("+1758", LooksDomestic), range("+1767", LooksDomestic),
    range("+1784", LooksDomestic), range("+1787", LooksDomestic), range("+1809", LooksDomestic),
    range("+1829", LooksDomestic), range("+1849", LooksDomestic), range("+1868", LooksDomestic),
    range("+1869", LooksDomestic), range("+1876", LooksDomestic), range("+1939", LooksDomestic),
    // The Pacific islands of the same plan.
    range("+1670", LooksDomestic), range("+1671", LooksDomestic), range("+1684", LooksDomestic),
    // Satellites and networks of no country (ITU E.164 country codes of that kind).
    range("+870", NoCountry), range("+878", NoCountry), range("+881", NoCountry),
    range("+882", NoCountry), range("+883", NoCountry), range("+888", NoCountry),
    range("+979", Premium),
    // Premium ranges of national plans.
    range("+3115", Premium), range("+3190", Premium), range("+3290", Premium),
    range("+3381", Premium), range("+3382", Premium), range("+3389", Premium),
    range("+34118", Premium), range("+34803", Premium), range("+34806", Premium),
    range("+34807", Premium), range("+34905", Premium), range("+35115", Premium),
    range("+351760", Premium), range("+351761", Premium), range("+351762", Premium),
    range("+35315", Premium), range("+358600", Premium), range("+358700", Premium),
    range("+3989", Premium), range("+4190", Premium), range("+439", Premium),
    range("+4470", Premium), range("+4487", Premium), range("+449", Premium),
    range("+4590", Premium), range("+46900", Premium), range("+46939", Premium),
    range("+46944", Premium), range("+4782", Premium), range("+4870", Premium),
    range("+49118", Premium), range("+49137", Premium), range("+49180", Premium),
    range("+49900", Premium), range("+61190", Premium), range("+64900", Premium),
];
