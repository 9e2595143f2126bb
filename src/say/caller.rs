//! Which calls are of the same caller.

use sip_bridge::{Attestation, CallerIdentity};

/// Whose a claim is that was made for a caller whom the network does not name: nobody calls with
/// that name again, so nobody else ever hears it.
pub const NOBODY: &str = "";
/// So many claims that minds made for callers are kept for those callers' next calls.
pub const FOR_CALLERS_MAX: usize = 256;
/// What networks say of a caller who does not want to be known.
const UNNAMED: [&str; 5] = ["anonymous", "unknown", "unavailable", "restricted", "private"];
/// Longest name: what a governor takes for one, and no number is as long.
const NAME_BYTES_MAX: usize = 128;

/// What tells callers apart, from what the network says of one: a telephone number without what
/// people put between its digits, or a name in lower case. [`NOBODY`] for one who is not named.
///
/// The network's word is all there is: a caller who can forge a number is taken for whoever has it.
#[must_use]
pub fn caller_name(from: &str) -> String {
    let from = from.trim().trim_start_matches('<').trim_end_matches('>');
    let from = ["sips:", "sip:", "tel:"]
        .iter()
        .find_map(|scheme| from.strip_prefix(scheme))
        .unwrap_or(from);
    let user = from.split(['@', ';', '?']).next().unwrap_or_default();
    let is_number = user.chars().any(|c| c.is_ascii_digit())
        && user.chars().all(|c| c.is_ascii_digit() || "+-. ()/".contains(c));
    let name = match is_number {
        true => number(user),
        false => user.trim().to_lowercase(),
    };
    let is_unnamed = UNNAMED.contains(&name.as_str()) || name.len() > NAME_BYTES_MAX;
    if is_unnamed { NOBODY.to_owned() } else { name }
}

/// The same of a call that comes in: also [`NOBODY`] where the caller asked not to be named, and where
/// the network says that the number is forged.
#[must_use]
pub fn named(from: &str, identity: &CallerIdentity) -> String {
    if is_unnamed(identity) { NOBODY.to_owned() } else { caller_name(from) }
}

/// Whether the network names nobody whom the number could be taken for.
#[must_use]
pub fn is_unnamed(identity: &CallerIdentity) -> bool {
    identity.withheld || identity.attestation == Attestation::Failed
}

/// `+49 (30) 12-34` and `0049301234` are the same telephone.
fn number(written: &str) -> String {
    let digits: String = written.chars().filter(char::is_ascii_digit).collect();
    match (written.trim_start().starts_with('+'), digits.strip_prefix("00")) {
        (true, _) => format!("+{digits}"),
        (false, Some(rest)) => format!("+{rest}"),
        (false, None) => digits,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caller_is_the_same_however_the_network_writes_it() {
        for same in ["+49 (30) 12-34", "0049301234", "sip:+49301234@10.0.0.1", "tel:+49-30-1234"] {
            assert_eq!(caller_name(same), "+49301234", "{same}");
        }
        assert_eq!(caller_name("<sips:Ann.Smith@house.example;user=phone>"), "ann.smith");
        assert_ne!(caller_name("100"), caller_name("101"));
        assert_eq!(caller_name("0301234"), "0301234");
    }

    #[test]
    fn a_number_that_is_forged_and_one_that_is_withheld_are_nobodys() {
        let says = |attestation, withheld| CallerIdentity {
            attestation,
            withheld,
            ..CallerIdentity::default()
        };
        let name = |identity| named("+49301234", &identity);
        assert_eq!(name(says(Attestation::Failed, false)), NOBODY);
        assert_eq!(name(says(Attestation::Full, true)), NOBODY);
        assert_eq!(name(says(Attestation::Unverified, false)), "+49301234");
    }

    #[test]
    fn who_is_not_named_is_nobody() {
        let long = "x".repeat(200);
        for unnamed in ["", " ", "Anonymous", "sip:anonymous@anonymous.invalid", "<>", &long] {
            assert_eq!(caller_name(unnamed), NOBODY, "{unnamed}");
        }
    }
}
