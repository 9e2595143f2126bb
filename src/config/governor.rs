use std::time::Duration;

use media_core::SampleRate;
use queue_governor::{Coalescing, Content, GovernorConfig, OnInterrupt, Source};
use serde::{Deserialize, Serialize};
use toml::{Table, Value};

/// What several waiting updates of one thing become.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Updates {
    /// One saying: one right after the other.
    #[default]
    Join,
    /// The latest alone.
    Latest,
    /// Sayings of their own.
    Off,
}

/// What an interruption by the caller does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Interrupted {
    /// It ends there.
    #[default]
    Drop,
    /// It goes on with the first word that was not heard.
    Resume,
    /// It goes on from the start of the clause that was cut.
    Restate,
}

impl From<Interrupted> for OnInterrupt {
    fn from(policy: Interrupted) -> Self {
        match policy {
            Interrupted::Drop => OnInterrupt::Drop,
            Interrupted::Resume => OnInterrupt::Resume,
            Interrupted::Restate => OnInterrupt::Restate,
        }
    }
}

/// `[governor]`, and the same keys in `[trunk.governor]`. Flat, so that each can be set by the
/// environment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GovernorSection {
    /// Longest time between possible caller speech and the decision what it was, in ms.
    pub decide_ms: u32,
    /// Longest open utterance of the caller, in seconds.
    pub caller_turn_max_s: u32,
    /// How long the responder alone may answer a turn, in ms.
    pub reply_window_ms: u32,
    /// Longest wait of a higher source for a lower one's clause to end, in ms.
    pub preempt_max_ms: u32,
    /// After so long a wait a worker or program goes before the responder, in seconds.
    pub age_s: u32,
    /// Longest silence of a speaker that holds the floor, in ms.
    pub stall_ms: u32,
    /// What is said while a stalled speaker is tried again; empty: nothing.
    pub filler: String,
    /// How long the same words are not said again, in seconds.
    pub dedup_s: u32,
    /// A pause from which speech goes on at the start of the word, in ms.
    pub long_pause_ms: u32,
    /// Between two sayings that have nothing to do with each other, in ms.
    pub gap_ms: u32,
    /// What several waiting updates of one thing become.
    pub coalescing: Updates,
    /// Turns after which an answer of the responder is stale; 0: never.
    pub responder_stale_turns: u32,
    /// The same for a worker's.
    pub worker_stale_turns: u32,
    /// The same for what another program wants said.
    pub external_stale_turns: u32,
    /// How long an alert is worth saying if it does not say so itself, in seconds; 0: always.
    pub system_ttl_s: u32,
    /// The same for an answer.
    pub responder_ttl_s: u32,
    /// The same for a worker's report.
    pub worker_ttl_s: u32,
    /// The same for what another program wants said.
    pub external_ttl_s: u32,
    /// What an interruption does to an alert that does not say so itself.
    pub system_on_interrupt: Interrupted,
    /// The same for an answer.
    pub responder_on_interrupt: Interrupted,
    /// The same for a worker's report.
    pub worker_on_interrupt: Interrupted,
    /// The same for what another program wants said.
    pub external_on_interrupt: Interrupted,
    /// Claims that a line holds at once.
    pub claims_max: usize,
    /// Longest text of one, in bytes.
    pub text_bytes_max: usize,
    /// Longest sound of one, in seconds.
    pub audio_max_s: u32,
}

impl Default for GovernorSection {
    fn default() -> Self {
        Self {
            decide_ms: 500,
            caller_turn_max_s: 12,
            reply_window_ms: 300,
            preempt_max_ms: 400,
            age_s: 8,
            stall_ms: 600,
            filler: "One moment.".into(),
            dedup_s: 10,
            long_pause_ms: 400,
            gap_ms: 250,
            coalescing: Updates::default(),
            responder_stale_turns: 1,
            worker_stale_turns: 1,
            external_stale_turns: 0,
            system_ttl_s: 0,
            responder_ttl_s: 0,
            worker_ttl_s: 0,
            external_ttl_s: 0,
            system_on_interrupt: Interrupted::default(),
            responder_on_interrupt: Interrupted::default(),
            worker_on_interrupt: Interrupted::default(),
            external_on_interrupt: Interrupted::default(),
            claims_max: 64,
            text_bytes_max: 4_096,
            audio_max_s: 300,
        }
    }
}

/// What is taken for said where a claim leaves it out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClaimDefaults {
    ttl: [Option<Duration>; Source::ALL.len()],
    on_interrupt: [OnInterrupt; Source::ALL.len()],
}

impl ClaimDefaults {
    /// How long a claim of `source` is worth saying. Never for what must be delivered: it may not
    /// end because nobody thought of a time.
    #[must_use]
    pub fn ttl(&self, source: Source, must_deliver: bool) -> Option<Duration> {
        self.ttl[source as usize].filter(|_| !must_deliver)
    }

    /// What an interruption does to a claim of `source`.
    #[must_use]
    pub fn on_interrupt(&self, source: Source) -> OnInterrupt {
        self.on_interrupt[source as usize]
    }
}

impl GovernorSection {
    /// The governor's own words for it.
    #[must_use]
    pub fn governor_config(&self, line_rate: SampleRate) -> GovernorConfig {
        let ms = |ms: u32| Duration::from_millis(u64::from(ms));
        let s = |s: u32| Duration::from_secs(u64::from(s));
        GovernorConfig {
            line_rate,
            decide: ms(self.decide_ms),
            caller_turn_max: s(self.caller_turn_max_s),
            reply_window: ms(self.reply_window_ms),
            preempt_max: ms(self.preempt_max_ms),
            age: s(self.age_s),
            stall: ms(self.stall_ms),
            filler: Some(self.filler.trim())
                .filter(|filler| !filler.is_empty())
                .map(|filler| Content::Text(filler.to_owned())),
            dedup_window: s(self.dedup_s),
            long_pause: ms(self.long_pause_ms),
            gap: ms(self.gap_ms),
            coalescing: match self.coalescing {
                Updates::Join => Coalescing::Join,
                Updates::Latest => Coalescing::Latest,
                Updates::Off => Coalescing::Off,
            },
            responder_stale_turns: self.responder_stale_turns.into(),
            worker_stale_turns: self.worker_stale_turns.into(),
            external_stale_turns: self.external_stale_turns.into(),
            claims_max: self.claims_max,
            text_bytes_max: self.text_bytes_max,
            audio_max: s(self.audio_max_s),
            ..GovernorConfig::default()
        }
    }

    /// What is taken for said where a claim leaves it out. The operator's words have no end.
    #[must_use]
    pub fn claim_defaults(&self) -> ClaimDefaults {
        let mut defaults = ClaimDefaults::default();
        let per_source = [
            (Source::System, self.system_ttl_s, self.system_on_interrupt),
            (Source::Responder, self.responder_ttl_s, self.responder_on_interrupt),
            (Source::Worker, self.worker_ttl_s, self.worker_on_interrupt),
            (Source::External, self.external_ttl_s, self.external_on_interrupt),
        ];
        for (source, ttl_s, policy) in per_source {
            let ttl = Duration::from_secs(u64::from(ttl_s));
            defaults.ttl[source as usize] = Some(ttl).filter(|ttl| !ttl.is_zero());
            defaults.on_interrupt[source as usize] = policy.into();
        }
        defaults
    }

    /// The same, with what a trunk has of its own.
    #[must_use]
    pub fn with(&self, own: &GovernorOverride) -> GovernorSection {
        let Ok(mut table) = Table::try_from(self) else { return self.clone() };
        table.extend(own.0.clone());
        // Each key was read as one of this section before.
        table.try_into().unwrap_or_else(|_| self.clone())
    }

    /// What cannot work: the key, and what to do.
    pub(super) fn problems(&self) -> impl Iterator<Item = (&'static str, String)> {
        let number = |n: usize| n as u64;
        let ranges: [(&'static str, u64, u64, u64, &str); 18] = [
            // Longer, and a caller is kept waiting.
            ("governor.decide_ms", self.decide_ms.into(), 100, 500, "ms"),
            ("governor.caller_turn_max_s", self.caller_turn_max_s.into(), 9, 120, "s"),
            ("governor.reply_window_ms", self.reply_window_ms.into(), 0, 10_000, "ms"),
            // The ack never waits on the hands for more than 400 ms.
            ("governor.preempt_max_ms", self.preempt_max_ms.into(), 0, 400, "ms"),
            ("governor.age_s", self.age_s.into(), 1, 600, "s"),
            ("governor.stall_ms", self.stall_ms.into(), 100, 10_000, "ms"),
            ("governor.dedup_s", self.dedup_s.into(), 1, 86_400, "s"),
            ("governor.long_pause_ms", self.long_pause_ms.into(), 0, 10_000, "ms"),
            ("governor.gap_ms", self.gap_ms.into(), 0, 10_000, "ms"),
            ("governor.responder_stale_turns", self.responder_stale_turns.into(), 0, 100, "turns"),
            ("governor.worker_stale_turns", self.worker_stale_turns.into(), 0, 100, "turns"),
            ("governor.external_stale_turns", self.external_stale_turns.into(), 0, 100, "turns"),
            ("governor.system_ttl_s", self.system_ttl_s.into(), 0, TTL_S_MAX, "s"),
            ("governor.responder_ttl_s", self.responder_ttl_s.into(), 0, TTL_S_MAX, "s"),
            ("governor.worker_ttl_s", self.worker_ttl_s.into(), 0, TTL_S_MAX, "s"),
            ("governor.external_ttl_s", self.external_ttl_s.into(), 0, TTL_S_MAX, "s"),
            // A governor looks at every live claim whenever something happens.
            ("governor.claims_max", number(self.claims_max), 8, 1_024, "claims"),
            ("governor.audio_max_s", self.audio_max_s.into(), 1, 3_600, "s"),
        ];
        let out = ranges.into_iter().filter(|(_, is, min, max, _)| !(min..=max).contains(&is));
        let told = |(key, is, min, max, unit)| {
            (key, format!("{is} {unit} is not between {min} and {max} {unit}"))
        };
        let text_max = lane_broker::intake::TEXT_BYTES_MAX;
        let texts = !(64..=text_max).contains(&self.text_bytes_max);
        let text = ("governor.text_bytes_max", format!("between 64 and {text_max} bytes"));
        let filler =
            ("governor.filler", format!("at most {FILLER_BYTES_MAX} bytes: a word or two"));
        let long = self.filler.len() > FILLER_BYTES_MAX;
        out.map(told).chain(texts.then_some(text)).chain(long.then_some(filler))
    }
}

/// What is longer stops being a filler.
const FILLER_BYTES_MAX: usize = 200;
/// A week, as for what programs hand in.
const TTL_S_MAX: u64 = lane_broker::intake::TTL_S_MAX;

/// `[trunk.governor]`: the keys of `[governor]` that are different on one trunk's lines.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Table", into = "Table")]
pub struct GovernorOverride(Table);

impl TryFrom<Table> for GovernorOverride {
    type Error = toml::de::Error;

    fn try_from(table: Table) -> Result<Self, Self::Error> {
        Value::Table(table.clone()).try_into::<GovernorSection>()?;
        Ok(Self(table))
    }
}

impl From<GovernorOverride> for Table {
    fn from(own: GovernorOverride) -> Self {
        own.0
    }
}

impl GovernorOverride {
    /// Whether nothing is different.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own(text: &str) -> Result<GovernorOverride, toml::de::Error> {
        toml::from_str(text)
    }

    #[test]
    fn the_defaults_are_the_governors_but_for_how_long_the_same_is_not_said_again() {
        let ours = GovernorSection::default().governor_config(SampleRate::Hz8000);
        let dedup_window = ours.dedup_window;
        assert_eq!(ours, GovernorConfig { dedup_window, ..GovernorConfig::default() });
    }

    #[test]
    fn a_trunk_changes_what_it_names_and_nothing_else() {
        let base = GovernorSection { stall_ms: 900, ..GovernorSection::default() };
        let with = base.with(&own("gap_ms = 0\nfiller = \"\"\ncoalescing = \"latest\"").unwrap());
        let wanted = GovernorSection {
            gap_ms: 0,
            filler: String::new(),
            coalescing: Updates::Latest,
            ..base.clone()
        };
        assert_eq!(with, wanted);
        assert_eq!(with.governor_config(SampleRate::Hz8000).filler, None);
        assert_eq!(base.with(&GovernorOverride::default()), base);
    }

    #[test]
    fn a_trunks_typing_error_is_named() {
        for (text, named) in [("gap = 3", "gap"), ("gap_ms = \"long\"", "long")] {
            let message = own(text).expect_err("no key of ours").to_string();
            assert!(message.contains(named), "{message}");
        }
    }

    #[test]
    fn what_must_be_delivered_has_no_time_that_it_did_not_name() {
        let section = GovernorSection { external_ttl_s: 5, ..GovernorSection::default() };
        let defaults = section.claim_defaults();
        assert_eq!(defaults.ttl(Source::External, false), Some(Duration::from_secs(5)));
        assert_eq!(defaults.ttl(Source::External, true), None);
        assert_eq!(defaults.ttl(Source::Worker, false), None);
        assert_eq!(defaults.ttl(Source::Operator, false), None);
    }

    #[test]
    fn each_value_out_of_range_is_named_with_its_unit() {
        let spoilt = GovernorSection {
            gap_ms: 60_000,
            preempt_max_ms: 500,
            claims_max: 1,
            text_bytes_max: 1 << 20,
            filler: "long ".repeat(100),
            ..GovernorSection::default()
        };
        let problems: Vec<_> = spoilt.problems().collect();
        let keys: Vec<_> = problems.iter().map(|(key, _)| *key).collect();
        let wanted = ["preempt_max_ms", "gap_ms", "claims_max", "text_bytes_max", "filler"];
        assert_eq!(keys, wanted.map(|key| format!("governor.{key}")));
        assert_eq!(problems[1].1, "60000 ms is not between 0 and 10000 ms");
    }
}
