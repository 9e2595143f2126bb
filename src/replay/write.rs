//! A log on its way to the disk.

use std::io::{self, BufWriter, Write};

use flate2::Compression;
use flate2::write::GzEncoder;
use media_core::MonoTime;

use super::visit::{self, Strip};
use super::{Entry, GovernorStep, Header, Redactor};

/// Longest log: two days of lively talk. A longer call's log ends here, and says so.
const BYTES_MAX: u64 = 64 * 1024 * 1024;
/// What a crash of the process may cost of a log, in time of the call.
const UNWRITTEN_MAX: std::time::Duration = std::time::Duration::from_secs(5);
/// Bytes that are compressed at once. JSON is written a few bytes at a time, and each time the
/// encoder is called costs what a whole block does.
const BLOCK_BYTES: usize = 16 * 1024;

/// Writes one call's log. Entries are redacted unless the header says that words are kept. To be
/// driven from a thread that may wait for the disk.
pub struct CallLog<W: Write> {
    out: BufWriter<GzEncoder<Counted<W>>>,
    redactor: Option<Redactor>,
    entries: u64,
    cut: bool,
    flushed: Option<MonoTime>,
}

impl<W: Write> CallLog<W> {
    /// Begins a log in `out`.
    ///
    /// # Errors
    /// What `out` says.
    pub fn begin(out: W, header: Header) -> io::Result<Self> {
        let redactor = (!header.words).then(Redactor::new);
        Self::begin_with(out, header, redactor)
    }

    /// As [`CallLog::begin`], with this redactor or without one.
    ///
    /// # Errors
    /// What `out` says.
    pub fn begin_with(
        out: W,
        mut header: Header,
        mut redactor: Option<Redactor>,
    ) -> io::Result<Self> {
        header.words = redactor.is_none();
        visit::config(&mut header.governor, &mut Strip::default());
        if let Some(redactor) = &mut redactor {
            visit::config(&mut header.governor, redactor);
        }
        let out = GzEncoder::new(Counted { out, bytes: 0 }, Compression::default());
        let out = BufWriter::with_capacity(BLOCK_BYTES, out);
        let mut log = Self { out, redactor, entries: 0, cut: false, flushed: None };
        log.line(&header)?;
        Ok(log)
    }

    /// Adds an entry. After [`Entry::Cut`], and beyond the longest log, nothing more is taken.
    ///
    /// # Errors
    /// What the disk says. The call goes on without its log.
    pub fn append(&mut self, mut entry: Entry) -> io::Result<()> {
        if self.cut {
            return Ok(());
        }
        if self.bytes() > BYTES_MAX {
            return self.cut("it has reached the longest that is kept");
        }
        self.strip(&mut entry);
        self.line(&entry)?;
        self.entries += 1;
        self.flush_if_due(entry.at())
    }

    /// Ends the log before the call does.
    ///
    /// # Errors
    /// What the disk says.
    pub fn cut(&mut self, why: &str) -> io::Result<()> {
        if !std::mem::replace(&mut self.cut, true) {
            self.line(&Entry::Cut { why: why.to_owned() })?;
            self.entries += 1;
        }
        Ok(())
    }

    /// The call is over, and the log whole.
    ///
    /// # Errors
    /// What the disk says.
    pub fn finish(mut self) -> io::Result<W> {
        self.line(&Entry::End { entries: self.entries })?;
        let encoder = self.out.into_inner().map_err(io::IntoInnerError::into_error)?;
        let mut out = encoder.finish()?;
        out.flush()?;
        Ok(out.out)
    }

    /// Bytes written so far, those that are still being compressed left out.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.out.get_ref().get_ref().bytes
    }

    fn strip(&mut self, entry: &mut Entry) {
        match entry {
            Entry::Governor(step) => {
                strip_step(step);
                if let Some(redactor) = &mut self.redactor {
                    visit::input(&mut step.input, redactor);
                    step.outputs.iter_mut().for_each(|output| visit::output(output, redactor));
                }
            }
            Entry::Recovered { book, audio, .. } => {
                let mut strip = Strip::default();
                visit::book(book, &mut strip);
                audio.append(&mut strip.lengths);
                if let Some(redactor) = &mut self.redactor {
                    visit::book(book, redactor);
                }
            }
            Entry::Ear(steps) | Entry::LegHeard { steps, .. } => {
                if let Some(redactor) = &mut self.redactor {
                    steps.iter_mut().for_each(|step| visit::step(step, redactor));
                }
            }
            Entry::LegEar { .. } | Entry::Cut { .. } | Entry::End { .. } => {}
        }
    }

    fn line(&mut self, line: &impl serde::Serialize) -> io::Result<()> {
        serde_json::to_writer(&mut self.out, line)?;
        self.out.write_all(b"\n")
    }

    fn flush_if_due(&mut self, at: Option<MonoTime>) -> io::Result<()> {
        let Some(at) = at else { return Ok(()) };
        let since = *self.flushed.get_or_insert(at);
        if at.since(since) < UNWRITTEN_MAX {
            return Ok(());
        }
        self.flushed = Some(at);
        self.out.flush()
    }
}

/// Takes samples and engines' words out of a step.
pub(super) fn strip_step(step: &mut GovernorStep) {
    let mut strip = Strip::default();
    visit::input(&mut step.input, &mut strip);
    step.audio.append(&mut strip.lengths);
    step.outputs.iter_mut().for_each(|output| visit::output(output, &mut strip));
    step.audio.append(&mut strip.lengths);
}

struct Counted<W> {
    out: W,
    bytes: u64,
}

impl<W: Write> Write for Counted<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
