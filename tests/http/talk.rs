//! What is no offer of a browser's is refused before anything is opened for it; talks themselves are
//! tried with a real line and a real browser.

use crate::door::House;

#[test]
fn what_is_no_offer_is_refused_with_its_reason() {
    let house = House::open();
    let offer = |kind: &str, text: &str| {
        let answer = house.ask("POST", "/api/v1/talk", &[("Content-Type", kind)], text.as_bytes());
        (answer.status, answer.json()["error"].as_str().unwrap_or_default().to_owned())
    };
    assert_eq!(offer("text/plain", "v=0\r\n"), (415, "bad_body".into()));
    assert_eq!(offer("application/sdp", "hello"), (400, "bad_offer".into()));
    assert_eq!(offer("application/sdp", "v=0\r\n"), (422, "bad_offer".into()));
    let bare = house.ask("POST", "/api/v1/talk", &[("Authorization", "")], b"");
    assert_eq!(bare.status, 401, "nobody talks without the token or a session");
}

#[test]
fn a_line_that_takes_no_browsers_says_so() {
    let house = House::open();
    for (method, path) in [("GET", "/api/v1/talk"), ("DELETE", "/api/v1/talk/0123456789abcdef")] {
        let answer = house.ask(method, path, &[], b"");
        assert_eq!(answer.status, 503, "{answer:?}");
    }
}
