//! The asking side: over the line's own socket, or through its HTTP door.

use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::actions::{self, Method};
use super::{Reply, Request};
use crate::exit::Failure;
use crate::http::TOKEN_VARIABLE;
use crate::secret::secret;

/// Where a running line is reached.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Reach {
    /// Its socket on this machine.
    Socket(PathBuf),
    /// Its HTTP door, with the token in this process's environment: `http://127.0.0.1:7080`.
    Door(String),
}

/// A door that does not take a connection in this time is not there.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);

impl Reach {
    /// Asks the line `request` and gives every reply to `take`, until the line has no more. Blocking.
    ///
    /// # Errors
    /// [`Failure::NoLine`] when nobody listens there, [`Failure::Failed`] when the answer is broken.
    pub fn ask(&self, request: &Request, take: impl FnMut(Reply)) -> Result<(), Failure> {
        match self {
            Reach::Socket(socket) => ask(socket, request, take),
            Reach::Door(door) => ask_door(door, request, take),
        }
    }
}

/// The same over the line's own socket.
///
/// # Errors
/// As [`Reach::ask`].
pub fn ask(socket: &Path, request: &Request, mut take: impl FnMut(Reply)) -> Result<(), Failure> {
    let absent = |error: std::io::Error| {
        Failure::NoLine(format!(
            "no line answers at {}: {error}. Is `xenline serve` running, as this user, with the same configuration?",
            socket.display()
        ))
    };
    let mut stream = UnixStream::connect(socket).map_err(absent)?;
    let mut line = serde_json::to_string(request).map_err(Failure::because)?;
    line.push('\n');
    let written = stream.write_all(line.as_bytes());
    // One that refused us already has closed its side too; what it said is there to be read.
    let _ = stream.shutdown(Shutdown::Write);
    let mut told = false;
    for reply in BufReader::new(stream).lines() {
        let reply = match reply {
            Err(error) if error.kind() == ErrorKind::ConnectionReset => break,
            reply => reply.map_err(Failure::because)?,
        };
        take(serde_json::from_str(&reply).map_err(Failure::because)?);
        told = true;
    }
    if told { Ok(()) } else { written.map_err(absent) }
}

fn ask_door(door: &str, request: &Request, mut take: impl FnMut(Reply)) -> Result<(), Failure> {
    let Some(sent) = actions::sent(request) else {
        return Err(Failure::Usage("this is asked over the line's own socket only".into()));
    };
    let url = format!("{}{}", door.trim_end_matches('/'), sent.path);
    let token = secret(TOKEN_VARIABLE)
        .ok_or_else(|| Failure::Usage(format!("set {TOKEN_VARIABLE} to the line's token")))?;
    let call = http_agent();
    let authorization = format!("Bearer {}", token.trim());
    let headers = [("Authorization", authorization.as_str()), ("Accept", "application/x-ndjson")];
    let body = serde_json::to_vec(&sent.body).map_err(Failure::because)?;
    let answer = match sent.method {
        Method::Get => with(call.get(&url), &headers).call(),
        Method::Delete => with(call.delete(&url), &headers).call(),
        Method::Post => with(call.post(&url), &headers).send(&body[..]),
    };
    let mut answer = answer.map_err(|error| {
        Failure::NoLine(format!(
            "no line answers at {door}: {error}. Is `xenline serve` running, and its [http] listen there?"
        ))
    })?;
    if !answer.status().is_success() {
        return Err(refused(answer.body_mut().read_to_string().unwrap_or_default().as_str()));
    }
    for line in BufReader::new(answer.into_body().into_reader()).lines() {
        let line = line.map_err(Failure::because)?;
        take(serde_json::from_str(&line).map_err(Failure::because)?);
    }
    Ok(())
}

fn with<B>(request: ureq::RequestBuilder<B>, headers: &[(&str, &str)]) -> ureq::RequestBuilder<B> {
    headers.iter().fold(request, |request, (name, value)| request.header(*name, *value))
}

fn http_agent() -> ureq::Agent {
    // An ending may be long in coming, so only the connection has a limit.
    let config = ureq::Agent::config_builder()
        .timeout_connect(Some(CONNECT_WITHIN))
        .http_status_as_error(false)
        .max_redirects(0)
        .build();
    ureq::Agent::new_with_config(config)
}

/// The door's own words, where it had any.
fn refused(body: &str) -> Failure {
    match serde_json::from_str::<crate::http::Problem>(body) {
        Ok(problem) => Failure::Failed(problem.message),
        Err(_) => Failure::Failed("whatever answered there is no line's door".into()),
    }
}
