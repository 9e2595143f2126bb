use std::path::PathBuf;
use std::time::Duration;

/// What to start, where to listen, and how patient to be.
#[derive(Clone, Debug)]
pub struct SupervisorConfig {
    /// Program and arguments. Not a shell line.
    pub command: Vec<String>,
    /// Where the brain runs; the line's own directory if `None`.
    pub working_dir: Option<PathBuf>,
    /// Added to the brain's environment.
    pub environment: Vec<(String, String)>,
    /// Directory of the socket. Made with mode 0700; one that others can enter is refused.
    pub socket_dir: PathBuf,
    /// Program and version of the line, for the hello.
    pub line_name: String,
    /// Patience.
    pub timing: Timing,
    /// Messages that wait for the brain. Beyond it [`crate::SupervisorHandle::send`] refuses.
    pub outbound_max: usize,
    /// Events that wait for the line. Beyond it the brain's messages are refused and counted.
    pub inbound_max: usize,
    /// Whether telephone numbers in what the brain prints may be logged.
    pub log_shows_pii: bool,
}

impl SupervisorConfig {
    /// The defaults, for this command and this directory.
    #[must_use]
    pub fn new(command: Vec<String>, socket_dir: PathBuf) -> Self {
        Self {
            command,
            working_dir: None,
            environment: Vec::new(),
            socket_dir,
            line_name: concat!("xenline ", env!("CARGO_PKG_VERSION")).into(),
            timing: Timing::default(),
            outbound_max: QUEUE_DEFAULT,
            inbound_max: QUEUE_DEFAULT,
            log_shows_pii: false,
        }
    }
}

/// How long everything may take.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Timing {
    /// From the start of the process to its hello.
    pub hello_within: Duration,
    /// Between pings.
    pub ping_every: Duration,
    /// A ping unanswered for so long means that the brain hangs.
    pub silence_limit: Duration,
    /// From the request to end, or a closed socket, to the kill.
    pub end_within: Duration,
    /// Wait before the first restart; doubled for each further one.
    pub backoff_min: Duration,
    /// The longest wait before a restart.
    pub backoff_max: Duration,
    /// A brain that was up for so long is healthy: the back-off starts again at its minimum.
    pub steady_after: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            hello_within: Duration::from_secs(5),
            ping_every: Duration::from_secs(1),
            silence_limit: Duration::from_secs(5),
            end_within: Duration::from_secs(2),
            backoff_min: Duration::from_millis(100),
            backoff_max: Duration::from_secs(10),
            steady_after: Duration::from_secs(30),
        }
    }
}

/// Seconds of the busiest conversation; what waits longer than that is stale anyway.
const QUEUE_DEFAULT: usize = 256;
