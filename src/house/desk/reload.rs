//! Another configuration for a line that runs: SIGHUP, or `xenline reload`.

use std::path::PathBuf;
use std::time::Instant;

use sip_bridge::NotConfigured;
use sip_bridge::negotiation::MediaTerms;

use super::Desk;
use crate::config::{self, Change, Config};
use crate::control::{ReloadStatus, Reply};
use crate::house::budget::BudgetLimits;
use crate::house::start::{policies, terms, trunks};

/// What each trunk's calls may agree on.
type Terms = Vec<(String, MediaTerms)>;

/// Where the configuration came from, and how the last reload went.
pub(super) struct Reload {
    file: Option<PathBuf>,
    last: Option<(Instant, Option<String>)>,
}

impl Reload {
    pub fn new(file: Option<PathBuf>) -> Self {
        Self { file, last: None }
    }

    /// How the last one went; `None`: there was none.
    pub fn status(&self) -> Option<ReloadStatus> {
        let (at, refused) = self.last.as_ref()?;
        Some(ReloadStatus { ago_s: at.elapsed().as_secs(), refused: refused.clone() })
    }
}

impl Desk {
    /// Somebody on this machine wants the configuration read again.
    pub(super) fn answer_reload(&mut self) -> Reply {
        match self.reload() {
            Ok(changes) => Reply::Done { message: told(&changes) },
            Err(refused) => Reply::refused(refused),
        }
    }

    /// Reads the configuration again and puts in force what can be while the line runs. One that
    /// cannot be served is refused whole, and the one in force stays.
    pub(super) fn reload(&mut self) -> Result<Vec<Change>, String> {
        // A page of text and a few certificates.
        let read = tokio::task::block_in_place(|| self.read_again());
        self.reload.last = Some((Instant::now(), read.as_ref().err().cloned()));
        match read {
            Ok((running, terms, changes)) => {
                self.put_in_force(running, terms).map_err(|error| {
                    let error = error.to_string();
                    self.reload.last = Some((Instant::now(), Some(error.clone())));
                    error
                })?;
                for change in &changes {
                    tracing::info!("configuration: {change}");
                }
                tracing::info!(changes = changes.len(), "configuration read again");
                Ok(changes)
            }
            Err(refused) => {
                tracing::error!(
                    "the configuration is not taken, the one in force stays: {refused}"
                );
                Err(refused)
            }
        }
    }

    /// What can be put in force, with what the carriers publish, and all that differs.
    fn read_again(&self) -> Result<(Config, Terms, Vec<Change>), String> {
        let text = |error: config::ConfigError| error.to_string();
        let environment = config::environment().map_err(text)?;
        let mut new = config::load(self.reload.file.as_deref(), environment).map_err(text)?;
        // `xenline serve --echo` outranks the file for as long as it runs.
        new.line.mode = self.config.line.mode;
        sound(&new)?;
        let running = config::while_running(&self.config, &new).map_err(text)?;
        // What is valid by itself may not be beside what needs a restart.
        sound(&running).map_err(|problem| {
            format!("{problem} (beside what needs a restart: restart the line instead)")
        })?;
        if let Some(tls) = running.sip.tls() {
            sip_bridge::check_tls(&tls).map_err(|error| error.to_string())?;
        }
        let terms = terms(&running).map_err(|error| error.to_string())?;
        Ok((running, terms, config::changes(&self.config, &new)))
    }

    fn put_in_force(&mut self, running: Config, terms: Terms) -> Result<(), NotConfigured> {
        let (trunks, policies) = (trunks(&running), policies(&running));
        self.bridge.configure(&trunks, policies, terms, running.admission_limits())?;
        self.out.gate.replace(running.outbound.policy());
        self.budget.set_limits(BudgetLimits::from(&running.admission));
        if running.line.keep_open != self.config.line.keep_open {
            self.keep_open_another(running.line.keep_open.clone());
        }
        self.config = running;
        Ok(())
    }
}

fn sound(config: &Config) -> Result<(), String> {
    match config::validate(config).first() {
        Some(problem) => Err(format!("{}: {}", problem.key, problem.message)),
        None => Ok(()),
    }
}

fn told(changes: &[Change]) -> String {
    if changes.is_empty() {
        return "nothing has changed".to_owned();
    }
    let lines: Vec<_> = changes.iter().map(ToString::to_string).collect();
    lines.join("\n")
}
