use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::tools::Tool;

/// Something the brain knows to answer.
#[derive(Clone, Debug)]
pub struct Gene {
    /// Unique; a gene of the user's replaces a built-in one of the same name.
    pub name: String,
    /// What the caller may say, with slots.
    pub phrases: Vec<String>,
    /// What to do.
    pub action: Action,
    /// What the caller may say next, and only next. A follow-up with no phrases takes anything.
    pub follow_ups: Vec<Gene>,
}

/// What a gene does.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Action {
    /// Say one of these, in turn.
    Reply(Vec<String>),
    /// Use a tool.
    Tool(Tool),
    /// Run a command of the configuration.
    Command {
        /// Its name there.
        name: String,
        /// What it is called when it is not set up.
        label: String,
    },
    /// Say nothing.
    Silent,
}

/// A gene file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum GeneError {
    /// It cannot be read.
    #[error("gene file {}: {error}", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: std::io::Error,
    },
    /// It is not what a gene file looks like.
    #[error("gene file {origin}: {error}")]
    Malformed {
        /// The file.
        origin: String,
        /// Line, column and what is wrong.
        error: Box<toml::de::Error>,
    },
    /// A gene has no action or several.
    #[error(
        "gene \"{gene}\" in {origin} needs exactly one of reply, tool, command or silent = true"
    )]
    Action {
        /// The gene.
        gene: String,
        /// The file.
        origin: String,
    },
    /// A gene can never be found.
    #[error("gene \"{gene}\" in {origin} has no phrases")]
    NoPhrases {
        /// The gene.
        gene: String,
        /// The file.
        origin: String,
    },
    /// There is more than the index is made for.
    #[error("{origin}: more than {max} genes", max = GENES_MAX)]
    TooMany {
        /// The file.
        origin: String,
    },
}

/// The genes that come with the brain.
///
/// # Panics
/// If one of them is malformed; a test reads them all.
#[must_use]
pub fn builtin() -> Vec<Gene> {
    BUILTIN
        .iter()
        .flat_map(|(name, text)| match read_text(name, text) {
            Ok(genes) => genes,
            Err(error) => panic!("a built-in gene file is malformed: {error}"),
        })
        .collect()
}

/// Reads one gene file.
///
/// # Errors
/// [`GeneError`], naming the file and the place.
pub fn read_file(path: &Path) -> Result<Vec<Gene>, GeneError> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| GeneError::Unreadable { path: path.into(), error })?;
    read_text(&path.display().to_string(), &text)
}

/// Reads the text of a gene file; `origin` is for messages.
///
/// # Errors
/// [`GeneError`], naming the origin and the place.
pub fn read_text(origin: &str, text: &str) -> Result<Vec<Gene>, GeneError> {
    let file: RawFile = toml::from_str(text)
        .map_err(|error| GeneError::Malformed { origin: origin.into(), error: Box::new(error) })?;
    if file.gene.len() > GENES_MAX {
        return Err(GeneError::TooMany { origin: origin.into() });
    }
    file.gene.into_iter().map(|raw| checked(origin, raw)).collect()
}

fn checked(origin: &str, raw: RawGene) -> Result<Gene, GeneError> {
    if raw.phrases.is_empty() {
        return Err(GeneError::NoPhrases { gene: raw.name, origin: origin.into() });
    }
    let action = action_of(origin, &raw.name, raw.what)?;
    let follow_ups = raw
        .follow_ups
        .into_iter()
        .enumerate()
        .map(|(index, follow)| {
            let name = format!("{}/{}", raw.name, index + 1);
            let action = action_of(origin, &name, follow.what)?;
            Ok(Gene { name, phrases: follow.phrases, action, follow_ups: Vec::new() })
        })
        .collect::<Result<_, GeneError>>()?;
    Ok(Gene { name: raw.name, phrases: raw.phrases, action, follow_ups })
}

fn action_of(origin: &str, gene: &str, what: RawAction) -> Result<Action, GeneError> {
    let wrong = || GeneError::Action { gene: gene.into(), origin: origin.into() };
    match (what.reply, what.tool, what.command, what.silent) {
        (Some(Replies::One(reply)), None, None, false) => Ok(Action::Reply(vec![reply])),
        (Some(Replies::Several(replies)), None, None, false) if !replies.is_empty() => {
            Ok(Action::Reply(replies))
        }
        (None, Some(tool), None, false) => Ok(Action::Tool(tool)),
        (None, None, Some(name), false) => {
            let label = what.label.unwrap_or_else(|| format!("run {name}"));
            Ok(Action::Command { name, label })
        }
        (None, None, None, true) => Ok(Action::Silent),
        _ => Err(wrong()),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFile {
    #[serde(default)]
    gene: Vec<RawGene>,
}

#[derive(Deserialize)]
struct RawGene {
    name: String,
    #[serde(default)]
    phrases: Vec<String>,
    #[serde(flatten)]
    what: RawAction,
    #[serde(default)]
    follow_ups: Vec<RawFollowUp>,
}

#[derive(Deserialize)]
struct RawFollowUp {
    #[serde(default)]
    phrases: Vec<String>,
    #[serde(flatten)]
    what: RawAction,
}

#[derive(Deserialize)]
struct RawAction {
    reply: Option<Replies>,
    tool: Option<Tool>,
    command: Option<String>,
    label: Option<String>,
    #[serde(default)]
    silent: bool,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Replies {
    One(String),
    Several(Vec<String>),
}

const BUILTIN: &[(&str, &str)] = &[
    ("talk.toml", include_str!("../../genes/talk.toml")),
    ("clock.toml", include_str!("../../genes/clock.toml")),
    ("machine.toml", include_str!("../../genes/machine.toml")),
    ("notes.toml", include_str!("../../genes/notes.toml")),
    ("jobs.toml", include_str!("../../genes/jobs.toml")),
    ("home.toml", include_str!("../../genes/home.toml")),
];

/// Ten times what is built in; each costs an index entry per phrase.
const GENES_MAX: usize = 2000;
