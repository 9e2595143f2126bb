//! The one secret of the door.

use sha2::{Digest, Sha256};

/// The environment variable that holds it.
pub const TOKEN_VARIABLE: &str = "XENLINE_HTTP_TOKEN";
/// A shorter one can be guessed.
pub const TOKEN_BYTES_MIN: usize = 16;

/// What every request has to bring. Kept as its digest; never shown.
#[derive(Clone)]
pub struct Token([u8; 32]);

impl Token {
    /// The token with this text; `None` if it is too short to be one.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        (text.len() >= TOKEN_BYTES_MIN).then(|| Self(Sha256::digest(text.as_bytes()).into()))
    }

    /// The token of this process's environment or credentials.
    #[must_use]
    pub fn from_environment() -> Option<Self> {
        Self::new(crate::secret::secret(TOKEN_VARIABLE)?.trim())
    }

    /// Whether an `Authorization` header carries it. Takes the same time wherever the two differ.
    #[must_use]
    pub fn opens(&self, authorization: &[u8]) -> bool {
        let Some((scheme, offered)) = authorization.split_at_checked(BEARER.len()) else {
            return false;
        };
        if !scheme.eq_ignore_ascii_case(BEARER) {
            return false;
        }
        let offered: [u8; 32] = Sha256::digest(offered.trim_ascii()).into();
        let differences = self.0.iter().zip(offered).fold(0, |all, (a, b)| all | (a ^ b));
        std::hint::black_box(differences) == 0
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token")
    }
}

const BEARER: &[u8] = b"Bearer ";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_whole_token_opens() {
        let token = Token::new("correct horse battery").unwrap();
        assert!(token.opens(b"Bearer correct horse battery"));
        assert!(token.opens(b"bearer correct horse battery"), "the scheme has no case");
        for wrong in [
            &b""[..],
            b"Bearer",
            b"Bearer ",
            b"Bearer correct horse batter",
            b"Bearer correct horse battery!",
            b"Basic correct horse battery",
            b"correct horse battery",
            b"\xff\xfe",
        ] {
            assert!(!token.opens(wrong), "{wrong:?}");
        }
    }

    #[test]
    fn a_short_token_is_none_and_a_token_does_not_show_itself() {
        assert!(Token::new("").is_none() && Token::new("0123456789abcde").is_none());
        assert_eq!(format!("{:?}", Token::new("0123456789abcdef").unwrap()), "Token");
    }
}
