//! What a client's line asks for.

use lane_broker::intake;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::{REQUEST_BYTES_MAX, Request};

/// A request; or words or a claim to be said, as they would lie in the spool. Blank: `None`.
pub(super) fn parse(line: &[u8]) -> Result<Option<Request>, String> {
    if line.len() > REQUEST_BYTES_MAX {
        return Err(format!(
            "the request is longer than {REQUEST_BYTES_MAX} bytes; send it in parts"
        ));
    }
    if !is_request(line) {
        let wish = intake::parse(line).map_err(|error| error.to_string())?;
        return Ok(wish.map(Request::Say));
    }
    serde_json::from_slice(line).map(Some).map_err(|error| {
        format!("not a request: {error}. Send one JSON object in a line, e.g. {{\"ask\":\"say\",\"text\":\"hello\"}}")
    })
}

/// Whether it is a JSON object that asks something.
fn is_request(line: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Asks {
        #[serde(rename = "ask")]
        _ask: IgnoredAny,
    }
    // An array would be taken for an object without names.
    line.trim_ascii_start().starts_with(b"{") && serde_json::from_slice::<Asks>(line).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::SayRequest;

    #[test]
    fn a_bad_request_says_what_a_good_one_looks_like() {
        for bad in
            ["{\"ask\":\"fly\"}", "{\"ask\":\"say\",\"volume\":11}", "{\"ask\":\"queue_show\"}"]
        {
            let message = parse(bad.as_bytes()).expect_err("not a request");
            assert!(message.contains("\"ask\":\"say\""), "{message}");
        }
        assert!(parse(&vec![b' '; REQUEST_BYTES_MAX + 1]).is_err());
    }

    #[test]
    fn the_example_in_the_message_is_a_request() {
        let say = SayRequest::text("hello");
        assert_eq!(parse(b"{\"ask\":\"say\",\"text\":\"hello\"}\n"), Ok(Some(Request::Say(say))));
    }

    #[test]
    fn plain_words_and_a_bare_claim_are_said_and_a_blank_line_is_nothing() {
        let say = |text: &str| Ok(Some(Request::Say(SayRequest::text(text))));
        assert_eq!(parse(b"the kettle boils\n"), say("the kettle boils"));
        assert_eq!(parse(b"{\"text\":\"hello\"}\n"), say("hello"));
        assert_eq!(parse(b"[\"ask\"]\n"), say("[\"ask\"]"));
        assert_eq!(parse(b"\n"), Ok(None));
    }
}
