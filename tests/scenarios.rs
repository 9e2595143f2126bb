//! Whole conversations in virtual time: the wiring of a line with a mouth that is not there, so
//! that minutes on the phone are milliseconds of a test.
//!
//! What people complain about when they use voice agents, and the tests that show what happens here:
//! in virtual time, and with real sockets or sound. (Which show the governor's promises is in
//! `scenarios/audited.rs`.)
//!
//! | complaint | here | with real sockets or sound |
//! | --- | --- | --- |
//! | the reply after a tool call says again what the answer said | `the_reply_after_a_tool_call_is_not_spoken_after_the_answer_that_had_it`, `an_answer_that_is_superseded_is_not_spoken_after_the_one_that_replaced_it` | `the_same_answer_is_not_heard_twice` |
//! | the agent begins although the caller has begun | `an_answer_that_is_ready_when_the_caller_begins_is_not_begun` | `nobody_is_talked_over` |
//! | speech made for a cut answer plays after the cut | `speech_of_a_revoked_answer_that_comes_late_changes_nothing` | `a_caller_who_says_stop_hears_silence_and_the_line_knows_what_was_heard` |
//! | an interruption drops one of several sayings | `a_barge_in_settles_every_queued_saying_of_the_turn` | `an_interruption_ends_all_that_was_queued_and_not_only_what_was_playing` |
//! | it talks on after the interruption | `not_one_packet_leaves_after_the_onset_that_becomes_speech` | `after_a_revoke_at_most_the_frame_on_the_wire_is_heard_in_a_thousand_interruptions` |
//! | the reply cuts a filler in mid-word | `a_reply_takes_the_floor_from_a_report_at_the_end_of_its_clause` | – |
//! | it takes its own echo for the caller | `its_own_echo_neither_stops_the_agent_nor_becomes_a_turn` | `its_own_echo_does_not_interrupt_it`, `our_own_echo_is_never_speech` |
//! | an interruption between two pieces of speech is lost | `an_interruption_between_two_sayings_stops_the_second`, `a_cough_before_the_interruption_does_not_swallow_it` | – |
//! | after a false alarm speech is lost or starts over | `after_a_noise_it_goes_on_at_the_sample` | `mm_hm_takes_nothing_away_from_what_is_being_said` |
//! | the history is not what was heard; cut speech is forgotten | `the_brain_is_told_the_very_words_that_were_heard_and_no_more`, `what_was_cut_and_is_to_be_resumed_goes_on_with_the_first_word_that_was_not_heard` | `what_was_cut_off_goes_on_where_it_was_cut_and_nothing_of_it_is_lost` |
//! | the first words are lost | `what_the_caller_says_before_there_is_a_brain_is_not_lost`, `what_the_caller_says_before_the_call_is_acknowledged_reaches_the_brain` | `neither_sides_first_words_are_clipped`, `what_is_said_before_the_line_opens_is_not_lost` |
//! | a tool call never ends | `a_tool_call_that_never_comes_back_holds_nothing_up` | `a_tool_that_never_comes_back_does_not_take_the_line_with_it`, `commands_end_done_failed_timed_out_or_cancelled` |
//! | mm-hm stops it | `mm_hm_during_every_sentence_stops_none_of_them` | `mm_hm_takes_nothing_away_from_what_is_being_said` |
//! | it believes that it speaks, and is silent | `a_voice_that_makes_no_sound_holds_nobody_up_for_ever`, `while_the_brain_is_away_the_line_says_so_once_and_keeps_what_the_caller_says` | `who_speaks_into_the_silence_of_a_dead_brain_is_told_to_wait` |
//! | a late answer to what nobody asks any more | `an_answer_is_not_spoken_after_the_topic_has_moved` | `what_nobody_asks_any_more_is_not_answered` |
//! | it grows deaf, dumb or slow with time | `after_an_hour_it_answers_as_in_the_first_minute` | – |
//! | calls that never end | `a_caller_who_vanished_is_hung_up_while_the_agent_speaks`, `a_caller_who_vanished_is_hung_up_whatever_else_is_stuck` | `a_caller_who_vanishes_is_no_call_for_ever`, `a_hundred_callers_that_vanish_are_hung_up_and_leave_nothing` |
//! | hold answered in the wrong direction | – | `hold_is_answered_recvonly_and_resume_sendrecv`, `a_hold_is_answered_with_its_counterpart_and_sound_goes_only_where_it_is_due` |
//! | a pause in the sound ends the call | – | `fifty_packets_a_second_leave_a_silent_line` |
//! | sound one way, or none | – | `a_phone_behind_another_port_is_learnt_and_then_kept`, `a_stranger_is_not_heard_not_answered_and_counted` |
//! | each call leaves something behind | – | `conversations_leave_no_file_no_thread_and_no_memory`, `who_leaves_ends_every_call_at_once_each_with_its_record_and_a_word_to_its_peer` |
//! | one call more spoils them all (bounded by `[sip] channels` and by measured load) | – | `one_call_more_than_channels_is_busy_and_a_channel_that_frees_is_used_again`, `lines_that_speak_at_once_are_decoded_side_by_side_without_loss` |
//! | over the telephone everything takes twice as long | – | `an_invite_gets_100_and_180_at_once_and_200_when_the_line_answers`, `an_answer_begins_within_600_ms_of_the_question_and_hardly_ever_after_900` |
//! | a session timer that nobody refreshes, or one side alone, ends the call | – | `a_session_of_90_seconds_that_the_peer_refreshes_lives_for_half_an_hour`, `a_session_of_90_seconds_that_we_refresh_lives_for_half_an_hour` |
//! | dropped after 32 seconds | – | `the_200_is_repeated_until_its_ack_comes`, `the_double_record_route_is_echoed_and_the_bye_follows_it` |

use std::path::{Path, PathBuf};

#[path = "scenarios/audited.rs"]
mod audited;
#[path = "scenarios/brain_away.rs"]
mod brain_away;
#[path = "scenarios/company.rs"]
mod company;
#[path = "scenarios/complaints.rs"]
mod complaints;
#[path = "scenarios/conversation.rs"]
mod conversation;
#[path = "scenarios/operator.rs"]
mod operator;
#[path = "scenarios/stuck.rs"]
mod stuck;
#[path = "scenarios/world.rs"]
mod world;

/// Where the tests of the table live.
const PLACES: [&str; 5] = ["tests", "sip-bridge", "media", "agent", "queue-governor"];

#[test]
fn every_test_of_the_table_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut sources = String::new();
    for place in PLACES {
        read_all(&root.join(place), &mut sources);
    }
    let rows = include_str!("scenarios.rs").lines().filter(|line| line.starts_with("//! | "));
    let named = rows.flat_map(|row| row.split('`').skip(1).step_by(2));
    let tests: Vec<&str> = named.filter(|name| name.contains('_')).collect();
    let gone = |name: &&&str| !sources.contains(&format!("fn {name}("));
    let gone: Vec<_> = tests.iter().filter(gone).collect();
    assert!(
        tests.len() > 40 && gone.is_empty(),
        "of {} tests no longer there: {gone:?}",
        tests.len()
    );
}

fn read_all(dir: &Path, sources: &mut String) {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    for path in entries.map(|entry| entry.path()) {
        if path.is_dir() && !is_built(&path) {
            read_all(&path, sources);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            sources.push_str(&std::fs::read_to_string(&path).expect("a source file is text"));
        }
    }
}

fn is_built(dir: &Path) -> bool {
    dir.file_name().map(PathBuf::from) == Some(PathBuf::from("target"))
}
