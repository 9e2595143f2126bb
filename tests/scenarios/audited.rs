//! Which tests show which part of the contract: each invariant and each ending, with the tests
//! that fail when it does not hold. `scripts/mutants.sh` shows that they do, for a broken line of
//! each invariant. A test that is renamed or goes away is missed here.

use std::path::Path;

const GOVERNOR: &str = "queue-governor/governor/tests";
const ENGINE: &str = "media/engine/tests";
const HOUSE: &str = "tests";

/// A test: the folder and the file in it, without its ending, and its name.
type Shown = (&'static str, &'static str, &'static str);

const INVARIANTS: [(&str, &[Shown]); 11] = [
    (
        "1 one voice",
        &[
            (
                GOVERNOR,
                "contract/properties",
                "whatever_happens_one_voice_one_ending_and_the_caller_wins",
            ),
            (
                GOVERNOR,
                "contract/reference_model/mod",
                "the_governor_decides_as_the_reference_model",
            ),
            (GOVERNOR, "explore/worlds", "three_sources_share_the_floor"),
            (HOUSE, "e2e/one_voice", "many_speakers_at_once_are_heard_one_after_the_other"),
            (HOUSE, "crash/wire", "in_a_flood_of_claims_one_tone_is_heard_at_a_time"),
        ],
    ),
    (
        "2 silence on revoke",
        &[
            (
                ENGINE,
                "floor",
                "after_a_revoke_at_most_the_frame_on_the_wire_is_heard_in_a_thousand_interruptions",
            ),
            (ENGINE, "floor", "a_grant_that_takes_the_floor_silences_the_claim_before_it"),
            (GOVERNOR, "contract/interruption", "barge_in_silences_the_worker_within_one_ptime"),
            (HOUSE, "crash/wire", "in_a_flood_of_claims_one_tone_is_heard_at_a_time"),
        ],
    ),
    (
        "3 exactly one ending",
        &[
            (
                GOVERNOR,
                "contract/properties",
                "whatever_happens_one_voice_one_ending_and_the_caller_wins",
            ),
            (
                GOVERNOR,
                "contract/settling",
                "all_claims_end_when_the_line_closes_and_none_is_taken_afterwards",
            ),
            (
                GOVERNOR,
                "contract/settling",
                "what_must_be_delivered_or_answers_no_turn_is_never_stale",
            ),
            (GOVERNOR, "explore/worlds", "final_counts_get_lost"),
            (HOUSE, "scenarios/conversation", "when_the_call_ends_every_claim_has_ended"),
        ],
    ),
    (
        "4 never twice",
        &[
            (GOVERNOR, "contract/never_twice", "one_turn_gets_one_answer_even_from_racing_minds"),
            (GOVERNOR, "contract/journal", "what_was_said_before_the_crash_is_not_said_after_it"),
            (
                GOVERNOR,
                "contract/checkpoint",
                "two_producers_that_react_to_one_trigger_send_one_message",
            ),
            (
                GOVERNOR,
                "contract/checkpoint/crash",
                "after_a_crash_between_any_two_outputs_no_message_is_lost_and_none_leaves_twice",
            ),
            (GOVERNOR, "explore/worlds", "producers_race_with_the_same_words"),
            (
                HOUSE,
                "crash",
                "a_line_that_is_killed_again_and_again_says_and_sends_each_thing_once",
            ),
        ],
    ),
    (
        "5 never lost",
        &[
            (
                GOVERNOR,
                "contract/journal",
                "a_claim_is_journalled_before_it_is_acknowledged_and_before_it_is_granted",
            ),
            (
                GOVERNOR,
                "contract/crash",
                "after_a_crash_between_any_two_outputs_nothing_is_lost_and_nothing_is_said_twice",
            ),
            (
                GOVERNOR,
                "contract/journal",
                "what_was_cut_by_the_crash_goes_on_with_the_first_word_that_was_not_heard",
            ),
            (
                GOVERNOR,
                "explore/worlds/kills",
                "the_process_is_killed_while_claims_wait_and_are_heard",
            ),
            (
                GOVERNOR,
                "explore/worlds/kills",
                "the_process_is_killed_while_one_caller_follows_another",
            ),
            (
                HOUSE,
                "crash",
                "a_line_that_is_killed_again_and_again_says_and_sends_each_thing_once",
            ),
        ],
    ),
    (
        "6 the ack never waits on the hands",
        &[
            (
                GOVERNOR,
                "contract/precedence",
                "an_answer_takes_the_floor_from_a_worker_at_the_end_of_its_clause",
            ),
            (
                GOVERNOR,
                "contract/precedence",
                "an_answer_waits_no_longer_than_400_ms_for_a_worker_that_never_pauses",
            ),
            (
                GOVERNOR,
                "contract/precedence",
                "an_aged_worker_still_lets_an_answer_through_within_400_ms_of_speech",
            ),
            (
                HOUSE,
                "scenarios/conversation",
                "the_acknowledgement_goes_before_the_report_and_both_are_heard",
            ),
        ],
    ),
    (
        "7 workers never starve",
        &[
            (GOVERNOR, "contract/precedence", "with_the_responder_idle_a_worker_is_heard_at_once"),
            (GOVERNOR, "contract/precedence", "workers_never_starve_under_constant_answers"),
            (GOVERNOR, "explore/worlds", "answers_without_end_do_not_starve_a_report"),
        ],
    ),
    (
        "8 no dead air",
        &[
            (GOVERNOR, "contract/stall", "a_voice_that_hangs_is_filled_then_revoked_then_replaced"),
            (GOVERNOR, "contract/stall", "dead_air_never_lasts_longer_than_the_stall_limit"),
            (GOVERNOR, "explore/worlds", "the_voice_hangs_and_fails"),
            (ENGINE, "speech", "a_failing_voice_says_so_and_what_was_made_is_heard"),
        ],
    ),
    (
        "9 the caller wins",
        &[
            (GOVERNOR, "contract/interruption", "the_brain_learns_the_exact_words_that_were_heard"),
            (GOVERNOR, "contract/interruption", "a_second_segment_of_speech_is_not_swallowed"),
            (
                GOVERNOR,
                "contract/interruption",
                "the_uninterruptible_goes_on_and_may_begin_while_the_caller_speaks",
            ),
            (GOVERNOR, "explore/worlds", "the_caller_interrupts"),
            (
                HOUSE,
                "e2e/interruption",
                "a_caller_who_says_stop_hears_silence_and_the_line_knows_what_was_heard",
            ),
        ],
    ),
    (
        "10 the operator wins over all",
        &[
            (GOVERNOR, "contract/operator", "taking_the_floor_silences_the_agent_within_one_ptime"),
            (GOVERNOR, "contract/operator", "handing_back_restores_the_state"),
            (
                GOVERNOR,
                "contract/operator",
                "the_brain_is_told_who_has_the_floor_and_what_the_operator_said",
            ),
            (GOVERNOR, "explore/worlds", "the_operator_takes_the_floor_and_hands_it_back"),
            (HOUSE, "e2e/say_queue", "a_pause_holds_other_programs_and_the_operator_speaks_alone"),
        ],
    ),
    (
        "11 bounded",
        &[
            (
                GOVERNOR,
                "contract/bounds",
                "a_flood_from_outside_leaves_room_for_answers_and_alerts",
            ),
            (GOVERNOR, "contract/checkpoint", "a_full_checkpoint_refuses_and_loses_nothing"),
            (GOVERNOR, "rate", "ten_thousand_claims_a_second_are_decided_on_within_a_packet_time"),
            (HOUSE, "crash/wire", "in_a_flood_of_claims_one_tone_is_heard_at_a_time"),
        ],
    ),
];

const ENDINGS: [(&str, Shown); 9] = [
    ("spoken", (GOVERNOR, "contract/settling", "what_was_all_sent_when_the_revoke_came_is_spoken")),
    (
        "interrupted",
        (GOVERNOR, "contract/interruption", "barge_in_silences_the_worker_within_one_ptime"),
    ),
    (
        "superseded",
        (GOVERNOR, "contract/settling", "a_successor_takes_the_place_of_a_waiting_claim"),
    ),
    (
        "stale",
        (GOVERNOR, "contract/settling", "an_answer_to_an_older_turn_is_stale_wherever_it_is"),
    ),
    (
        "expired",
        (GOVERNOR, "contract/settling", "a_claim_expires_exactly_when_its_time_to_live_is_over"),
    ),
    (
        "duplicate",
        (GOVERNOR, "contract/never_twice", "a_second_answer_with_the_same_words_is_a_duplicate"),
    ),
    ("withdrawn", (GOVERNOR, "contract/settling", "a_claim_can_be_withdrawn_waiting_or_speaking")),
    (
        "refused",
        (GOVERNOR, "contract/bounds", "bad_names_and_empty_or_endless_contents_are_refused"),
    ),
    ("failed", (GOVERNOR, "contract/stall", "a_claim_that_no_voice_can_say_ends_failed")),
];

#[test]
fn every_promise_and_every_ending_is_shown_by_tests_that_exist() {
    let invariants = INVARIANTS.iter().flat_map(|(what, shown)| {
        assert!(!shown.is_empty(), "nothing shows {what}");
        shown.iter().map(move |shown| (*what, *shown))
    });
    let missing: Vec<String> = invariants
        .chain(ENDINGS)
        .filter(|(_, shown)| !is_there(*shown))
        .map(|(what, (folder, file, name))| {
            format!("{what}: {folder}/{file}.rs has no test {name}")
        })
        .collect();
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

fn is_there((folder, file, name): Shown) -> bool {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let file = root.join(folder).join(file).with_extension("rs");
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let definition = format!("fn {name}(");
    let before = text.split_once(&definition).map(|(before, _)| before);
    // Its attributes lie between it and whatever stands before.
    before.and_then(|before| before.rsplit("}\n").next()).is_some_and(|own| own.contains("#[test]"))
}
