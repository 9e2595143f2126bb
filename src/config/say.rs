use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// `[say]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SaySection {
    /// The Unix socket behind `xenline say`; absent: `say.sock` in the runtime directory.
    pub socket: Option<PathBuf>,
    /// The socket's file mode, in octal.
    pub mode: Mode,
    /// Users besides this one who may hand in what they want said.
    pub allow_uids: Vec<u32>,
    /// Groups whose members may; the socket is given to the first one.
    pub allow_gids: Vec<u32>,
    /// The spool: a directory with `tmp`, `new`, `cur` and `done` in it. Absent: `spool` beside
    /// the socket.
    pub spool: Option<PathBuf>,
    /// Another place that is watched: a spool directory, or a file of lines that other programs
    /// append to, for example `/tmp/xen-say-queue`.
    pub alias: Option<PathBuf>,
    /// Claims a second that one user may hand in.
    pub per_second: u32,
    /// Claims that one user may hand in at once, after a pause.
    pub burst: u32,
    /// Claims that wait for a call at once.
    pub waiting_max: usize,
    /// MB of ready sound that wait, or are being said, at once.
    pub sound_mb: usize,
}

impl Default for SaySection {
    fn default() -> Self {
        let limits = lane_broker::intake::DoorLimits::default();
        Self {
            socket: None,
            mode: Mode(0o600),
            allow_uids: Vec::new(),
            allow_gids: Vec::new(),
            spool: None,
            alias: None,
            per_second: limits.per_second,
            burst: limits.burst,
            waiting_max: limits.waiting_max,
            sound_mb: limits.sound_bytes_max / (1024 * 1024),
        }
    }
}

/// A file's mode, written as everybody writes it: `"0660"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Mode(pub u32);

impl TryFrom<String> for Mode {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        u32::from_str_radix(&text, 8)
            .ok()
            .filter(|mode| *mode <= 0o777)
            .map(Mode)
            .ok_or(format!("{text:?} is not a file mode like \"0600\" or \"0660\""))
    }
}

impl From<Mode> for String {
    fn from(mode: Mode) -> Self {
        format!("{:04o}", mode.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mode_is_read_as_it_is_written() {
        assert_eq!(Mode::try_from("0660".to_owned()), Ok(Mode(0o660)));
        assert_eq!(String::from(Mode(0o660)), "0660");
        for wrong in ["rw", "9", "1777", "-1", ""] {
            let message = Mode::try_from(wrong.to_owned()).expect_err("no mode");
            assert!(message.contains("0660"), "{message}");
        }
    }
}
