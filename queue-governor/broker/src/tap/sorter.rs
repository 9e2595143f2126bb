//! The heart of the tap: admits, sorts, limits and counts. Told the time, as time passed since the
//! tap began.

use std::time::Duration;

use super::observation::{Observation, TapEvent};
use super::rule::Rules;
use crate::lane::Lane;

/// What became of the observations so far.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counts {
    /// Seen, whatever became of them.
    pub seen: u64,
    /// No rule wanted them.
    pub unmatched: u64,
    /// Sorted into a lane.
    pub sorted: u64,
    /// Lost: too many at once, or nobody took them.
    pub lost: u64,
    /// Had the line say something, or the brain told.
    pub said: u64,
    /// Would have, too soon after the last time.
    pub hushed: u64,
}

/// Who is to hear of something.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Audience {
    /// The caller: the line says it.
    Caller,
    /// The brain, which makes of it what it likes.
    Brain,
}

/// Something that somebody is to hear of.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Alert {
    /// Who.
    pub to: Audience,
    /// The rule that asks for it.
    pub rule: String,
    /// The unit, path or process that it is about.
    pub subject: String,
    /// The words.
    pub text: String,
}

/// An observation in its place.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Sorted {
    /// Where it goes.
    pub lane: Lane,
    /// Under which idempotency key.
    pub key: String,
    /// What is written.
    pub event: TapEvent,
    /// What is said, and what the brain is told.
    pub alerts: Vec<Alert>,
    rule_index: usize,
}

/// Sorts observations. Every one that is admitted ends sorted, unmatched or lost, once.
#[derive(Debug)]
pub struct Sorter {
    rules: Rules,
    per_second_max: u32,
    /// The second that is counted, and how many it had.
    second: (u64, u32),
    /// When each rule last had something said.
    said_at: Vec<Option<Duration>>,
    counts: Counts,
    lost_since: u64,
    /// Names this run, so that keys of two runs differ.
    run: String,
    keys: u64,
}

impl Sorter {
    /// A sorter for these rules. `run` differs in every run of the process.
    #[must_use]
    pub fn new(rules: Rules, per_second_max: u32, run: &str) -> Self {
        let said_at = vec![None; rules.len()];
        Self {
            rules,
            per_second_max,
            second: (0, 0),
            said_at,
            counts: Counts::default(),
            lost_since: 0,
            run: run.into(),
            keys: 0,
        }
    }

    /// Whether one more observation is looked at now. To be asked before the work of reading it;
    /// one that is not admitted is counted as lost.
    pub fn admit(&mut self, now: Duration) -> bool {
        self.counts.seen += 1;
        if self.second.0 != now.as_secs() {
            self.second = (now.as_secs(), 0);
        }
        let admitted = self.second.1 < self.per_second_max;
        if admitted {
            self.second.1 += 1;
        } else {
            self.lost(1);
        }
        admitted
    }

    /// Sorts an admitted observation. `None`: no rule wants it.
    pub fn handle(&mut self, now: Duration, seen: Observation) -> Option<Sorted> {
        let Some(verdict) = self.rules.sort(&seen) else {
            self.counts.unmatched += 1;
            return None;
        };
        let (index, rule, lane) = (verdict.index, verdict.rule.to_owned(), verdict.lane.clone());
        let say = verdict.say.filter(|(text, _)| !text.is_empty());
        let brain = verdict.brain;
        let every = say.as_ref().map(|(_, every)| *every).or(brain);
        let mut alerts = Vec::new();
        if every.is_some_and(|every| self.is_heard_of(now, index, every)) {
            let said = say.map(|(text, _)| text);
            let alert = |to, text| {
                let (rule, subject) = (rule.clone(), seen.subject.clone());
                Alert { to, rule, subject, text }
            };
            if brain.is_some() {
                let text = said.clone().unwrap_or_else(|| seen.text.clone());
                alerts.push(alert(Audience::Brain, text));
            }
            alerts.extend(said.map(|text| alert(Audience::Caller, text)));
        }
        self.counts.sorted += 1;
        self.keys += 1;
        let key = seen.key.unwrap_or_else(|| format!("tap-{}-{}", self.run, self.keys));
        let event = TapEvent {
            v: 1,
            at_unix_ms: seen.at_unix_ms,
            from: seen.origin,
            subject: seen.subject,
            text: seen.text,
            severity: seen.severity,
            rule,
            lost_before: std::mem::take(&mut self.lost_since),
        };
        Some(Sorted { lane, key, event, alerts, rule_index: index })
    }

    /// Whether it is long enough ago that somebody heard of what this rule finds.
    fn is_heard_of(&mut self, now: Duration, index: usize, every: Duration) -> bool {
        let again = self.said_at[index].is_none_or(|at| now.saturating_sub(at) >= every);
        if again {
            self.said_at[index] = Some(now);
            self.counts.said += 1;
        } else {
            self.counts.hushed += 1;
        }
        again
    }

    /// Nobody took `sorted`: it is lost, and the next one that is taken says so.
    pub fn bounced(&mut self, sorted: Sorted) {
        self.counts.sorted -= 1;
        self.lost_since += sorted.event.lost_before;
        if !sorted.alerts.is_empty() {
            self.counts.said -= 1;
            self.said_at[sorted.rule_index] = None;
        }
        self.lost(1);
    }

    /// An admitted observation turned out to be none.
    pub fn ignore(&mut self) {
        self.counts.unmatched += 1;
    }

    /// So many were lost before they came here.
    pub fn lost(&mut self, observations: u64) {
        self.counts.lost += observations;
        self.lost_since += observations;
    }

    /// What became of the observations so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tap::{Origin, RuleSpec};

    const SECOND: Duration = Duration::from_secs(1);

    fn sorter(per_second_max: u32) -> Sorter {
        let say = RuleSpec {
            name: "loud".into(),
            text: Some("fire".into()),
            say: Some("{text}!".into()),
            say_every_s: 60,
            ..RuleSpec::default()
        };
        let quiet =
            RuleSpec { name: "quiet".into(), text: Some("smoke".into()), ..RuleSpec::default() };
        Sorter::new(Rules::new(&[say, quiet]).unwrap(), per_second_max, "run")
    }

    fn seen(text: &str) -> Observation {
        Observation::new(Origin::Log, "/var/log/house", text, 7)
    }

    #[test]
    fn an_event_says_what_was_seen_where_and_by_which_rule() {
        let mut sorter = sorter(10);
        let sorted = sorter.handle(SECOND, seen("smoke in the kitchen")).unwrap();
        assert_eq!(
            (sorted.lane.to_string().as_str(), sorted.key.as_str()),
            ("os:quiet", "tap-run-1")
        );
        assert_eq!((sorted.event.rule.as_str(), sorted.event.at_unix_ms), ("quiet", 7));
        assert!(sorter.handle(SECOND, seen("steam")).is_none());
        assert_eq!(sorter.counts().unmatched, 1);
    }

    #[test]
    fn a_rule_speaks_once_in_its_time_however_often_it_matches() {
        let mut sorter = sorter(10);
        let mut speaks =
            |s: u32| !sorter.handle(SECOND * s, seen("fire")).unwrap().alerts.is_empty();
        assert_eq!([speaks(1), speaks(2), speaks(60), speaks(61)], [true, false, false, true]);
        assert_eq!((sorter.counts().said, sorter.counts().hushed), (2, 2));
    }

    #[test]
    fn the_brain_is_told_what_was_seen_or_what_is_said_of_it_and_as_rarely() {
        let told = RuleSpec { name: "told".into(), brain: true, ..RuleSpec::default() };
        let both = RuleSpec { say: Some("Mind {subject}.".into()), ..told.clone() };
        let heard = |rule: &RuleSpec| {
            let rules = Rules::new(std::slice::from_ref(rule)).unwrap();
            let mut sorter = Sorter::new(rules, 10, "run");
            let first = sorter.handle(SECOND, seen("smoke")).unwrap().alerts;
            assert_eq!(sorter.handle(SECOND * 2, seen("smoke")).unwrap().alerts, []);
            assert_eq!((sorter.counts().said, sorter.counts().hushed), (1, 1));
            first.into_iter().map(|alert| (alert.to, alert.text)).collect::<Vec<_>>()
        };
        assert_eq!(heard(&told), [(Audience::Brain, "smoke".into())]);
        let said = || "Mind /var/log/house.".to_owned();
        assert_eq!(heard(&both), [(Audience::Brain, said()), (Audience::Caller, said())]);
    }

    #[test]
    fn a_flood_is_cut_by_the_second_and_the_next_event_says_how_much_is_missing() {
        let mut sorter = sorter(3);
        let admitted = (0..10).filter(|_| sorter.admit(SECOND)).count();
        assert_eq!((admitted, sorter.counts().lost), (3, 7));
        assert!(sorter.admit(SECOND * 2), "the next second is another one");
        assert_eq!(sorter.handle(SECOND * 2, seen("smoke")).unwrap().event.lost_before, 7);
        assert_eq!(sorter.handle(SECOND * 2, seen("smoke")).unwrap().event.lost_before, 0);
    }

    #[test]
    fn what_nobody_took_may_be_said_the_next_time() {
        let mut sorter = sorter(10);
        let sorted = sorter.handle(SECOND, seen("fire")).unwrap();
        sorter.bounced(sorted);
        let next = sorter.handle(SECOND, seen("fire")).unwrap();
        assert!(next.alerts.len() == 1 && next.event.lost_before == 1);
    }

    proptest::proptest! {
        /// Every observation ends once, and what is missing is told in full by what gets through.
        #[test]
        fn nothing_is_lost_uncounted(steps in proptest::collection::vec((0_u64..4_000, 0_u8..3, proptest::bool::ANY), 1..200)) {
            let mut sorter = sorter(5);
            let (mut now, mut told, mut delivered) = (Duration::ZERO, 0, 0);
            for (ms, what, taken) in steps {
                now += Duration::from_millis(ms / 10);
                if !sorter.admit(now) {
                    continue;
                }
                let text = ["fire", "smoke", "steam"][usize::from(what)];
                let Some(sorted) = sorter.handle(now, seen(text)) else { continue };
                if taken {
                    told += sorted.event.lost_before;
                    delivered += 1;
                } else {
                    sorter.bounced(sorted);
                }
            }
            let counts = sorter.counts();
            assert_eq!(counts.seen, counts.sorted + counts.unmatched + counts.lost);
            assert_eq!(counts.sorted, delivered);
            assert_eq!(counts.lost, told + sorter.lost_since);
        }
    }
}
