//! Digest authentication (RFC 7616, RFC 8760) in both roles: who proves to know a secret without
//! saying it. Pure: told the time, given its randomness.
//!
//! MD5 is spoken because telephones and exchanges of the last twenty years know nothing else; where
//! both sides know SHA-256, that is taken. `qop=auth` always, when we are the ones who ask.

mod challenge;
mod nonce;
mod proof;
#[cfg(test)]
mod tests;

use core::fmt;

pub(crate) use challenge::{Challenge, strongest};
pub(crate) use nonce::{NonceVerdict, Nonces};
pub(crate) use proof::{Proof, constant_time_eq};

/// A user and the secret that goes with it. Never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The user name.
    pub user: String,
    /// Its secret.
    pub secret: String,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials([redacted])")
    }
}

/// The hash that a proof is made with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DigestAlgorithm {
    /// What everybody knows.
    Md5,
    /// What nobody has broken.
    Sha256,
}

impl DigestAlgorithm {
    /// Reads a name.
    #[must_use]
    pub fn read(name: &str) -> Option<Self> {
        match name {
            name if name.eq_ignore_ascii_case("MD5") => Some(Self::Md5),
            name if name.eq_ignore_ascii_case("SHA-256") => Some(Self::Sha256),
            _ => None,
        }
    }

    /// As written in a challenge.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Md5 => "MD5",
            Self::Sha256 => "SHA-256",
        }
    }

    fn hash(self, text: &str) -> String {
        use md5::Digest as _;
        let bytes: Vec<u8> = match self {
            Self::Md5 => md5::Md5::digest(text.as_bytes()).to_vec(),
            Self::Sha256 => {
                ring::digest::digest(&ring::digest::SHA256, text.as_bytes()).as_ref().to_vec()
            }
        };
        hex(&bytes)
    }
}

/// What a proof is about.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subject<'a> {
    pub realm: &'a str,
    pub nonce: &'a str,
    pub method: &'a str,
    pub uri: &'a str,
    /// The count and our own random word, where `qop=auth` is spoken.
    pub counted: Option<(u32, &'a str)>,
}

/// The proof itself (RFC 7616 §3.4.1).
pub(crate) fn prove(
    algorithm: DigestAlgorithm,
    credentials: &Credentials,
    of: &Subject<'_>,
) -> String {
    let Credentials { user, secret } = credentials;
    let who = algorithm.hash(&format!("{user}:{}:{secret}", of.realm));
    let what = algorithm.hash(&format!("{}:{}", of.method, of.uri));
    algorithm.hash(&match of.counted {
        Some((count, own)) => format!("{who}:{}:{count:08x}:{own}:auth:{what}", of.nonce),
        None => format!("{who}:{}:{what}", of.nonce),
    })
}

/// Two digits for each byte.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use core::fmt::Write as _;
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// The parameters of a `Digest` challenge or proof: names in lower case, values without quotes.
/// `None` if it is another scheme, or more than any peer sends.
fn parameters(value: &str) -> Option<Vec<(String, String)>> {
    let value = value.trim();
    let scheme = value.get(..6)?;
    let rest = &value[6..];
    if !scheme.eq_ignore_ascii_case("Digest") || !rest.starts_with([' ', '\t']) {
        return None;
    }
    let (mut found, mut start, mut quoted, mut escaped) = (Vec::new(), 0, false, false);
    let ends = rest.bytes().enumerate().filter_map(|(at, byte)| {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b',' if !quoted => return Some(at),
            _ => {}
        }
        None
    });
    for end in ends.collect::<Vec<_>>().into_iter().chain([rest.len()]) {
        let (name, value) = rest[start..end].split_once('=')?;
        found.push((name.trim().to_ascii_lowercase(), unquoted(value.trim())));
        start = end + 1;
        if found.len() > PARAMETERS_MAX {
            return None;
        }
    }
    Some(found)
}

fn unquoted(value: &str) -> String {
    let Some(inner) = value.strip_prefix('"').and_then(|it| it.strip_suffix('"')) else {
        return value.to_owned();
    };
    let mut escaped = false;
    let plain = |letter: char| {
        escaped = letter == '\\' && !escaped;
        (!escaped).then_some(letter)
    };
    inner.chars().filter_map(plain).collect()
}

/// A value between quotes, so that it ends where it ends.
fn quoted(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"")
}

/// RFC 7616 knows eleven.
const PARAMETERS_MAX: usize = 24;
