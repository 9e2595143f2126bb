use std::net::TcpListener;

use super::Finding;
use crate::config::{Config, LivekitSection, SmsSection};
use crate::http::{TOKEN_BYTES_MIN, TOKEN_VARIABLE, Token};
use crate::rooms::{KEY_VARIABLE, SECRET_VARIABLE};
use crate::text::SMS_KEY_VARIABLE;

pub(super) fn look(config: &Config, tell: &mut dyn FnMut(Finding)) {
    tell(door(config));
    tell(short_messages(&config.sms));
    tell(rooms(&config.livekit));
}

fn rooms(livekit: &LivekitSection) -> Finding {
    const WHAT: &str = "rooms";
    match &livekit.url {
        None => Finding::good(WHAT, "none, no [livekit] url"),
        Some(_) if crate::rooms::api_key().is_none() => Finding::warning(
            WHAT,
            format!("no key in {KEY_VARIABLE} and {SECRET_VARIABLE}: no room is joined"),
            "set both where the line is started, as the LiveKit server's configuration has them",
        ),
        Some(url) => Finding::good(WHAT, format!("{} of {url}", livekit.rooms.join(", "))),
    }
}

fn door(config: &Config) -> Finding {
    const WHAT: &str = "HTTP door";
    let Some(listen) = config.http.listen else {
        return Finding::good(WHAT, "off");
    };
    if let Err(error) = TcpListener::bind(listen) {
        return Finding::warning(
            WHAT,
            format!("cannot listen on {listen}: {error}"),
            "a line that already runs is fine; else choose another [http] listen, or \"off\"",
        );
    }
    if Token::from_environment().is_none() {
        return Finding::warning(
            WHAT,
            format!("no token in {TOKEN_VARIABLE}: everybody is refused"),
            format!(
                "set it to {TOKEN_BYTES_MIN} characters or more where the line is started, or [http] listen to \"off\""
            ),
        );
    }
    if !listen.ip().is_loopback() {
        return Finding::warning(
            WHAT,
            format!("{listen} is reached from other machines, and the token travels unencrypted"),
            "listen on 127.0.0.1 and put a proxy with TLS in front, named in [http] hosts",
        );
    }
    Finding::good(WHAT, format!("{listen} is free, with a token"))
}

fn short_messages(sms: &SmsSection) -> Finding {
    const WHAT: &str = "short messages";
    let believed = match &sms.public_key {
        Some(_) => "in: what the carrier signs",
        None => "in: what brings the token",
    };
    match &sms.url {
        None => Finding::good(WHAT, format!("{believed}; out: none, no [sms] url")),
        Some(_) if std::env::var_os(SMS_KEY_VARIABLE).is_none() => Finding::warning(
            WHAT,
            format!("no key in {SMS_KEY_VARIABLE}: the gateway may refuse what is posted"),
            "set it where the line is started, if the gateway asks for one",
        ),
        Some(url) => Finding::good(WHAT, format!("{believed}; out: {url}")),
    }
}
