//! Short messages out: one thread that posts them to the carrier's HTTP endpoint.

use std::io::Read;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::time::{Duration, Instant};

use serde::Serialize;

use super::retry::{self, Fault, Next, NotSent, Tries, Try};

/// The environment variable with the gateway's key.
pub const SMS_KEY_VARIABLE: &str = "XENLINE_SMS_KEY";
/// Messages on their way, those that wait for a next try included. More than a phone line writes
/// in the minute that a gateway may be away.
const WAITING_MAX: usize = 256;
/// What of a gateway's answer is read for the reason.
const ANSWER_BYTES_MAX: u64 = 4 * 1024;
const REASON_CHARS_MAX: usize = 160;

/// Where short messages go. The defaults of the form are Telnyx's.
#[derive(Clone)]
pub struct SmsGateway {
    /// The endpoint, e.g. `https://api.telnyx.com/v2/messages`.
    pub url: String,
    /// The number that they come from.
    pub from: String,
    /// Sent as bearer token, if there is one.
    pub key: Option<String>,
    /// The gateway recognises a repetition by its `Idempotency-Key`.
    pub recognises_repetitions: bool,
    /// The pause before the second try; each further one is twice as long.
    pub pause: Duration,
    /// How long a try may take.
    pub try_within: Duration,
}

impl SmsGateway {
    /// The pause that gateways are given.
    pub const PAUSE: Duration = Duration::from_secs(2);
    /// A gateway takes a message in well under a second, or is not well.
    pub const TRY_WITHIN: Duration = Duration::from_secs(15);
}

/// One message, as the endpoint gets it.
#[derive(Serialize)]
struct Body<'a> {
    from: &'a str,
    to: &'a str,
    text: &'a str,
}

/// A message to be sent.
#[derive(Clone, Debug)]
pub(super) struct Sms {
    pub id: String,
    pub to: String,
    pub text: String,
    /// When its sender is told that it has failed: nothing is tried that could end later.
    pub answer_by: Instant,
}

/// Where the outcomes go.
pub(super) type Report = Box<dyn Fn(String, Result<(), NotSent>) + Send>;

/// The way to the thread. It ends with this.
pub(super) struct SmsThread {
    messages: SyncSender<Sms>,
}

impl SmsThread {
    /// Starts it.
    pub fn start(gateway: SmsGateway, report: Report) -> std::io::Result<Self> {
        let (messages, inbox) = sync_channel(WAITING_MAX);
        let agent = ureq::Agent::config_builder()
            .timeout_global(Some(gateway.try_within))
            // What has found no connection by then leaves no time for an answer.
            .timeout_resolve(Some(gateway.try_within / 3))
            .timeout_connect(Some(gateway.try_within / 3))
            .http_status_as_error(false)
            .build()
            .into();
        let sender = Sender { agent, gateway: Arc::new(gateway), report, waiting: Vec::new() };
        std::thread::Builder::new().name("sms".into()).spawn(move || sender.run(&inbox))?;
        Ok(Self { messages })
    }

    /// Hands one over. The message comes back when too many are on their way.
    pub fn send(&self, sms: Sms) -> Result<(), Sms> {
        self.messages.try_send(sms).map_err(|refused| match refused {
            TrySendError::Full(sms) | TrySendError::Disconnected(sms) => sms,
        })
    }
}

struct Sender {
    agent: ureq::Agent,
    gateway: Arc<SmsGateway>,
    report: Report,
    waiting: Vec<Waiting>,
}

struct Waiting {
    sms: Sms,
    tries: Tries,
    due: Instant,
}

impl Sender {
    fn run(mut self, inbox: &Receiver<Sms>) {
        loop {
            let due = self.waiting.iter().map(|it| it.due).min();
            let wait = due.map_or(SmsGateway::TRY_WITHIN, |due| {
                due.saturating_duration_since(Instant::now())
            });
            match inbox.recv_timeout(wait) {
                Ok(sms) if self.waiting.len() < WAITING_MAX => self.attempt(sms, Tries::default()),
                Ok(sms) => (self.report)(sms.id, Err(NotSent::TooMany)),
                Err(RecvTimeoutError::Timeout) => {}
                // The line ends; what waits here is not acknowledged as sent.
                Err(RecvTimeoutError::Disconnected) => return,
            }
            self.attempt_due();
        }
    }

    fn attempt_due(&mut self) {
        let now = Instant::now();
        let Some(index) = self.waiting.iter().position(|it| it.due <= now) else { return };
        let Waiting { sms, tries, .. } = self.waiting.remove(index);
        self.attempt(sms, tries);
    }

    fn attempt(&mut self, sms: Sms, tries: Tries) {
        if Instant::now() + self.gateway.try_within > sms.answer_by {
            return (self.report)(sms.id, Err(tries.given_up()));
        }
        let went = self.post(&sms);
        match retry::after(tries, went, self.gateway.pause, self.gateway.recognises_repetitions) {
            Next::Done => (self.report)(sms.id, Ok(())),
            Next::Failed { why } => (self.report)(sms.id, Err(why)),
            Next::Again { after, tries } => {
                tracing::debug!(message = %sms.id, tries = tries.made, ?after, "the SMS gateway is tried again");
                self.waiting.push(Waiting { sms, tries, due: Instant::now() + after });
            }
        }
    }

    fn post(&self, sms: &Sms) -> Try {
        let gateway = &self.gateway;
        let body = Body { from: &gateway.from, to: &sms.to, text: &sms.text };
        let Ok(body) = serde_json::to_vec(&body) else {
            return Try::Refused { fault: Fault::NoForm };
        };
        let mut request = self
            .agent
            .post(&gateway.url)
            .header("Content-Type", "application/json")
            .header("Content-Length", body.len().to_string())
            .header("Idempotency-Key", &sms.id);
        if let Some(key) = &gateway.key {
            request = request.header("Authorization", format!("Bearer {key}"));
        }
        let mut body = Fetched { rest: &body, was: false };
        match request.send(ureq::SendBody::from_reader(&mut body)) {
            Ok(response) => judged(response),
            Err(error) if body.was => Try::Unsure { fault: Fault::NoAnswer(error.to_string()) },
            Err(error) => Try::NotNow { fault: Fault::NotReached(error.to_string()), after: None },
        }
    }
}

/// The body of a request, and whether it was asked for: before a connection stands nobody does, and
/// without it no gateway has the message.
struct Fetched<'a> {
    rest: &'a [u8],
    was: bool,
}

impl Read for Fetched<'_> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        self.was = true;
        self.rest.read(into)
    }
}

fn judged(mut response: ureq::http::Response<ureq::Body>) -> Try {
    let status = response.status();
    if status.is_success() {
        return Try::Taken;
    }
    let after = response.headers().get("Retry-After").and_then(|it| it.to_str().ok()?.parse().ok());
    let said = response.body_mut().with_config().limit(ANSWER_BYTES_MAX).read_to_string();
    let said: String = said.unwrap_or_default().chars().take(REASON_CHARS_MAX).collect();
    let said = said.replace(char::is_control, " ");
    match status.as_u16() {
        429 | 503 => {
            Try::NotNow { fault: Fault::Busy(status), after: after.map(Duration::from_secs) }
        }
        500..=599 => Try::Unsure { fault: Fault::Failed(status) },
        _ => Try::Refused { fault: Fault::Refused { status, said } },
    }
}

#[cfg(test)]
mod tests;
