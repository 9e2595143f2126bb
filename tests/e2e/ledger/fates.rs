//! What happens to sayings, and how the line's own account shows that it did.

use media_core::Codec;
use xenline::report::{CallEvent, EndingKind};

/// What happens to a saying.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Fate {
    /// The brain takes it back.
    Withdrawn,
    /// The caller interrupts it.
    Interrupted,
    /// The caller says "uh-huh", it pauses and goes on; then the brain takes it back.
    Paused,
    /// An alert has the floor for a moment, it goes on; then the brain takes it back.
    Preempted,
    /// The operator has the floor for a moment, it goes on; then the brain takes it back.
    TakenOver,
    /// The operator takes the floor, and the caller hangs up.
    TakenOverForGood,
    /// The caller hangs up.
    HungUp,
    /// The brain says something else in its place.
    Superseded,
}

pub const FATES: [Fate; 8] = [
    Fate::Withdrawn,
    Fate::Interrupted,
    Fate::Paused,
    Fate::Preempted,
    Fate::TakenOver,
    Fate::TakenOverForGood,
    Fate::HungUp,
    Fate::Superseded,
];

pub const PAUSED: &str = "caller may be speaking";
pub const RESUMED: &str = "it was not speech";
pub const GOES_ON: &str = "goes on";

impl Fate {
    /// That of the call with this number, and in which codec the call is: one in eight is wide, by
    /// turns one that the operator takes over and one that the caller, too, speaks into.
    pub fn of_call(nth: usize) -> (Self, Codec) {
        let fate = FATES[nth % FATES.len()];
        let wide =
            if (nth / FATES.len()).is_multiple_of(2) { Fate::TakenOver } else { Fate::Interrupted };
        (fate, if fate == wide { Codec::G722 } else { Codec::Pcmu })
    }

    /// The ending of a saying that it happened to.
    fn ending(self) -> EndingKind {
        match self {
            Fate::Withdrawn | Fate::Paused | Fate::Preempted | Fate::TakenOver => {
                EndingKind::Withdrawn
            }
            Fate::Interrupted => EndingKind::Interrupted,
            Fate::TakenOverForGood | Fate::HungUp => EndingKind::Failed,
            Fate::Superseded => EndingKind::Superseded,
        }
    }

    /// Why the floor changes hands or state then, in order.
    fn floor(self) -> &'static [&'static str] {
        match self {
            Fate::Withdrawn => &["withdrawn"],
            Fate::Interrupted => &["caller speaks"],
            Fate::Paused => &[PAUSED, RESUMED, "withdrawn"],
            Fate::Preempted => &["preempted", GOES_ON, "withdrawn"],
            Fate::TakenOver => {
                &["operator takes over", "operator hands back", GOES_ON, "withdrawn"]
            }
            Fate::TakenOverForGood => &["operator takes over"],
            Fate::HungUp => &["call over"],
            Fate::Superseded => &["superseded"],
        }
    }

    /// Whether it happened to `saying`, by the events of its call.
    pub fn happened(self, saying: &str, events: &[CallEvent]) -> bool {
        let mut expected = self.floor().iter().peekable();
        for event in events {
            match event {
                CallEvent::Floor { why, .. } => {
                    expected.next_if(|expected| *expected == why);
                }
                CallEvent::ClaimEnded { claim, ending, .. } if claim == saying => {
                    return *ending == self.ending() && expected.peek().is_none();
                }
                _ => {}
            }
        }
        false
    }
}

#[test]
fn a_fate_has_happened_if_the_floor_went_its_way_before_the_ending() {
    let floor = |why: &str| CallEvent::Floor {
        holder: None,
        source: None,
        why: why.to_owned(),
        generation: None,
    };
    let ended = CallEvent::ClaimEnded {
        claim: "saying".into(),
        ending: EndingKind::Withdrawn,
        reason: None,
        heard_text: String::new(),
    };
    let all = [floor(PAUSED), floor(RESUMED), floor("withdrawn"), ended];
    assert!(Fate::Paused.happened("saying", &all));
    assert!(Fate::Withdrawn.happened("saying", &all));
    assert!(!Fate::Paused.happened("another", &all));
    assert!(!Fate::Paused.happened("saying", &all[1..]), "it did not pause");
    assert!(!Fate::Interrupted.happened("saying", &all), "it ended otherwise");
}
