//! Keys in SDP (RFC 4568): `a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:…`.

use core::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use media_core::rtp::srtp::{KEY_AND_SALT_BYTES, SrtpKey, SrtpProfile};

/// One way to protect the media, with the key of whoever wrote it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Crypto {
    /// By which number the answer names it.
    pub tag: u32,
    /// How.
    pub profile: SrtpProfile,
    /// With what.
    pub key: SrtpKey,
}

impl Crypto {
    /// Reads the value of an `a=crypto` line. `None` for what we cannot do: another suite, more than
    /// one key, a key identifier, a parameter that changes what packets look like (§6.3).
    pub(super) fn parse(value: &str) -> Option<Self> {
        let mut words = value.split_ascii_whitespace();
        let tag = words.next()?.parse().ok()?;
        let profile = SrtpProfile::from_suite_name(words.next()?)?;
        let key = key(profile, words.next()?)?;
        // The hint for a window size changes nothing; the window is larger than any useful one.
        words.all(|word| word.starts_with("WSH=")).then_some(Self { tag, profile, key })
    }

    /// Adds the line.
    pub(super) fn write(&self, out: &mut String) {
        let used = self.profile.key_and_salt_bytes();
        let key = STANDARD.encode(&self.key.key_and_salt()[..used]);
        let (tag, suite) = (self.tag, self.profile.suite_name());
        let _ = write!(out, "a=crypto:{tag} {suite} inline:{key}\r\n");
    }
}

/// `inline:<key and salt>[|<lifetime>]`. A lifetime is the most that the peer will use the key for,
/// which RFC 3711 bounds at what we bear in any case.
fn key(profile: SrtpProfile, parameters: &str) -> Option<SrtpKey> {
    let (method, rest) = parameters.split_once(':')?;
    if !method.eq_ignore_ascii_case("inline") || rest.contains(';') {
        return None;
    }
    let mut parts = rest.split('|');
    let mut bytes = [0; KEY_AND_SALT_BYTES];
    let written = STANDARD.decode_slice(parts.next()?, &mut bytes).ok()?;
    let only_a_lifetime = parts.next().is_none_or(|part| !part.contains(':'));
    let whole =
        written == profile.key_and_salt_bytes() && only_a_lifetime && parts.next().is_none();
    whole.then(|| SrtpKey::new(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    // RFC 4568 §6.1.
    const KEY: &str = "d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj";

    fn parse(suite: &str, parameters: &str) -> Option<Crypto> {
        Crypto::parse(&format!("1 {suite} {parameters}"))
    }

    #[test]
    fn a_line_is_read_and_written_as_the_rfc_has_it() {
        for suite in ["AES_CM_128_HMAC_SHA1_80", "AES_CM_128_HMAC_SHA1_32"] {
            let crypto = parse(suite, &format!("inline:{KEY}")).expect("a usable line");
            assert_eq!(&crypto.key.key_and_salt()[..4], b"wDfv");
            let mut out = String::new();
            crypto.write(&mut out);
            assert_eq!(out, format!("a=crypto:1 {suite} inline:{KEY}\r\n"));
            let with_lifetime = parse(suite, &format!("inline:{KEY}|2^20 WSH=64"));
            assert_eq!(with_lifetime, Some(crypto));
        }
    }

    #[test]
    fn a_suite_with_a_shorter_salt_takes_and_gives_a_shorter_key() {
        let shorter = STANDARD.encode([7; 28]);
        let crypto = parse("AEAD_AES_128_GCM", &format!("inline:{shorter}")).expect("usable");
        let mut out = String::new();
        crypto.write(&mut out);
        assert_eq!(out, format!("a=crypto:1 AEAD_AES_128_GCM inline:{shorter}\r\n"));
        assert_eq!(parse("AEAD_AES_128_GCM", &format!("inline:{KEY}")), None);
        assert_eq!(parse("AES_CM_128_HMAC_SHA1_80", &format!("inline:{shorter}")), None);
    }

    #[test]
    fn what_we_cannot_do_is_passed_over() {
        let suite = "AES_CM_128_HMAC_SHA1_80";
        for parameters in [
            format!("inline:{KEY}|2^20|1:4"),
            format!("inline:{KEY}|1:4"),
            format!("inline:{KEY};inline:{KEY}"),
            format!("inline:{KEY} UNENCRYPTED_SRTP"),
            format!("inline:{KEY} KDR=1"),
            format!("inline:{}", &KEY[..36]),
            format!("inline:{KEY}AAAA"),
            "inline:".into(),
            "inline:!!!!".into(),
            format!("uri:{KEY}"),
            String::new(),
        ] {
            assert_eq!(parse(suite, &parameters), None, "{parameters}");
        }
        assert_eq!(parse("F8_128_HMAC_SHA1_80", &format!("inline:{KEY}")), None);
        assert_eq!(Crypto::parse(""), None);
    }
}
