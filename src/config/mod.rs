//! What the operator decides. Three layers: the defaults below, then the TOML file, then
//! `XENLINE_*` variables (`XENLINE_SIP__CHANNELS=4` sets `channels` in `[sip]`).
//!
//! Unknown keys are refused with their line, because a key that is silently ignored is a line
//! that does not do what its operator believes.

mod admission;
mod cdr;
mod diff;
mod governor;
mod heard;
mod lanes;
mod layers;
mod listener;
mod livekit;
mod outbound;
mod registration;
mod say;
mod sections;
mod tap;
mod text;
mod trunk;
mod validate;

use std::path::{Path, PathBuf};

pub use admission::AdmissionSection;
pub use cdr::CdrSection;
pub use diff::{Change, Effect, changes, while_running};
pub use governor::{ClaimDefaults, GovernorOverride, GovernorSection, Interrupted, Updates};
pub use lanes::{LaneStoreKind, LanesSection, Survives};
pub use layers::{environment, load};
pub use livekit::{JoinWhen, LivekitSection, RoomIce};
pub use outbound::{AllowSection, OutboundSection};
pub use registration::{PhoneSection, RegistrationSection};
pub use say::{Mode, SaySection};
pub use sections::{
    AudioSection, BrainSection, Config, HearingSection, LineMode, LineSection, LogSection,
    RecordingSection, RtpSection, SipSection, VoiceBackend, VoiceSection,
};
pub use tap::TapSection;
pub use text::{HttpSection, SmsSection, TextSection};
pub use trunk::{Srtp, TrunkKind, TrunkSection};
pub use validate::{Problem, validate};

/// Why there is no usable configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read {}: {source}. Give another with --config, or start from deploy/xenline.example.toml", path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is larger than any configuration.
    #[error("{} has {bytes} bytes; a configuration has at most {max}. Is it the right file?", path.display())]
    TooLarge {
        /// Which file.
        path: PathBuf,
        /// Its size.
        bytes: u64,
        /// The most that is read.
        max: u64,
    },
    /// The file is not TOML, or a key or value is not one of ours.
    #[error("{}: {message}", path.display())]
    Invalid {
        /// Which file.
        path: PathBuf,
        /// What the parser says, with line and column.
        message: String,
    },
    /// A variable of the environment does not fit.
    #[error("{variable} in the environment: {message}")]
    Environment {
        /// Its name.
        variable: String,
        /// What does not fit.
        message: String,
    },
}

/// The configuration file that is used when none is named: `./xenline.toml`, then
/// `/etc/xenline/xenline.toml`. None of them has to exist.
#[must_use]
pub fn default_path() -> Option<PathBuf> {
    ["xenline.toml", "/etc/xenline/xenline.toml"]
        .into_iter()
        .map(Path::new)
        .find(|path| path.exists())
        .map(Path::to_path_buf)
}

/// Where sockets live when the configuration names no other place: systemd's or the session's
/// runtime directory, else a directory of this user's under `/tmp`.
#[must_use]
pub fn runtime_dir() -> PathBuf {
    if let Some(dir) = std::env::var_os("RUNTIME_DIRECTORY") {
        return PathBuf::from(dir);
    }
    if let Some(dir) = std::env::var_os("XDG_RUNTIME_DIR") {
        return Path::new(&dir).join("xenline");
    }
    // SAFETY: `geteuid` has no preconditions and cannot fail.
    let uid = unsafe { libc::geteuid() };
    PathBuf::from(format!("/tmp/xenline-{uid}"))
}

/// Where what must survive a restart lives when the configuration names no other place: systemd's
/// state directory, root's, or this user's.
#[must_use]
pub fn state_dir() -> PathBuf {
    let named = |variable: &str| std::env::var_os(variable).filter(|value| !value.is_empty());
    if let Some(dirs) = named("STATE_DIRECTORY") {
        // systemd separates several with colons; ours is the first.
        return std::env::split_paths(&dirs).next().unwrap_or_default();
    }
    if let Some(dir) = named("XDG_STATE_HOME") {
        return Path::new(&dir).join("xenline");
    }
    // SAFETY: `geteuid` has no preconditions and cannot fail.
    let root = unsafe { libc::geteuid() } == 0;
    match named("HOME") {
        Some(home) if !root => Path::new(&home).join(".local/state/xenline"),
        _ => PathBuf::from("/var/lib/xenline"),
    }
}
