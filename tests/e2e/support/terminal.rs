//! A terminal of its own size, with a program in it, and hands on its keyboard: tmux.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

use super::process::need;
use super::wait_until;

/// Ends with the test, and its program with it.
pub struct Terminal {
    dir: TempDir,
}

impl Terminal {
    /// Runs `program` in `columns` × `rows`.
    pub fn run((columns, rows): (u16, u16), program: &Command) -> Self {
        need("tmux", "tmux");
        let dir = tempfile::tempdir().expect("a temporary directory");
        let terminal = Self { dir };
        let size = [columns.to_string(), rows.to_string()];
        let mut tmux = terminal.tmux();
        tmux.args(["-u", "new-session", "-d", "-x", &size[0], "-y", &size[1], "--"]);
        // tmux itself does not always learn how its program ended.
        let told = terminal.dir.path().join("ended").display().to_string();
        tmux.args(["sh", "-c", r#"told=$1; shift; "$@"; echo $? >"$told""#, "sh", &told, "env"]);
        for (name, value) in program.get_envs() {
            match value {
                Some(value) => {
                    tmux.arg(format!("{}={}", name.to_string_lossy(), value.to_string_lossy()))
                }
                None => tmux.arg(format!("--unset={}", name.to_string_lossy())),
            };
        }
        tmux.arg(program.get_program()).args(program.get_args());
        let status = tmux.status().expect("tmux runs");
        assert!(status.success(), "tmux opens no terminal: {tmux:?}");
        // What it says when it ends is to be seen.
        let kept = terminal.tmux().args(["set-option", "-g", "remain-on-exit", "on"]).status();
        assert!(kept.is_ok_and(|it| it.success()));
        terminal
    }

    /// Presses keys, each by tmux's name for it: `b`, `Space`, `Enter`, `Escape`.
    pub fn press(&self, keys: &[&str]) {
        let status = self.tmux().args(["send-keys", "-t", "0"]).args(keys).status();
        assert!(status.is_ok_and(|it| it.success()), "{keys:?} cannot be pressed");
    }

    /// Types text as it is.
    pub fn write(&self, text: &str) {
        let status = self.tmux().args(["send-keys", "-t", "0", "-l", text]).status();
        assert!(status.is_ok_and(|it| it.success()), "{text:?} cannot be typed");
    }

    /// Pulls it to another size.
    pub fn resize(&self, columns: u16, rows: u16) {
        let size = [columns.to_string(), rows.to_string()];
        let mut tmux = self.tmux();
        tmux.args(["resize-window", "-t", "0", "-x", &size[0], "-y", &size[1]]);
        assert!(tmux.status().is_ok_and(|it| it.success()));
    }

    /// What is seen.
    pub fn seen(&self) -> String {
        let seen = self.tmux().args(["capture-pane", "-p", "-t", "0"]).output();
        seen.map(|it| String::from_utf8_lossy(&it.stdout).into_owned()).unwrap_or_default()
    }

    /// Waits until `what` is seen; gives the whole picture.
    pub fn wait(&self, what: &str, within: Duration) -> String {
        let latest = std::time::Instant::now() + within;
        wait_until(what, within + Duration::from_secs(1), || {
            let seen = self.seen();
            assert!(std::time::Instant::now() < latest, "no {what:?} in\n{seen}");
            seen.contains(what).then_some(seen)
        })
    }

    /// Waits until its program has ended; gives the exit status.
    pub fn ended(&self, within: Duration) -> i32 {
        let latest = std::time::Instant::now() + within;
        wait_until("the program to end", within + Duration::from_secs(1), || {
            let late = std::time::Instant::now() >= latest;
            assert!(!late, "the program goes on:\n{}", self.seen());
            std::fs::read_to_string(self.dir.path().join("ended")).ok()?.trim().parse().ok()
        })
    }

    fn tmux(&self) -> Command {
        let mut tmux = Command::new("tmux");
        tmux.arg("-S").arg(self.socket()).args(["-f", "/dev/null"]);
        tmux.env("LC_ALL", "C.UTF-8").env_remove("TMUX");
        tmux
    }

    fn socket(&self) -> std::path::PathBuf {
        Path::join(self.dir.path(), "tmux")
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // Gone already is as good.
        let _ = self.tmux().arg("kill-server").status();
    }
}
