//! Who comes in, in this order: right host, no foreign page, within the rate, with the token.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::Shared;
use super::listen::Peer;
use super::problem::Refusal;
use super::token::TOKEN_VARIABLE;

/// A body of 20 KB comes within this, and is dealt with.
const ANSWERED_WITHIN: Duration = Duration::from_secs(15);

/// What every request passes.
pub(super) async fn outside(
    State(shared): State<Arc<Shared>>,
    request: Request,
    next: Next,
) -> Response {
    let answer = match let_in(&shared, &request) {
        Err(refusal) => Err(refusal),
        Ok(()) => tokio::time::timeout(ANSWERED_WITHIN, next.run(request)).await.map_err(|_| {
            let message = "the request did not arrive in time";
            Refusal::new(StatusCode::REQUEST_TIMEOUT, "timeout", message)
        }),
    };
    sealed(answer.unwrap_or_else(IntoResponse::into_response))
}

/// What every answer says to a browser: keep it nowhere, show it in nobody's frame, take it for nothing
/// else. A file of the page says more for itself.
fn sealed(mut response: Response) -> Response {
    let headers = response.headers_mut();
    for (name, value) in SEAL {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}

const SEAL: [(HeaderName, &str); 5] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::CACHE_CONTROL, "no-store"),
    (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// What requests with a token pass.
pub(super) async fn token(
    State(shared): State<Arc<Shared>>,
    request: Request,
    next: Next,
) -> Response {
    match authorised(&shared, request.headers()) {
        Ok(()) => next.run(request).await,
        Err(refusal) => refusal.into_response(),
    }
}

/// The secret that a request brings.
pub(super) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let brought = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, secret) = brought.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(secret.trim())
}

/// What requests with the token or a page's session pass.
pub(super) async fn page(
    State(shared): State<Arc<Shared>>,
    request: Request,
    next: Next,
) -> Response {
    if has_session(&shared, request.headers()) {
        return next.run(request).await;
    }
    token(State(shared), request, next).await
}

/// Whether a request brings the token.
pub(super) fn authorised(shared: &Shared, headers: &HeaderMap) -> Result<(), Refusal> {
    let Some(token) = &shared.settings.token else {
        let message = format!(
            "this line has no token: set {TOKEN_VARIABLE} in its environment and start it again"
        );
        return Err(Refusal::new(StatusCode::UNAUTHORIZED, "unauthorized", message));
    };
    let brought = headers.get(header::AUTHORIZATION);
    if brought.is_some_and(|brought| token.opens(brought.as_bytes())) {
        return Ok(());
    }
    let message = format!("send the header Authorization: Bearer <the line's {TOKEN_VARIABLE}>");
    Err(Refusal::new(StatusCode::UNAUTHORIZED, "unauthorized", message))
}

fn let_in(shared: &Shared, request: &Request) -> Result<(), Refusal> {
    let headers = request.headers();
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    if !is_ours(host, &shared.settings.hosts) {
        let message = "this host is not one of ours: use 127.0.0.1, or name it in [http] hosts";
        return Err(Refusal::new(StatusCode::MISDIRECTED_REQUEST, "wrong_host", message));
    }
    if let Some(origin) = headers.get(header::ORIGIN)
        && !same_origin(origin.as_bytes(), host)
    {
        let message = "pages of other sites have no business here";
        return Err(Refusal::new(StatusCode::FORBIDDEN, "foreign_origin", message));
    }
    if is_foreign(headers, request.method()) {
        let message = "pages of other sites have no business here";
        return Err(Refusal::new(StatusCode::FORBIDDEN, "foreign_site", message));
    }
    let peer = request.extensions().get::<Peer>().map(|peer| peer.0.ip().to_string());
    let rates = if is_known(shared, headers) { &shared.known } else { &shared.peers };
    shared.admit(rates, &peer.unwrap_or_default())
}

/// Whether a request brings the token or a page's session: who brings none, from the same address,
/// uses up nothing of theirs.
fn is_known(shared: &Shared, headers: &HeaderMap) -> bool {
    authorised(shared, headers).is_ok() || has_session(shared, headers)
}

fn has_session(shared: &Shared, headers: &HeaderMap) -> bool {
    bearer(headers).is_some_and(|secret| shared.behind.pages.knows(Instant::now(), secret))
}

/// What a browser says of who asked: another site, or another port of this machine. A link that
/// somebody follows here may come from anywhere; it opens the page, which has no authority by itself.
fn is_foreign(headers: &HeaderMap, method: &Method) -> bool {
    let said = |name: &str| headers.get(name).map_or(&b""[..], |value| value.as_bytes());
    let follows_a_link = method == Method::GET && said("sec-fetch-mode") == b"navigate";
    !matches!(said("sec-fetch-site"), b"" | b"same-origin" | b"none") && !follows_a_link
}

/// A name that resolves to us is not enough: any site may give itself such a name.
fn is_ours(host: &str, hosts: &[String]) -> bool {
    let name = name_of(host);
    let loopback = name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
    loopback
        || name.eq_ignore_ascii_case("localhost")
        || hosts.iter().any(|ours| ours.eq_ignore_ascii_case(name))
}

/// `Host` without its port and without the brackets of an IPv6 address.
fn name_of(host: &str) -> &str {
    if let Some((name, _)) = host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        return name;
    }
    host.rsplit_once(':').map_or(host, |(name, _)| name)
}

fn same_origin(origin: &[u8], host: &str) -> bool {
    let Ok(origin) = core::str::from_utf8(origin) else { return false };
    let bare = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
    bare.is_some_and(|bare| bare.eq_ignore_ascii_case(host))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_and_named_hosts_are_ours() {
        let hosts = ["line.example.org".to_owned()];
        for ours in
            ["127.0.0.1:7080", "127.0.0.1", "[::1]:7080", "localhost:7080", "Line.example.org:443"]
        {
            assert!(is_ours(ours, &hosts), "{ours}");
        }
        for other in ["", "example.org", "203.0.113.9:7080", "127.0.0.1.example.org", "[::2]:1"] {
            assert!(!is_ours(other, &hosts), "{other}");
        }
    }

    #[test]
    fn a_page_of_another_site_is_told_by_its_origin() {
        assert!(same_origin(b"http://127.0.0.1:7080", "127.0.0.1:7080"));
        for foreign in ["null", "http://127.0.0.1:9999", "https://example.org", "\u{7f}"] {
            assert!(!same_origin(foreign.as_bytes(), "127.0.0.1:7080"), "{foreign}");
        }
    }
}
