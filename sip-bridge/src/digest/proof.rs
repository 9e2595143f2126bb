use super::{Credentials, DigestAlgorithm, Subject, parameters, prove};

/// A peer's proof, as it stands in `Authorization`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Proof {
    pub user: String,
    pub nonce: String,
    pub count: u32,
    realm: String,
    uri: String,
    response: String,
    own: String,
    pub algorithm: DigestAlgorithm,
}

impl Proof {
    /// Reads one. `None`: not a proof of the kind that we ask for, `qop=auth` included: without a
    /// count, one could be used twice.
    pub(crate) fn read(value: &str) -> Option<Self> {
        let parameters = parameters(value)?;
        let get = |name: &str| parameters.iter().find(|(key, _)| key == name).map(|(_, it)| &**it);
        let algorithm =
            get("algorithm").map_or(Some(DigestAlgorithm::Md5), DigestAlgorithm::read)?;
        get("qop").filter(|qop| qop.eq_ignore_ascii_case("auth"))?;
        let text =
            |name: &str| get(name).filter(|it| it.len() <= TEXT_BYTES_MAX).map(str::to_owned);
        Some(Self {
            user: text("username")?,
            nonce: text("nonce")?,
            count: u32::from_str_radix(get("nc")?, 16).ok()?,
            realm: text("realm")?,
            uri: text("uri")?,
            response: text("response")?.to_ascii_lowercase(),
            own: text("cnonce")?,
            algorithm,
        })
    }

    /// Whether it proves knowledge of the secret, for a request with `method` to `uri` in `realm`.
    /// Takes as long for a wrong proof as for a right one.
    pub(crate) fn holds(
        &self,
        credentials: &Credentials,
        realm: &str,
        (method, uri): (&str, &str),
    ) -> bool {
        let expected = prove(
            self.algorithm,
            credentials,
            &Subject {
                realm,
                nonce: &self.nonce,
                method,
                uri: &self.uri,
                counted: Some((self.count, &self.own)),
            },
        );
        let proven = constant_time_eq(expected.as_bytes(), self.response.as_bytes());
        let about_this = self.realm == realm && self.uri == uri && self.user == credentials.user;
        proven & about_this
    }
}

/// Compares without telling by the time it takes where the difference is.
pub(crate) fn constant_time_eq(one: &[u8], other: &[u8]) -> bool {
    let differ = one.iter().zip(other).fold(0, |differ, (a, b)| differ | (a ^ b));
    core::hint::black_box(differ) == 0 && one.len() == other.len()
}

/// Longest value that is looked at.
const TEXT_BYTES_MAX: usize = 512;
