use super::{Credentials, DigestAlgorithm, Subject, parameters, prove, quoted};

/// What a peer wants proven, and how.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Challenge {
    realm: String,
    nonce: String,
    opaque: Option<String>,
    algorithm: DigestAlgorithm,
    /// Whether the challenge names an algorithm: then the proof does too.
    named: bool,
    counts: bool,
    /// The proof was right, and only its nonce too old.
    pub stale: bool,
    /// Whether a proxy asks (407), so that the proof goes into another header.
    proxy: bool,
    count: u32,
}

impl Challenge {
    /// Reads one challenge. `None`: not one that we can meet.
    pub(crate) fn read(value: &str, proxy: bool) -> Option<Self> {
        let parameters = parameters(value)?;
        let get = |name: &str| parameters.iter().find(|(key, _)| key == name).map(|(_, it)| &**it);
        let algorithm =
            get("algorithm").map_or(Some(DigestAlgorithm::Md5), DigestAlgorithm::read)?;
        let qop = get("qop");
        let counts = qop.is_some_and(|qop| qop.split(',').any(|it| it.trim() == "auth"));
        if qop.is_some() && !counts {
            return None; // Only auth-int: nobody speaks it.
        }
        Some(Self {
            realm: get("realm")?.to_owned(),
            nonce: get("nonce").filter(|nonce| !nonce.is_empty())?.to_owned(),
            opaque: get("opaque").map(str::to_owned),
            algorithm,
            named: get("algorithm").is_some(),
            counts,
            stale: get("stale").is_some_and(|stale| stale.eq_ignore_ascii_case("true")),
            proxy,
            count: 0,
        })
    }

    /// The header line that meets it for one request. `own`: a random word.
    pub(crate) fn meet(
        &mut self,
        credentials: &Credentials,
        (method, uri): (&str, &str),
        own: &str,
    ) -> String {
        self.count += 1;
        let Self { realm, nonce, algorithm, count, .. } = &*self;
        let counted = self.counts.then_some((*count, own));
        let proof = prove(*algorithm, credentials, &Subject { realm, nonce, method, uri, counted });
        let name = if self.proxy { "Proxy-Authorization" } else { "Authorization" };
        let user = quoted(&credentials.user);
        let (realm, nonce) = (quoted(realm), quoted(nonce));
        let mut line = format!(
            "{name}: Digest username=\"{user}\", realm=\"{realm}\", nonce=\"{nonce}\", uri=\"{uri}\", response=\"{proof}\""
        );
        if self.named {
            line.push_str(&format!(", algorithm={}", algorithm.name()));
        }
        if self.counts {
            line.push_str(&format!(", qop=auth, nc={count:08x}, cnonce=\"{own}\""));
        }
        if let Some(opaque) = &self.opaque {
            line.push_str(&format!(", opaque=\"{}\"", quoted(opaque)));
        }
        line.push_str("\r\n");
        line
    }
}

/// Of several challenges the one with the stronger hash (RFC 8760 §2.4).
pub(crate) fn strongest(challenges: &[String], proxy: bool) -> Option<Challenge> {
    let met = challenges.iter().take(CHALLENGES_MAX).filter_map(|it| Challenge::read(it, proxy));
    met.reduce(|best, next| match (best.algorithm, next.algorithm) {
        (DigestAlgorithm::Md5, DigestAlgorithm::Sha256) => next,
        _ => best,
    })
}

/// One for each algorithm that anybody speaks, and a proxy's.
const CHALLENGES_MAX: usize = 8;
