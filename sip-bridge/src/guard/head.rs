use super::{GuardError, HEADER_BYTES_MAX, HEADER_LINES_MAX, START_LINE_BYTES_MAX};

/// A head that passed.
#[derive(Clone, Copy, Debug)]
pub(super) struct CheckedHead {
    /// Bytes up to and including the empty line.
    pub length: usize,
    /// Content-Length, if written.
    pub content_length: Option<usize>,
}

/// Checks start line and headers of the message at the beginning of `message`.
pub(super) fn check(message: &[u8]) -> Result<CheckedHead, GuardError> {
    let length = find(message, b"\r\n\r\n").ok_or(GuardError::Truncated)? + 4;
    let mut lines = Lines { rest: &message[..length - 2] };
    let start = lines.next().ok_or(GuardError::Truncated)??;
    let method = check_start_line(start)?;
    let mut seen = Seen::default();
    for line in lines {
        seen.header(line?)?;
    }
    seen.finish(method, length)
}

/// Splits at CRLF; a line break made of anything else is an error.
struct Lines<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Lines<'a> {
    type Item = Result<&'a str, GuardError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        // The head was found to end with CRLF, so there is one.
        let end = find(self.rest, b"\r\n").unwrap_or(self.rest.len());
        let line = &self.rest[..end];
        self.rest = self.rest.get(end + 2..).unwrap_or_default();
        Some(check_text(line))
    }
}

fn check_text(line: &[u8]) -> Result<&str, GuardError> {
    if line.len() > HEADER_BYTES_MAX {
        return Err(GuardError::TooLarge("header line"));
    }
    let mut escaped = false;
    for &byte in line {
        // A quoted pair may hold any character but a line break (§25.1): half of one ends a line for the
        // stack, and what stands behind it would be a header that nobody who passed it on has seen.
        let control = byte.is_ascii_control() && byte != b'\t';
        if control && (!escaped || matches!(byte, b'\r' | b'\n')) {
            return Err(GuardError::HeaderLine("control character"));
        }
        escaped = byte == b'\\' && !escaped;
    }
    core::str::from_utf8(line).map_err(|_| GuardError::HeaderLine("not UTF-8"))
}

/// Checks the start line and returns the method of a request, `None` for a response.
fn check_start_line(line: &str) -> Result<Option<&str>, GuardError> {
    if line.len() > START_LINE_BYTES_MAX {
        return Err(GuardError::TooLarge("start line"));
    }
    if line.len() > 4 && line.as_bytes()[..4].eq_ignore_ascii_case(b"SIP/") {
        check_status_line(line).map(|()| None)
    } else {
        check_request_line(line).map(Some)
    }
}

fn check_status_line(line: &str) -> Result<(), GuardError> {
    let mut parts = line.splitn(3, ' ');
    let version = parts.next().unwrap_or_default();
    if !version.eq_ignore_ascii_case("SIP/2.0") {
        return Err(GuardError::StartLine("version"));
    }
    let status = parts.next().unwrap_or_default().as_bytes();
    let valid = status.len() == 3
        && status.iter().all(u8::is_ascii_digit)
        && (b'1'..=b'6').contains(&status[0]);
    if !valid {
        return Err(GuardError::StartLine("status"));
    }
    // The reason phrase may be empty, its space may not be missing.
    parts.next().map(|_| ()).ok_or(GuardError::StartLine("reason phrase"))
}

fn check_request_line(line: &str) -> Result<&str, GuardError> {
    let mut parts = line.split(' ');
    let (Some(method), Some(uri), Some(version), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(GuardError::StartLine("not method, URI and version with single spaces"));
    };
    if !is_token(method) {
        return Err(GuardError::StartLine("method"));
    }
    if !version.eq_ignore_ascii_case("SIP/2.0") {
        return Err(GuardError::StartLine("version"));
    }
    let scheme_ends = uri.find(':').unwrap_or(0);
    let has_scheme = scheme_ends > 0
        && uri.as_bytes()[0].is_ascii_alphabetic()
        && uri[..scheme_ends].bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b));
    if !has_scheme || uri.len() == scheme_ends + 1 {
        return Err(GuardError::StartLine("Request-URI without scheme"));
    }
    if uri.bytes().any(|byte| !(0x21..=0x7e).contains(&byte) || b"<>\"\\^`{|}".contains(&byte)) {
        return Err(GuardError::StartLine("Request-URI"));
    }
    Ok(method)
}

/// What has been seen of the headers that frame and route a message.
#[derive(Default)]
struct Seen<'a> {
    lines: usize,
    unfolded_bytes: usize,
    via: usize,
    from: usize,
    to: usize,
    call_id: usize,
    cseq: Option<&'a str>,
    /// What follows CSeq on a continuation line.
    cseq_rest: &'a str,
    in_cseq: bool,
    content_length: Option<usize>,
    /// What is wrong with Content-Length. Said last: such a request is answered, and what is answered
    /// has passed every other check.
    length_fault: Option<GuardError>,
}

impl<'a> Seen<'a> {
    fn header(&mut self, line: &'a str) -> Result<(), GuardError> {
        if line.starts_with([' ', '\t']) {
            return self.folded(line);
        }
        self.lines += 1;
        self.unfolded_bytes = line.len();
        if self.lines > HEADER_LINES_MAX {
            return Err(GuardError::TooLarge("number of headers"));
        }
        let (name, value) = line.split_once(':').ok_or(GuardError::HeaderLine("no colon"))?;
        let name = name.trim_end_matches([' ', '\t']);
        if !is_token(name) {
            return Err(GuardError::HeaderLine("name"));
        }
        self.in_cseq = name.eq_ignore_ascii_case("CSeq");
        self.count(name, value.trim())
    }

    /// A continuation line (§7.3.1). Of the headers counted here only CSeq has a second part that
    /// could stand on one.
    fn folded(&mut self, line: &'a str) -> Result<(), GuardError> {
        self.unfolded_bytes += line.len();
        if self.lines == 0 {
            return Err(GuardError::HeaderLine("continuation without a header"));
        }
        if self.unfolded_bytes > HEADER_BYTES_MAX {
            return Err(GuardError::TooLarge("header line"));
        }
        if self.in_cseq && self.cseq_rest.is_empty() {
            self.cseq_rest = line;
        }
        Ok(())
    }

    fn count(&mut self, name: &str, value: &'a str) -> Result<(), GuardError> {
        let is = |long: &str, short: &str| {
            name.eq_ignore_ascii_case(long)
                || (!short.is_empty() && name.eq_ignore_ascii_case(short))
        };
        if is("Via", "v") {
            self.via += 1;
        } else if is("From", "f") {
            self.from += 1;
        } else if is("To", "t") {
            self.to += 1;
        } else if is("Call-ID", "i") {
            self.call_id += 1;
        } else if is("CSeq", "") {
            if self.cseq.replace(value).is_some() {
                return Err(GuardError::NotOnce("CSeq"));
            }
        } else if is("Content-Length", "l") {
            match content_length(value) {
                Ok(length) if self.content_length.replace(length).is_some() => {
                    self.length_fault = Some(GuardError::ContentLength("repeated"));
                }
                Ok(_) => {}
                Err(error) if error.is_answerable() => self.length_fault = Some(error),
                Err(error) => return Err(error),
            }
        } else if is("Max-Forwards", "") {
            value.parse::<u8>().map_err(|_| GuardError::HeaderLine("Max-Forwards"))?;
        }
        Ok(())
    }

    fn finish(self, method: Option<&str>, length: usize) -> Result<CheckedHead, GuardError> {
        if self.via == 0 {
            return Err(GuardError::NotOnce("Via"));
        }
        for (count, name) in [(self.from, "From"), (self.to, "To"), (self.call_id, "Call-ID")] {
            if count != 1 {
                return Err(GuardError::NotOnce(name));
            }
        }
        let cseq = self.cseq.ok_or(GuardError::NotOnce("CSeq"))?;
        if let Some(method) = method {
            // Methods are case-sensitive (§7.1), and CSeq names the request's own (§8.1.1.5).
            let parts =
                cseq.split_ascii_whitespace().chain(self.cseq_rest.split_ascii_whitespace());
            if parts.into_iter().nth(1) != Some(method) {
                return Err(GuardError::HeaderLine("CSeq names another method"));
            }
        }
        match self.length_fault {
            Some(fault) => Err(fault),
            None => Ok(CheckedHead { length, content_length: self.content_length }),
        }
    }
}

fn content_length(value: &str) -> Result<usize, GuardError> {
    if value.is_empty() || !value.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(GuardError::ContentLength("is not a number"));
    }
    let length: usize = value.parse().map_err(|_| GuardError::ContentLength("is out of range"))?;
    if length > super::MESSAGE_BYTES_MAX {
        return Err(GuardError::TooLarge("body"));
    }
    Ok(length)
}

fn is_token(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-.!%*_+`'~".contains(&b))
}

pub(super) fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    memchr::memmem::find(haystack, needle)
}
