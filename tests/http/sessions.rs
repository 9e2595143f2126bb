//! Who gets the page, and who may ask in its name.

use std::time::Instant;

use serde_json::json;

use crate::door::{House, TOKEN};

/// A code as `xenline page` has it.
fn code(house: &House) -> String {
    let url = house.pages.invite(Instant::now()).expect("the door is open");
    let (page, code) = url.split_once('#').expect("a code that no browser sends");
    assert_eq!(page, format!("http://{}/", house.address));
    code.to_owned()
}

fn session(house: &House) -> String {
    let body = json!({ "code": code(house) }).to_string();
    let answer = house.ask("POST", "/api/v1/session", &[("Authorization", "")], body.as_bytes());
    assert_eq!(answer.status, 201, "{answer:?}");
    answer.json()["session"].as_str().expect("a secret").to_owned()
}

#[test]
fn the_page_is_for_everybody_and_says_nothing_until_it_has_a_session() {
    let house = House::open();
    for (file, kind) in [
        ("/", "text/html; charset=utf-8"),
        ("/app.js", "text/javascript; charset=utf-8"),
        ("/style.css", "text/css; charset=utf-8"),
    ] {
        let answer = house.ask("GET", file, &[("Authorization", "")], b"");
        assert_eq!((answer.status, answer.header("content-type")), (200, Some(kind)), "{file}");
        let policy = answer.header("content-security-policy").expect("a policy");
        assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
        assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    }
    let page = house.get("/").body;
    let inline = ["<script>", "<style>", " style=", " onclick=", "javascript:"];
    assert!(inline.iter().all(|it| !page.contains(it)), "the policy forbids what is inline");
    for elsewhere in ["https://", "http://"] {
        assert!(!page.contains(elsewhere), "nothing comes from elsewhere");
    }
    for asked in ["/api/v1/status", "/api/v1/events", "/api/v1/past"] {
        let answer = house.ask("GET", asked, &[("Authorization", "")], b"");
        assert_eq!(answer.status, 401, "{asked}");
        assert_eq!(answer.header("cache-control"), Some("no-store"));
    }
}

#[test]
fn a_code_opens_the_page_once_and_its_session_asks_until_it_is_closed() {
    let house = House::with(None, |settings| settings.token = None);
    let code = code(&house);
    let open = || {
        let body = json!({ "code": code }).to_string();
        house.ask("POST", "/api/v1/session", &[("Authorization", "")], body.as_bytes())
    };
    let opened = open();
    assert_eq!(opened.status, 201, "{opened:?}");
    assert_eq!(opened.header("set-cookie"), None, "a cookie goes to every port of a machine");
    assert_eq!(open().status, 401, "it was used");
    let bearer = format!("Bearer {}", opened.json()["session"].as_str().expect("a secret"));
    let ask = |method, path| house.ask(method, path, &[("Authorization", &bearer)], b"").status;
    assert_eq!(
        ask("GET", "/api/v1/status"),
        200,
        "a line without a token has its page all the same"
    );
    assert_eq!(ask("POST", "/api/v1/operator/take"), 200);
    assert_eq!(ask("GET", "/lanes/in/events"), 401, "what programs use takes the token");
    assert_eq!(ask("DELETE", "/api/v1/session"), 204);
    assert_eq!(ask("GET", "/api/v1/status"), 401);
}

#[test]
fn the_token_opens_the_page_too_and_nothing_else_does() {
    let house = House::open();
    let open = |body: &serde_json::Value| {
        let body = body.to_string();
        house.ask("POST", "/api/v1/session", &[("Authorization", "")], body.as_bytes()).status
    };
    assert_eq!(open(&json!({ "token": TOKEN })), 201);
    assert_eq!(open(&json!({ "token": "another token, long enough" })), 401);
    assert_eq!(open(&json!({ "code": "0123456789abcdef" })), 401);
    assert_eq!(open(&json!({})), 401);
}

#[test]
fn a_page_of_another_site_or_port_asks_in_vain_even_with_a_session() {
    let house = House::open();
    let bearer = format!("Bearer {}", session(&house));
    let own = format!("http://{}", house.address);
    let ask = |headers: &[(&str, &str)]| {
        let headers = [&[("Authorization", bearer.as_str())], headers].concat();
        house.ask("POST", "/api/v1/operator/take", &headers, b"").status
    };
    assert_eq!(ask(&[("Origin", &own), ("Sec-Fetch-Site", "same-origin")]), 200);
    for foreign in [
        &[("Origin", "http://127.0.0.1:9999"), ("Sec-Fetch-Site", "same-site")][..],
        &[("Sec-Fetch-Site", "same-site")],
        &[("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Mode", "navigate")],
        &[("Origin", "null")],
    ] {
        assert_eq!(ask(foreign), 403, "{foreign:?}");
    }
    let rebound = [("Host", "rebound.example.org"), ("Origin", "http://rebound.example.org")];
    assert_eq!(ask(&rebound), 421, "a name that resolves to us is not ours");
    let link = [("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Mode", "navigate")];
    assert_eq!(house.ask("GET", "/", &link, b"").status, 200, "a link to the page may be followed");
}
