//! The brain's configuration: one TOML file, every key optional.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

use crate::genes::{self, Action, Gene, GeneError, Library};

/// The configuration, checked.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// What the brain calls itself.
    pub name: String,
    /// The first words on a line. `{name}` is filled in.
    pub greeting: String,
    /// The least confidence, 0 to 1, at which a gene counts as found.
    pub threshold: f32,
    /// Directory of further gene files. Relative to the configuration file.
    pub genes_dir: Option<PathBuf>,
    /// Where timers, notes and the call log are kept. Relative to the configuration file. Without
    /// it nothing outlives the process.
    pub state_file: Option<PathBuf>,
    /// The disk that questions are about.
    pub disk: PathBuf,
    /// Jobs at the same time; one more is refused with a word about it.
    pub jobs_max: usize,
    /// What the brain may run.
    #[serde(rename = "command")]
    pub commands: Vec<Command>,
    /// Directory of the configuration file.
    #[serde(skip)]
    pub directory: PathBuf,
    /// The brain's own program, for commands that are part of it.
    #[serde(skip)]
    pub program: PathBuf,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            name: "xenline".into(),
            greeting: "Hello, this is {name}. How can I help?".into(),
            threshold: 0.6,
            genes_dir: None,
            state_file: None,
            disk: "/".into(),
            jobs_max: 4,
            commands: Vec::new(),
            directory: PathBuf::new(),
            program: PathBuf::new(),
        }
    }
}

/// A program that the brain may run.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Command {
    /// Its name, by which genes refer to it. Also its label in speech, as "the backup".
    pub name: String,
    /// How it is spoken of; "the" and the name if left out.
    pub label: Option<String>,
    /// Further phrases that run it, with slots. None are needed if a gene refers to it.
    #[serde(default)]
    pub phrases: Vec<String>,
    /// Program and arguments. Never a shell line. `{config_dir}`, `{brain}` and slots such as
    /// `{n}` are filled in.
    pub run: Vec<String>,
    /// Added to its environment, which is otherwise only `PATH`.
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
    /// Said at once. "Okay, I am starting" and the label if left out.
    pub acknowledge: Option<String>,
    /// Said when it is done. `{took}` and what it printed as `key=value` are filled in.
    pub report: Option<String>,
    /// Said when it failed.
    pub failure: Option<String>,
    /// Ask before running it.
    #[serde(default)]
    pub confirm: bool,
    /// Only for callers for whose number the network vouches in full (attestation A).
    #[serde(default)]
    pub vouched: bool,
    /// Killed after so many seconds.
    #[serde(default = "timeout_default_s")]
    pub timeout_s: u64,
}

impl Command {
    /// How it is spoken of.
    #[must_use]
    pub fn label(&self) -> String {
        self.label.clone().unwrap_or_else(|| format!("the {}", self.name))
    }

    /// When it is killed.
    #[must_use]
    pub fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout_s)
    }
}

/// A configuration that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// It cannot be read.
    #[error("brain configuration {}: {error}", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: std::io::Error,
    },
    /// It is not TOML of this shape.
    #[error("brain configuration {}: {error}", .path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Line, column and what is wrong.
        error: Box<toml::de::Error>,
    },
    /// A value is out of its range.
    #[error("brain configuration {}: {what}", .path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What, and what to do.
        what: String,
    },
    /// A gene file cannot be used.
    #[error(transparent)]
    Genes(#[from] GeneError),
}

impl Config {
    /// The configuration of a brain that was given none: `xenline-brain.example.toml`.
    ///
    /// # Panics
    /// If that file is malformed; a test reads it.
    #[must_use]
    pub fn builtin() -> Self {
        let path = Path::new("xenline-brain.example.toml");
        match Self::from_text(path, BUILTIN) {
            Ok(config) => config,
            Err(error) => panic!("the built-in configuration is malformed: {error}"),
        }
    }

    /// Reads and checks a file.
    ///
    /// # Errors
    /// [`ConfigError`], naming the file and the place.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| ConfigError::Unreadable { path: path.into(), error })?;
        let mut config = Self::from_text(path, &text)?;
        let directory = path.parent().filter(|it| !it.as_os_str().is_empty());
        let directory = directory.unwrap_or(Path::new("."));
        config.directory = std::path::absolute(directory).unwrap_or_else(|_| directory.into());
        Ok(config)
    }

    fn from_text(path: &Path, text: &str) -> Result<Self, ConfigError> {
        let mut config: Config = toml::from_str(text).map_err(|error| ConfigError::Malformed {
            path: path.into(),
            error: Box::new(error),
        })?;
        config.check().map_err(|what| ConfigError::Invalid { path: path.into(), what })?;
        config.program = std::env::current_exe().unwrap_or_else(|_| "xenline-brain".into());
        Ok(config)
    }

    /// Where the state is kept.
    #[must_use]
    pub fn state_path(&self) -> Option<PathBuf> {
        self.state_file.as_ref().map(|path| self.directory.join(path))
    }

    /// A command by its name.
    #[must_use]
    pub fn command(&self, name: &str) -> Option<&Command> {
        self.commands.iter().find(|command| command.name == name)
    }

    /// All genes, indexed: the commands' own phrases, the user's files, the built-in ones.
    ///
    /// # Errors
    /// [`ConfigError::Genes`] if a file cannot be used.
    pub fn library(&self) -> Result<Library, ConfigError> {
        let mut genes: Vec<Gene> = self.commands.iter().filter_map(own_gene).collect();
        for path in self.gene_files()? {
            genes.extend(genes::read_file(&path)?);
        }
        genes.extend(genes::builtin());
        Ok(Library::new(genes, self.threshold))
    }

    fn gene_files(&self) -> Result<Vec<PathBuf>, GeneError> {
        let Some(directory) = &self.genes_dir else { return Ok(Vec::new()) };
        let directory = self.directory.join(directory);
        let failed = |error| GeneError::Unreadable { path: directory.clone(), error };
        let mut files = Vec::new();
        for entry in std::fs::read_dir(&directory).map_err(failed)?.take(GENE_FILES_MAX) {
            let path = entry.map_err(failed)?.path();
            if path.extension().is_some_and(|it| it == "toml") {
                files.push(path);
            }
        }
        files.sort();
        Ok(files)
    }

    fn check(&self) -> Result<(), String> {
        if !(0.0..=1.0).contains(&self.threshold) {
            return Err(format!("threshold = {}: choose one from 0 to 1", self.threshold));
        }
        if self.jobs_max == 0 || self.jobs_max > JOBS_MAX {
            return Err(format!("jobs_max = {}: choose 1 to {JOBS_MAX}", self.jobs_max));
        }
        for (index, command) in self.commands.iter().enumerate() {
            let name = &command.name;
            if name.is_empty() || self.commands[..index].iter().any(|it| it.name == *name) {
                return Err(format!("command \"{name}\": give every command a name of its own"));
            }
            if command.run.is_empty() {
                return Err(format!("command \"{name}\": run is empty; name its program"));
            }
            if command.timeout_s == 0 || command.timeout_s > TIMEOUT_MAX_S {
                return Err(format!(
                    "command \"{name}\": timeout_s = {}: choose 1 to {TIMEOUT_MAX_S}",
                    command.timeout_s
                ));
            }
        }
        Ok(())
    }
}

fn own_gene(command: &Command) -> Option<Gene> {
    (!command.phrases.is_empty()).then(|| Gene {
        name: format!("command {}", command.name),
        phrases: command.phrases.clone(),
        action: Action::Command { name: command.name.clone(), label: command.label() },
        follow_ups: Vec::new(),
    })
}

const BUILTIN: &str = include_str!("../xenline-brain.example.toml");

fn timeout_default_s() -> u64 {
    60
}

/// Each is a process; a phone line does not orchestrate a build farm.
const JOBS_MAX: usize = 64;

/// A day. Whoever needs longer starts a service, and asks about that.
const TIMEOUT_MAX_S: u64 = 86_400;

const GENE_FILES_MAX: usize = 256;
