//! Who watches a download.

use indicatif::{ProgressBar, ProgressStyle};

/// Is told how far a download or a verification is.
pub trait Progress {
    /// `name`, of `total` bytes, begins at byte `done`.
    fn start(&mut self, name: &str, total: u64, done: u64);
    /// `done` bytes of it are there. May go back, when a server cannot resume.
    fn at(&mut self, done: u64);
    /// Something worth a line: a retry, a server that cannot resume.
    fn note(&mut self, text: &str);
    /// It is finished.
    fn finish(&mut self);
}

/// Tells nobody.
pub struct Silent;

impl Progress for Silent {
    fn start(&mut self, _name: &str, _total: u64, _done: u64) {}
    fn at(&mut self, _done: u64) {}
    fn note(&mut self, _text: &str) {}
    fn finish(&mut self) {}
}

/// A bar on standard error; nothing where that is no terminal.
#[derive(Default)]
pub struct Bar {
    bar: Option<ProgressBar>,
}

impl Progress for Bar {
    fn start(&mut self, name: &str, total: u64, done: u64) {
        let bar = ProgressBar::new(total);
        let style = "{msg}  {wide_bar}  {bytes} of {total_bytes}  {bytes_per_sec}  {eta} left";
        if let Ok(style) = ProgressStyle::with_template(style) {
            bar.set_style(style);
        }
        bar.set_message(name.to_owned());
        bar.set_position(done);
        bar.reset_eta();
        self.bar = Some(bar);
    }

    fn at(&mut self, done: u64) {
        if let Some(bar) = &self.bar {
            bar.set_position(done);
        }
    }

    fn note(&mut self, text: &str) {
        if let Some(bar) = &self.bar {
            bar.println(text);
        }
    }

    fn finish(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish();
        }
    }
}
