//! The terminal while the console has it.

use std::io::IsTerminal;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use ratatui::crossterm::event::{
    self, Event, KeyboardEnhancementFlags, PopKeyboardEnhancementFlags,
    PushKeyboardEnhancementFlags,
};
use ratatui::crossterm::{execute, terminal};
use tokio::sync::mpsc;

/// The terminal's events, from a thread that waits for them.
pub(super) fn keys() -> mpsc::Receiver<Event> {
    let (to_us, keys) = mpsc::channel(KEYS_MAX);
    std::thread::spawn(move || {
        while let Ok(event) = event::read() {
            if to_us.blocking_send(event).is_err() {
                return;
            }
        }
    });
    keys
}

/// The terminal while the console has it; given back when this is dropped.
pub(super) struct Screen {
    pub terminal: ratatui::DefaultTerminal,
    /// Whether it tells when a key is let go.
    pub tells_releases: bool,
    /// Where errors went before: libraries of the sound system write there, across the picture.
    errors: Option<OwnedFd>,
}

impl Screen {
    /// Takes it.
    ///
    /// # Errors
    /// The terminal cannot be asked or set.
    pub fn take() -> std::io::Result<Self> {
        let terminal = ratatui::try_init()?;
        let tells_releases = matches!(terminal::supports_keyboard_enhancement(), Ok(true));
        if tells_releases {
            let flags = KeyboardEnhancementFlags::REPORT_EVENT_TYPES
                | KeyboardEnhancementFlags::DISAMBIGUATE_ESCAPE_CODES;
            execute!(std::io::stdout(), PushKeyboardEnhancementFlags(flags))?;
        }
        let errors = std::io::stderr().is_terminal().then(silence_errors).transpose()?;
        Ok(Self { terminal, tells_releases, errors })
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        if self.tells_releases {
            // Whatever fails here, the terminal is left as well as can be.
            let _ = execute!(std::io::stdout(), PopKeyboardEnhancementFlags);
        }
        ratatui::restore();
        if let Some(errors) = &self.errors {
            // SAFETY: both are open descriptors of this process.
            unsafe { libc::dup2(errors.as_raw_fd(), libc::STDERR_FILENO) };
        }
    }
}

/// Standard error goes nowhere from now on. Where it went before.
fn silence_errors() -> std::io::Result<OwnedFd> {
    let nowhere = std::fs::OpenOptions::new().write(true).open("/dev/null")?;
    // SAFETY: standard error is an open descriptor, or the call fails.
    let before = unsafe { libc::dup(libc::STDERR_FILENO) };
    if before < 0 {
        return Err(std::io::Error::last_os_error());
    }
    // SAFETY: `dup` has just made it, and nobody else has it.
    let before = unsafe { OwnedFd::from_raw_fd(before) };
    // SAFETY: both are open descriptors of this process.
    unsafe { libc::dup2(nowhere.as_raw_fd(), libc::STDERR_FILENO) };
    Ok(before)
}

/// Nobody types faster than they are taken.
const KEYS_MAX: usize = 64;
