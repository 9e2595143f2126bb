//! The names that rooms have for things.

use std::collections::HashMap;

use super::{AgentState, Segment, Whose};

/// What shows that we do `state`.
pub(super) fn of_state(state: AgentState) -> HashMap<String, String> {
    let state = match state {
        AgentState::Initializing => "initializing",
        AgentState::Idle => "idle",
        AgentState::Listening => "listening",
        AgentState::Thinking => "thinking",
        AgentState::Speaking => "speaking",
    };
    HashMap::from([("lk.agent.state".to_owned(), state.to_owned())])
}

/// What is said about a transcript. `ours`: our track.
pub(super) fn of_segment(segment: &Segment, ours: &str) -> HashMap<String, String> {
    let track = match &segment.whose {
        Whose::Ours => ours,
        Whose::Theirs { track, .. } => track,
    };
    HashMap::from([
        ("lk.segment_id".to_owned(), segment.id.clone()),
        ("lk.transcribed_track_id".to_owned(), track.to_owned()),
        ("lk.transcription_final".to_owned(), segment.is_final.to_string()),
    ])
}
