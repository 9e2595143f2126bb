//! DTMF by SIP INFO: the two bodies that gateways send.

/// The digit in an INFO body: `application/dtmf-relay` (`Signal=5`), or `application/dtmf` (`5`).
/// `None` for anything else. Events of RFC 4733 numbering (10 `*`, 11 `#`, 12–15 `A`–`D`) count.
#[must_use]
pub fn info_digit(content_type: Option<&str>, body: &[u8]) -> Option<char> {
    let body = core::str::from_utf8(body.get(..BODY_BYTES_MAX.min(body.len()))?).ok()?;
    match content_type? {
        "application/dtmf-relay" => {
            let mut lines = body.lines().filter_map(|line| line.split_once('='));
            let signal = lines.find(|(name, _)| name.trim().eq_ignore_ascii_case("signal"));
            digit(signal?.1.trim())
        }
        "application/dtmf" => digit(body.trim()),
        _ => None,
    }
}

fn digit(text: &str) -> Option<char> {
    match text {
        "10" => return Some('*'),
        "11" => return Some('#'),
        "12" => return Some('A'),
        "13" => return Some('B'),
        "14" => return Some('C'),
        "15" => return Some('D'),
        _ => {}
    }
    let mut chars = text.chars();
    let digit = chars.next()?.to_ascii_uppercase();
    let known = matches!(digit, '0'..='9' | '*' | '#' | 'A'..='D');
    (known && chars.next().is_none()).then_some(digit)
}

/// A digit's body has some 30 bytes.
const BODY_BYTES_MAX: usize = 256;

#[cfg(test)]
mod tests {
    use super::info_digit;

    #[test]
    fn both_bodies_carry_one_digit() {
        let relay = Some("application/dtmf-relay");
        assert_eq!(info_digit(relay, b"Signal=5\r\nDuration=160\r\n"), Some('5'));
        assert_eq!(info_digit(relay, b"signal= #\nduration=80"), Some('#'));
        assert_eq!(info_digit(relay, b"Signal=10"), Some('*'));
        assert_eq!(info_digit(Some("application/dtmf"), b"d"), Some('D'));
    }

    #[test]
    fn what_is_no_digit_is_none() {
        for body in
            [&b""[..], b"Signal=", b"Signal=55", b"Signal=16", b"=5", b"\xff\xfe", b"Signal=E"]
        {
            assert_eq!(info_digit(Some("application/dtmf-relay"), body), None, "{body:?}");
        }
        assert_eq!(info_digit(Some("text/plain"), b"5"), None);
        assert_eq!(info_digit(None, b"5"), None);
    }
}
