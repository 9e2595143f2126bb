//! What a producer asks for: to be heard.

use core::fmt;
use core::time::Duration;
use std::borrow::Cow;
use std::sync::Arc;

use media_core::SampleRate;

/// A producer's name for a claim: 1 to [`ClaimId::BYTES_MAX`] bytes, unique on its line. Names
/// that begin with [`ClaimId::OWN_PREFIX`] are the governor's own.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ClaimId(Arc<str>);

impl ClaimId {
    /// Longest name. Room for a UUID with a prefix; names are kept for the whole call.
    pub const BYTES_MAX: usize = 64;

    /// Begins the names of claims that the governor makes itself, such as fillers.
    pub const OWN_PREFIX: &'static str = "xenline:";

    /// The name as given. Its length is judged at the door, by [`crate::Governor::handle`].
    #[must_use]
    pub fn new(id: impl AsRef<str>) -> Self {
        Self(Arc::from(id.as_ref()))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ClaimId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl fmt::Display for ClaimId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The number of something that the caller said. Grows by time; a claim that answers it carries
/// it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct TurnId(pub u64);

/// Who wants to speak, in order of precedence: the smallest comes first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Source {
    /// A human at the console. Wins over all.
    Operator,
    /// Alerts, and the line speaking about itself.
    System,
    /// The fast mind, which answers at once.
    Responder,
    /// A slow mind, which reports when it is done.
    Worker,
    /// Any other program on the machine.
    External,
}

impl Source {
    /// All sources, in order of precedence.
    pub const ALL: [Source; 5] =
        [Source::Operator, Source::System, Source::Responder, Source::Worker, Source::External];

    /// Whether claims of this source answer the caller, so that a new turn makes them stale.
    #[must_use]
    pub const fn answers_the_caller(self) -> bool {
        matches!(self, Source::Responder | Source::Worker)
    }
}

/// The strict classification of everything that moves. Which tags exist is decided by
/// [`Tag::BUILT_IN`] and [`crate::GovernorConfig::registered_tags`]; anything else is refused.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Tag(Cow<'static, str>);

impl Tag {
    /// What leaves: speech, SMS, chat.
    pub const XEN_OUT: Tag = Tag(Cow::Borrowed("xen-out"));
    /// What a call says.
    pub const CALL: Tag = Tag(Cow::Borrowed("call"));
    /// Events of the operating system.
    pub const OS: Tag = Tag(Cow::Borrowed("os"));

    /// The tags that every line knows.
    pub const BUILT_IN: [&'static str; 9] =
        ["in", "typed", "aua", "sms", "bee", "omi", "call", "os", "xen-out"];

    /// A tag as a producer wrote it; judged at the door.
    #[must_use]
    pub fn new(tag: impl Into<Cow<'static, str>>) -> Self {
        Self(tag.into())
    }

    /// The tag as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What is to be heard.
#[derive(Clone, PartialEq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Content {
    /// Words for the voice.
    Text(String),
    /// Ready audio.
    Audio {
        /// The words in it, or what it is. It stands for the audio in dedup and in history.
        label: String,
        /// Mono samples.
        samples: Arc<[i16]>,
        /// Their rate.
        rate: SampleRate,
    },
}

impl Content {
    /// The text, or the audio's label.
    #[must_use]
    pub fn words(&self) -> &str {
        match self {
            Content::Text(text) => text,
            Content::Audio { label, .. } => label,
        }
    }
}

impl From<&str> for Content {
    fn from(text: &str) -> Self {
        Content::Text(text.to_owned())
    }
}

/// What becomes of a claim that the caller interrupts, or whose turn the caller cuts off.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum OnInterrupt {
    /// It ends `interrupted`.
    #[default]
    Drop,
    /// It waits and goes on with the first word that was not heard.
    Resume,
    /// It waits and goes on from the start of the clause that was cut. A cut in the very first
    /// clause goes on with the first word that was not heard, because nothing that was partly
    /// heard begins again from its start.
    Restate,
}

/// A request to be heard.
#[derive(Clone, PartialEq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Claim {
    /// The producer's name for it.
    pub id: ClaimId,
    /// Who wants to speak.
    pub source: Source,
    /// Its class. Unknown or empty: refused.
    pub tag: Tag,
    /// What it answers, if it answers something.
    pub turn: Option<TurnId>,
    /// What is to be heard.
    pub content: Content,
    /// Order among claims of one source; higher first. Never lifts a claim over another source.
    #[cfg_attr(feature = "serde", serde(default))]
    pub priority: i8,
    /// Longest wait, from acceptance, for the floor. A claim that holds the floor does not
    /// expire. After a cut it waits again, and expires if the time is over.
    pub ttl: Option<Duration>,
    /// Never ends `stale`, nor `interrupted` by the caller: it waits, and goes on where it was
    /// cut. Of the same that was cut before it goes on, too: only what was said to its end makes it
    /// a duplicate. While the same waits or is being said it waits beside that, so that it is said
    /// also if the other's author takes that back.
    #[cfg_attr(feature = "serde", serde(default))]
    pub must_deliver: bool,
    /// Only the operator stops it. It neither pauses for the caller nor yields.
    #[cfg_attr(feature = "serde", serde(default))]
    pub uninterruptible: bool,
    /// The claim that this one takes the place of. It ends `superseded`; if it holds the floor,
    /// at the end of its clause.
    pub supersedes: Option<ClaimId>,
    /// Names the content where the words alone do not: two claims with the same key are one.
    pub dedup_key: Option<String>,
    /// Keys of claims that ended as its duplicates: what goes by one of them is the same, too. The
    /// governor's own; what a producer puts there is dropped.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Vec::is_empty"))]
    pub also_keys: Vec<String>,
    /// Names what it is an update of: several waiting claims of one source with the same name are
    /// one saying, see [`crate::Coalescing`].
    #[cfg_attr(feature = "serde", serde(default))]
    pub coalesce: Option<String>,
    /// What an interruption by the caller does to it.
    #[cfg_attr(feature = "serde", serde(default))]
    pub on_interrupt: OnInterrupt,
    /// Whose it is: the caller it was made for. `None`: whoever is on the line. The governor takes
    /// it as it comes; whoever carries claims over from one call to the next looks at it, and finds
    /// it in the journal.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    pub to: Option<String>,
}

impl Claim {
    /// A claim to say `text`, tagged `xen-out`, with every option at its default.
    #[must_use]
    pub fn text(id: impl AsRef<str>, source: Source, text: impl Into<String>) -> Self {
        Claim {
            id: ClaimId::new(id),
            source,
            tag: Tag::XEN_OUT,
            turn: None,
            content: Content::Text(text.into()),
            priority: 0,
            ttl: None,
            must_deliver: false,
            uninterruptible: false,
            supersedes: None,
            dedup_key: None,
            also_keys: Vec::new(),
            coalesce: None,
            on_interrupt: OnInterrupt::Drop,
            to: None,
        }
    }

    /// The same claim, as an answer to `turn`.
    #[must_use]
    pub fn answering(mut self, turn: TurnId) -> Self {
        self.turn = Some(turn);
        self
    }
}
