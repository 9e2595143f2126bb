//! `xenline say`, `queue` and `operator`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum, ValueHint};

/// `xenline say`
#[derive(Args, Debug)]
pub struct SayArgs {
    /// What to say; `-` reads it from standard input. With --wav: what is in it, for the record
    #[arg(required_unless_present = "wav", default_value = "", hide_default_value = true)]
    pub text: String,
    /// Play this WAV file (16-bit PCM; 8, 16 or 48 kHz) instead of speaking
    #[arg(long, value_name = "FILE.wav", value_hint = ValueHint::FilePath)]
    pub wav: Option<PathBuf>,
    /// Wait for its ending and print it
    #[arg(long, short)]
    pub wait: bool,
    /// On this line only [default: every open line, or the next that opens]
    #[arg(long)]
    pub line: Option<u64>,
    /// For this caller only: the number or name that the network says; waits for that caller's call
    #[arg(long, value_name = "CALLER", conflicts_with = "line")]
    pub to: Option<String>,
    /// Refuse to be skipped: it is said, by the next call at the latest, or ends with a recorded
    /// reason
    #[arg(long)]
    pub must_deliver: bool,
    /// Forget it if it could not be said within so long, in seconds; without a call it waits so
    /// long for one
    #[arg(long, value_name = "S")]
    pub ttl_s: Option<u64>,
    /// Who speaks: an alert of the system goes before answers
    #[arg(long, value_enum, default_value_t = SourceArg::External)]
    pub source: SourceArg,
    /// Its class
    #[arg(long, default_value = "xen-out")]
    pub tag: String,
    /// Order among the claims of one source, -128 to 127; higher first
    #[arg(long, default_value_t = 0, allow_negative_numbers = true)]
    pub priority: i8,
    /// The claim that this one takes the place of
    #[arg(long, value_name = "CLAIM")]
    pub supersedes: Option<String>,
    /// Names the content where the words do not: two with the same key are said once
    #[arg(long, value_name = "KEY")]
    pub dedup_key: Option<String>,
    /// What becomes of it when the caller interrupts [default: drop; with --must-deliver: resume]
    #[arg(long, value_enum)]
    pub on_interrupt: Option<PolicyArg>,
    /// Which line's socket.
    #[command(flatten)]
    pub at: SocketArg,
}

/// On whose behalf.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum SourceArg {
    /// Any program
    External,
    /// An alert
    System,
}

/// What an interruption does.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum PolicyArg {
    /// It ends there
    Drop,
    /// It goes on with the first word that was not heard
    Resume,
    /// It goes on from the start of the clause that was cut
    Restate,
}

/// Where the running line is reached.
#[derive(Args, Debug)]
pub struct SocketArg {
    /// The line's socket [default: the one the configuration names]
    #[arg(long, value_hint = ValueHint::FilePath)]
    pub socket: Option<PathBuf>,
    /// Its HTTP door instead, e.g. http://127.0.0.1:7080; the token is in XENLINE_HTTP_TOKEN
    #[arg(long, value_name = "URL", env = "XENLINE_DOOR", value_hint = ValueHint::Url)]
    pub door: Option<String>,
}

/// `xenline queue …`
#[derive(Subcommand, Debug)]
pub enum QueueAction {
    /// What waits, what is being said, and what became of the last ones
    Ls {
        /// As JSON, one claim per line
        #[arg(long)]
        json: bool,
        /// Which line's socket.
        #[command(flatten)]
        at: SocketArg,
    },
    /// One claim, as JSON
    Show {
        /// Its id
        claim: String,
        /// Which line's socket.
        #[command(flatten)]
        at: SocketArg,
    },
    /// Take a claim back
    Withdraw {
        /// Its id
        claim: String,
        /// Which line's socket.
        #[command(flatten)]
        at: SocketArg,
    },
    /// Say nothing more for other programs; answers, alerts and the operator go on
    Pause {
        /// Which line's socket.
        #[command(flatten)]
        at: SocketArg,
    },
    /// Go on saying what other programs want said
    Resume {
        /// Which line's socket.
        #[command(flatten)]
        at: SocketArg,
    },
}

/// `xenline operator …`
#[derive(Subcommand, Debug)]
pub enum OperatorAction {
    /// Take the floor: the agent falls silent, and is told
    Take {
        /// On this line [default: the one that is open]
        #[arg(long)]
        line: Option<u64>,
        /// Which line's socket.
        #[command(flatten)]
        at: SocketArg,
    },
    /// Hand the floor back
    Release {
        /// On this line [default: wherever the operator has it]
        #[arg(long)]
        line: Option<u64>,
        /// Which line's socket.
        #[command(flatten)]
        at: SocketArg,
    },
    /// Tell the agent something that the caller does not hear, as an instruction for what it says
    Whisper {
        /// What to tell it
        text: String,
        /// On this line [default: the one that is open]
        #[arg(long)]
        line: Option<u64>,
        /// Which line's socket.
        #[command(flatten)]
        at: SocketArg,
    },
    /// Speak to the caller in the line's voice, before everybody else
    Say {
        /// What to say
        text: String,
        /// On this line [default: the one that is open]
        #[arg(long)]
        line: Option<u64>,
        /// Wait for its ending and print it
        #[arg(long, short)]
        wait: bool,
        /// Which line's socket.
        #[command(flatten)]
        at: SocketArg,
    },
}
