//! The command line: what can be asked for, in the words of `--help`.

mod calls;
mod firewall;
mod lanes;
mod rooms;
mod say;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueHint};
use clap_complete::Shell;

pub use calls::CallsAction;
pub use firewall::{CheckArgs, FirewallAction, PrintArgs, PrintAs, RefreshArgs};
pub use lanes::{LanesAction, ReadArgs, TailArgs};
pub use rooms::RoomsAction;
pub use say::{OperatorAction, PolicyArg, QueueAction, SayArgs, SocketArg, SourceArg};

/// An always-open phone line to your own agent, on your own machine.
///
/// A call comes in over SIP, is heard by a local recogniser, understood by a brain in its own
/// process, and answered through one voice. Start with `xenline check`, then `xenline serve`.
#[derive(Parser, Debug)]
#[command(name = "xenline", version, propagate_version = true, max_term_width = 100)]
#[command(
    after_help = "Exit codes:\n  0  done\n  1  what was asked for failed (the text says why)\n  \
2  the command line is wrong\n  3  the configuration is wrong\n  4  no running line answers\n  \
141  nobody reads the output any further\n\n\
Log level: RUST_LOG=info|debug|trace. Configuration: --config FILE, XENLINE_SECTION__KEY=value."
)]
pub struct Cli {
    /// Configuration file [default: ./xenline.toml, then /etc/xenline/xenline.toml, then defaults]
    #[arg(long, short, global = true, env = "XENLINE_CONFIG", value_hint = ValueHint::FilePath)]
    pub config: Option<PathBuf>,

    /// What to do.
    #[command(subcommand)]
    pub verb: Verb,
}

/// The verbs.
#[derive(Subcommand, Debug)]
pub enum Verb {
    /// Run the line until told to stop (SIGTERM or Ctrl-C ends it in peace)
    Serve(ServeArgs),
    /// Call a SIP address: play a file or speak a text, and record what comes back
    Call(CallArgs),
    /// Have the running line call a number that [[outbound.allow]] allows; the agent talks
    Dial(DialArgs),
    /// Have the running line read its configuration again; prints what changes, and from when on
    Reload {
        /// Which line's socket.
        #[command(flatten)]
        at: SocketArg,
    },
    /// Have the line say something, in its one voice, when nobody more important speaks
    Say(SayArgs),
    /// What other programs want said: list, show, withdraw, pause and resume
    Queue {
        /// What about it.
        #[command(subcommand)]
        action: QueueAction,
    },
    /// The operator in the call: take the floor, speak, whisper to the agent, hand it back
    Operator {
        /// What to do.
        #[command(subcommand)]
        action: OperatorAction,
    },
    /// See the line in this terminal, listen to it, whisper to the agent, take over and hand back
    Console(ConsoleArgs),
    /// Rooms of the LiveKit server: which the agent is in, and have it join or leave one
    Rooms {
        /// What about them.
        #[command(subcommand)]
        action: RoomsAction,
    },
    /// What this machine does, in `os` lanes: try the rules of [tap]
    Tap {
        /// What about it.
        #[command(subcommand)]
        action: TapAction,
    },
    /// How the running line is; exit code 1 while something of it needs help
    Status(StatusArgs),
    /// Past calls: list them, show one, or see whether this build would decide the same
    Calls {
        /// What about them.
        #[command(subcommand)]
        action: CallsAction,
    },
    /// Print the address of the running line's console page, good for one opening
    Page {
        /// Which line's socket.
        #[command(flatten)]
        at: SocketArg,
    },
    /// Write something to the agent instead of saying it
    Type(TypeArgs),
    /// Examine this machine and the configuration, with the fix beside each failure
    Check(CheckArgs),
    /// Who may reach the line's ports: rules for what stands before it, and fresh carrier addresses
    Firewall {
        /// What about it.
        #[command(subcommand)]
        action: FirewallAction,
    },
    /// The configuration: validate it, or show what is in force
    Config {
        /// What about it.
        #[command(subcommand)]
        action: ConfigAction,
    },
    /// Look into the lanes: what moves between the parts, and who has read it
    Lanes {
        /// What to look at.
        #[command(subcommand)]
        action: LanesAction,
    },
    /// Speech models: list, fetch and verify
    Models {
        /// What about them.
        #[command(subcommand)]
        action: ModelsAction,
    },
    /// A whole scripted call on loopback, seen, measured and drawn (what `make call` runs)
    Demo(DemoArgs),
    /// Place many calls with real RTP and report what each costs the server
    Load(LoadArgs),
    /// Print shell completions
    Completions {
        /// For which shell.
        shell: Shell,
    },
}

/// `xenline serve`
#[derive(Args, Debug)]
pub struct ServeArgs {
    /// Answer every call with the caller's own sound (for measuring), whatever [line] says
    #[arg(long)]
    pub echo: bool,
    /// Print every event of every call as a line of JSON on standard output
    #[arg(long)]
    pub events: bool,
}

/// `xenline call`
#[derive(Args, Debug)]
pub struct CallArgs {
    /// Whom to call, e.g. sip:agent@127.0.0.1:5060 (add ;transport=tcp for TCP, ;transport=tls for TLS)
    pub uri: String,
    /// Play this WAV file once the call is answered (any of 8, 16 or 48 kHz, mono or stereo)
    #[arg(long, value_name = "FILE.wav", value_hint = ValueHint::FilePath)]
    pub say: Vec<PathBuf>,
    /// Speak this text instead, in a caller's synthetic voice
    #[arg(long, value_name = "TEXT", conflicts_with = "say")]
    pub mic_text: Vec<String>,
    /// Write what was heard (left) and said (right) to this stereo WAV
    #[arg(long, value_name = "FILE.wav", default_value = "call.wav", value_hint = ValueHint::FilePath)]
    pub record: PathBuf,
    /// Wait so long before speaking, and between two files, in ms
    #[arg(long, default_value_t = 1_500, value_name = "MS")]
    pub pause_ms: u64,
    /// Hang up so long after the last word, in ms
    #[arg(long, default_value_t = 4_000, value_name = "MS")]
    pub stay_ms: u64,
    /// The caller's own SIP address
    #[arg(long, default_value = "sip:caller@127.0.0.1")]
    pub from: String,
    /// Address to call from; must be one that reaches the target
    #[arg(long, default_value = "127.0.0.1")]
    pub bind: std::net::IpAddr,
    /// Give up when it is not answered within so long, in seconds
    #[arg(long, default_value_t = 30, value_name = "S")]
    pub answer_within_s: u64,
    /// Offer only this codec (PCMU, PCMA, G722 or opus)
    #[arg(long)]
    pub codec: Option<String>,
    /// Protect the sound (SRTP), or do not talk; keys go over TLS only: sip:…;transport=tls
    #[arg(long)]
    pub srtp: bool,
    /// Believe over TLS whom this list of certificates names, instead of the usual authorities
    #[arg(long, value_name = "FILE.pem", value_hint = ValueHint::FilePath)]
    pub tls_ca: Option<PathBuf>,
    /// Put this header into the INVITE, e.g. "X-Account: 17"; may be given several times
    #[arg(long, value_name = "X-NAME: VALUE")]
    pub header: Vec<String>,
    /// Send these digits (RFC 4733) after speaking
    #[arg(long, default_value = "")]
    pub digits: String,
}

/// `xenline dial`
#[derive(Args, Debug)]
pub struct DialArgs {
    /// Whom: + and the digits of an international number, or an extension
    pub number: String,
    /// Which line's socket.
    #[command(flatten)]
    pub at: SocketArg,
}

/// `xenline status`
#[derive(Args, Debug)]
pub struct StatusArgs {
    /// As one JSON object
    #[arg(long)]
    pub json: bool,
    /// Which line's socket.
    #[command(flatten)]
    pub at: SocketArg,
}

/// `xenline console`
#[derive(Args, Debug)]
pub struct ConsoleArgs {
    /// Do without sound: over SSH, say. Keys and text do everything else
    #[arg(long)]
    pub no_audio: bool,
    /// Microphone: its id, or a part of its name [default: the system's choice]
    #[arg(long, value_name = "DEVICE")]
    pub microphone: Option<String>,
    /// Loudspeaker: its id, or a part of its name [default: the system's choice]
    #[arg(long, value_name = "DEVICE")]
    pub speaker: Option<String>,
    /// Open the microphone by voice, instead of by the space bar
    #[arg(long)]
    pub open_mic: bool,
    /// List the sound devices, and end
    #[arg(long)]
    pub devices: bool,
    /// Which line's socket.
    #[command(flatten)]
    pub at: SocketArg,
}

/// `xenline tap …`
#[derive(Subcommand, Debug)]
pub enum TapAction {
    /// Say, for each line of standard input, what the rules would do with it
    Test(TapTestArgs),
    /// What the running line's tap has seen, and what became of it
    Status {
        /// Which line's socket.
        #[command(flatten)]
        at: SocketArg,
    },
}

/// `xenline tap test`
#[derive(Args, Debug)]
pub struct TapTestArgs {
    /// Where the lines are to have come from; `journal` also reads `journalctl -o json`
    #[arg(long, value_enum, default_value_t)]
    pub from: TapFrom,
    /// Whose they are to be: a path, a unit or a process name
    #[arg(long, default_value = "stdin")]
    pub subject: String,
}

/// What watches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum TapFrom {
    /// Changes of files
    File,
    /// Lines of log files
    #[default]
    Log,
    /// Entries of the system journal
    Journal,
    /// Processes that end
    Process,
}

/// `xenline type`
#[derive(Args, Debug)]
pub struct TypeArgs {
    /// What to write; `-` reads it from standard input
    pub text: String,
    /// Wait for the answer and print it
    #[arg(long, short)]
    pub wait: bool,
    /// Who writes; each writer is a conversation of its own
    #[arg(long, default_value = "console")]
    pub from: String,
    /// Which line's socket.
    #[command(flatten)]
    pub at: SocketArg,
}

/// `xenline config …`
#[derive(Subcommand, Debug)]
pub enum ConfigAction {
    /// Say whether the configuration can be served, and what to mend
    Validate {
        /// The file to look at [default: as for `serve`]
        #[arg(value_hint = ValueHint::FilePath)]
        file: Option<PathBuf>,
    },
    /// Print the configuration in force: defaults, file and environment together
    Show,
}

/// `xenline models …`
#[derive(Subcommand, Debug)]
pub enum ModelsAction {
    /// What there is, what is installed, how large, under which licence
    List,
    /// Download a model, resuming where an earlier try stopped
    Fetch {
        /// Its name in `xenline models list`
        name: String,
        /// Check it against this SHA-256, for entries that have none pinned
        #[arg(long, value_name = "HEX")]
        sha256: Option<String>,
        /// Fetch from this URL instead, e.g. a mirror of your own
        #[arg(long)]
        url: Option<String>,
    },
    /// Check every installed model against its checksum
    Verify,
}

/// `xenline demo`
#[derive(Args, Debug)]
pub struct DemoArgs {
    /// Where the call's files go
    #[arg(long, default_value = "target/call", value_hint = ValueHint::DirPath)]
    pub dir: PathBuf,
    /// Print only the summary
    #[arg(long, short)]
    pub quiet: bool,
}

/// `xenline load`
#[derive(Args, Debug, Clone)]
pub struct LoadArgs {
    /// Calls at the same time
    #[arg(long, default_value_t = 200)]
    pub calls: usize,
    /// How long all of them talk, in seconds
    #[arg(long, default_value_t = 20)]
    pub seconds: u64,
    /// Whom to call [default: an echo line started for the purpose, and sipp beside it]
    #[arg(long)]
    pub target: Option<String>,
    /// Set up so many calls per second
    #[arg(long, default_value_t = 100)]
    pub rate: u32,
    /// Write the report as JSON to this file; `-` is standard output
    #[arg(long, value_hint = ValueHint::FilePath)]
    pub json: Option<PathBuf>,
    /// Skip the same load on `sipp -sn uas -rtp_echo`
    #[arg(long)]
    pub no_floor: bool,
    /// Fail when a call costs the server more than so many times sipp's CPU
    #[arg(long, value_name = "TIMES")]
    pub cpu_over_floor_max: Option<f64>,
    /// Fail when a call costs the server more memory than this
    #[arg(long, value_name = "KB")]
    pub rss_kb_max: Option<f64>,
    /// Fail when more of the packets are lost than this
    #[arg(long, value_name = "PERCENT")]
    pub lost_percent_max: Option<f64>,
}
