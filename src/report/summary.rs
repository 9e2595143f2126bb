//! A call in figures.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ends::CallStats;
use super::event::{ClaimSource, EndingKind};
use super::record::CallRecord;
use super::story::{Claim, Story, Turn};

/// What `summary.json` holds.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Summary {
    /// Something that the caller said was understood.
    pub heard: bool,
    /// Every turn was replied to, but for those that only interrupted.
    pub answered: bool,
    /// The caller cut a claim short.
    pub interrupted: bool,
    /// Each turn of the caller.
    pub turns: Vec<TurnSummary>,
    /// Median over the turns with a reply.
    pub reply_ms_p50: Option<f64>,
    /// 95th percentile over the turns with a reply (nearest rank).
    pub reply_ms_p95: Option<f64>,
    /// Median of each hop.
    pub hops_ms_p50: Option<Hops>,
    /// The hop with the largest share of all replies' time.
    pub largest_hop: Option<String>,
    /// That share, 0 to 1.
    pub largest_hop_share: f64,
    /// The longest that a revoked claim could still be heard.
    pub revoke_to_silence_ms_max: Option<f64>,
    /// From a first sound of the caller to the verdict on it, at the longest.
    pub decide_ms_max: Option<f64>,
    /// How often the caller cut a claim short.
    pub interruptions: usize,
    /// Utterances that nothing could be made of.
    pub not_understood: usize,
    /// How often the brain went away during the call.
    pub brain_losses: usize,
    /// Who called.
    pub caller: String,
    /// The codec, by its name in SDP.
    pub codec: String,
    /// From the answer to the end.
    pub duration_ms: f64,
    /// Who hung up; empty if the record does not say.
    pub hangup_by: String,
    /// Whether the record goes to the call's end.
    pub complete: bool,
    /// What the RTP layer counted.
    #[serde(flatten)]
    pub stats: CallStats,
    /// Each claim and its ending.
    pub claims: Vec<ClaimSummary>,
}

/// A turn of the caller and the reply to it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct TurnSummary {
    /// Number of the turn.
    pub turn: u64,
    /// What the caller said.
    pub text: String,
    /// Whether that interrupted the agent.
    pub barged_in: bool,
    /// End of the caller's speech.
    pub speech_end_ms: f64,
    /// From there to the first packet of the reply.
    pub reply_ms: Option<f64>,
    /// What was replied.
    pub reply_text: Option<String>,
    /// Who replied.
    pub reply_source: Option<ClaimSource>,
    /// Where the time went; the parts add up to `reply_ms`.
    pub hops: Option<Hops>,
}

/// Where a reply's time went, hop by hop.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Hops {
    /// Until the voice activity detector was sure of the silence.
    pub vad_off_ms: f64,
    /// The decode, as far as it ran between the detector's silence and the commitment.
    pub stt_ms: f64,
    /// What waiting for more words cost beyond that.
    pub endpoint_ms: f64,
    /// Until the brain's claim was accepted.
    pub brain_ms: f64,
    /// Until the claim was granted the floor.
    pub governor_ms: f64,
    /// Until the voice had its first audio.
    pub tts_ms: f64,
    /// Until the first packet left.
    pub playout_ms: f64,
}

/// A claim and what became of it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ClaimSummary {
    /// The claim's id.
    pub claim: String,
    /// Who wanted to speak.
    pub source: ClaimSource,
    /// The turn that it answered.
    pub turn: Option<u64>,
    /// What it wanted to say.
    pub text: String,
    /// How it ended; `None` if the record does not say.
    pub ending: Option<EndingKind>,
    /// The words that were heard of it.
    pub heard_text: String,
}

impl Hops {
    /// Names and durations, in the order of time.
    #[must_use]
    pub fn parts(&self) -> [(&'static str, f64); 7] {
        [
            ("VAD off", self.vad_off_ms),
            ("STT", self.stt_ms),
            ("endpoint", self.endpoint_ms),
            ("brain", self.brain_ms),
            ("governor", self.governor_ms),
            ("TTS", self.tts_ms),
            ("playout", self.playout_ms),
        ]
    }

    fn from_parts(parts: [f64; 7]) -> Self {
        let [vad_off_ms, stt_ms, endpoint_ms, brain_ms, governor_ms, tts_ms, playout_ms] = parts;
        Self { vad_off_ms, stt_ms, endpoint_ms, brain_ms, governor_ms, tts_ms, playout_ms }
    }

    /// The way of one reply. A moment that was not recorded, or that lies before the hop ahead of
    /// it, costs nothing: the parts add up to the whole in any case.
    fn of(turn: &Turn, reply: &Claim) -> Option<Self> {
        let first_sample = reply.first_sample_ms?;
        let times = &turn.times;
        let mut at = times.speech_end_ms;
        let mut step = |to: f64| {
            let to = to.clamp(at, first_sample.max(at));
            let part = to - at;
            at = to;
            part
        };
        let vad_off = step(times.vad_off_ms);
        let hearing = step(times.endpoint_ms);
        let decode_from = times.decode_start_ms.max(times.vad_off_ms);
        let stt = (times.decode_end_ms - decode_from).clamp(0.0, hearing);
        let brain = step(reply.accepted_ms);
        let governor = step(reply.granted_ms.unwrap_or(reply.accepted_ms));
        let tts = step(reply.first_synth_ms.unwrap_or(f64::NEG_INFINITY));
        let playout = step(first_sample);
        Some(Self::from_parts([vad_off, stt, hearing - stt, brain, governor, tts, playout]))
    }
}

impl Summary {
    /// Sums up a call.
    #[must_use]
    pub fn of(record: &CallRecord) -> Self {
        Self::of_story(record, &Story::of(record))
    }

    pub(crate) fn of_story(record: &CallRecord, story: &Story) -> Self {
        let turns: Vec<TurnSummary> =
            story.turns.iter().map(|turn| TurnSummary::of(turn, &story.claims)).collect();
        let replies: Vec<f64> = turns.iter().filter_map(|turn| turn.reply_ms).collect();
        let hops: Vec<Hops> = turns.iter().filter_map(|turn| turn.hops).collect();
        let interruptions = count(&story.claims, EndingKind::Interrupted);
        let largest = largest_hop(&hops);
        let closed = record.closed.clone().unwrap_or_default();
        Self {
            heard: !turns.is_empty(),
            answered: !replies.is_empty()
                && turns.iter().all(|turn| turn.reply_ms.is_some() || turn.barged_in),
            interrupted: interruptions > 0,
            reply_ms_p50: percentile(&replies, 50.0),
            reply_ms_p95: percentile(&replies, 95.0),
            hops_ms_p50: median_hops(&hops),
            largest_hop: largest.map(|(hop, _)| hop.to_owned()),
            largest_hop_share: largest.map_or(0.0, |(_, share)| share),
            revoke_to_silence_ms_max: max(story.claims.iter().filter_map(|c| c.silenced_after_ms)),
            decide_ms_max: max(story.overlaps.iter().map(|o| o.span.to_ms - o.span.from_ms)),
            interruptions,
            not_understood: story.not_understood,
            brain_losses: story.brain_losses,
            caller: record.opened.caller.clone(),
            codec: record.opened.codec.clone(),
            duration_ms: story.end_ms,
            hangup_by: closed.hangup_by,
            complete: record.closed.is_some(),
            stats: closed.stats,
            claims: story.claims.iter().map(ClaimSummary::of).collect(),
            turns,
        }
    }
}

impl TurnSummary {
    fn of(turn: &Turn, claims: &[Claim]) -> Self {
        let reply = turn.reply.map(|index| &claims[index]);
        let speech_end_ms = turn.times.speech_end_ms;
        let first_sample_ms = reply.and_then(|reply| reply.first_sample_ms);
        Self {
            turn: turn.turn,
            text: turn.text.clone(),
            barged_in: turn.barged_in,
            speech_end_ms,
            reply_ms: first_sample_ms.map(|first| (first - speech_end_ms).max(0.0)),
            reply_text: reply.map(|reply| reply.text.clone()),
            reply_source: reply.map(|reply| reply.source),
            hops: reply.and_then(|reply| Hops::of(turn, reply)),
        }
    }
}

impl ClaimSummary {
    fn of(claim: &Claim) -> Self {
        Self {
            claim: claim.id.clone(),
            source: claim.source,
            turn: claim.turn,
            text: claim.text.clone(),
            ending: claim.ending,
            heard_text: claim.heard_text.clone(),
        }
    }
}

fn count(claims: &[Claim], ending: EndingKind) -> usize {
    claims.iter().filter(|claim| claim.ending == Some(ending)).count()
}

fn max(values: impl Iterator<Item = f64>) -> Option<f64> {
    values.max_by(f64::total_cmp)
}

/// The nearest-rank percentile: always a value that was measured.
fn percentile(values: &[f64], percent: f64) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let rank = (percent / 100.0 * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).copied()
}

fn median_hops(hops: &[Hops]) -> Option<Hops> {
    let median = |part: usize| {
        percentile(&hops.iter().map(|hops| hops.parts()[part].1).collect::<Vec<_>>(), 50.0)
    };
    (!hops.is_empty())
        .then(|| Hops::from_parts(std::array::from_fn(|part| median(part).unwrap_or_default())))
}

/// The hop that took the most of all replies, and its share.
fn largest_hop(hops: &[Hops]) -> Option<(&'static str, f64)> {
    let total = |part: usize| hops.iter().map(|hops| hops.parts()[part].1).sum::<f64>();
    let names = hops.first()?.parts().map(|(name, _)| name);
    let all: f64 = (0..names.len()).map(total).sum();
    let largest = (0..names.len()).max_by(|a, b| total(*a).total_cmp(&total(*b)))?;
    Some((names[largest], total(largest) / all.max(f64::MIN_POSITIVE)))
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    #[test]
    fn the_hops_of_a_reply_add_up_to_it() {
        let summary = Summary::of(&sample::record());
        let mut replied = 0;
        for turn in summary.turns {
            let (Some(reply_ms), Some(hops)) = (turn.reply_ms, turn.hops) else { continue };
            let sum: f64 = hops.parts().iter().map(|(_, ms)| ms).sum();
            assert!((sum - reply_ms).abs() < 1e-6, "{}: {sum} of {reply_ms}", turn.text);
            replied += 1;
        }
        assert!(replied >= 3);
    }

    #[test]
    fn the_scripted_call_was_heard_answered_and_interrupted() {
        let summary = Summary::of(&sample::record());
        assert!(summary.heard && summary.answered && summary.interrupted && summary.complete);
        assert_eq!(summary.revoke_to_silence_ms_max, Some(14.2));
        assert_eq!(summary.largest_hop.as_deref(), Some("VAD off"));
    }

    #[test]
    fn a_turn_without_a_reply_is_not_an_answered_call() {
        let mut record = sample::record();
        record.events.retain(|event| {
            !matches!(&event.what, super::super::CallEvent::FirstSample { claim } if claim == "a-1")
        });
        let summary = Summary::of(&record);
        assert!(summary.heard && !summary.answered);
        assert_eq!(summary.turns[0].reply_ms, None);
    }

    #[test]
    fn a_percentile_is_a_value_that_was_measured() {
        let values = [50.0, 10.0, 40.0, 20.0, 30.0];
        assert_eq!(percentile(&values, 50.0), Some(30.0));
        assert_eq!(percentile(&values, 95.0), Some(50.0));
        assert_eq!(percentile(&values[..1], 5.0), Some(50.0));
        assert_eq!(percentile(&[], 50.0), None);
    }

    #[test]
    fn a_moment_out_of_order_costs_nothing_and_breaks_nothing() {
        let turn = Turn {
            turn: 1,
            text: String::new(),
            speaker: None,
            barged_in: false,
            times: times(),
            reply: Some(0),
        };
        let story = Story::of(&sample::record());
        let reply = Claim {
            accepted_ms: 150.0,
            granted_ms: None,
            first_synth_ms: Some(900.0),
            first_sample_ms: Some(500.0),
            ..story.claims[0].clone()
        };
        let hops = Hops::of(&turn, &reply).unwrap();
        let sum: f64 = hops.parts().iter().map(|(_, ms)| ms).sum();
        assert!((sum - 400.0).abs() < 1e-9 && hops.parts().iter().all(|(_, ms)| *ms >= 0.0));
    }

    fn times() -> super::super::TurnTimes {
        super::super::TurnTimes {
            speech_start_ms: 0.0,
            speech_end_ms: 100.0,
            vad_off_ms: 280.0,
            decode_start_ms: 90.0,
            decode_end_ms: 300.0,
            endpoint_ms: 360.0,
        }
    }
}
