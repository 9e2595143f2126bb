//! What a request is told when it is not done: one form for all of them.

use std::time::Duration;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Why a request was not done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Problem {
    /// For programs: `unauthorized`, `rate_limited`, …
    pub error: String,
    /// For people: what was wrong and what to do.
    pub message: String,
}

/// A problem with its status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    status: StatusCode,
    problem: Problem,
    retry_after: Option<Duration>,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, error: &str, message: impl Into<String>) -> Self {
        let problem = Problem { error: error.to_owned(), message: message.into() };
        Self { status, problem, retry_after: None }
    }

    pub(super) fn bad_body(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_body", message)
    }

    /// Come again after `wait`.
    pub(super) fn later(status: StatusCode, error: &str, wait: Duration, message: &str) -> Self {
        Self { retry_after: Some(wait), ..Self::new(status, error, message) }
    }

    pub(super) fn too_many(wait: Duration) -> Self {
        let message = "too many requests; wait as long as Retry-After says";
        Self::later(StatusCode::TOO_MANY_REQUESTS, "rate_limited", wait, message)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = (self.status, axum::Json(self.problem)).into_response();
        let headers = response.headers_mut();
        if let Some(wait) = self.retry_after {
            // Whole seconds, and never too early.
            let seconds = wait.as_millis().div_ceil(1_000).max(1);
            if let Ok(value) = HeaderValue::from_str(&seconds.to_string()) {
                headers.insert(header::RETRY_AFTER, value);
            }
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}
