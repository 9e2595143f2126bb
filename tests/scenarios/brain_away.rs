use brain_protocol::{BrainMessage, LineMessage, Position, Source, TurnId};

use crate::world::{LINE, World};

fn done(world: &mut World, turn: u64) {
    let position = world.told.iter().find_map(|message| match message {
        LineMessage::CallerTurn { turn: told, position, .. } if told.0 == turn => Some(*position),
        _ => None,
    });
    let position: Position = position.expect("that turn was told");
    let line = brain_protocol::LineId(LINE);
    world.brain(BrainMessage::TurnDone { line, turn: TurnId(turn), position });
}

fn sayings(world: &World, text: &str) -> usize {
    let said = |event: &&xenline::report::CallEvent| matches!(event, xenline::report::CallEvent::ClaimAccepted { text: said, .. } if said == text);
    world.recorded.iter().filter(said).count()
}

#[test]
fn while_the_brain_is_away_the_line_says_so_once_and_keeps_what_the_caller_says() {
    let mut world = World::answered_without_a_brain();
    world.run(3_000);
    world.caller_says("what time is it");
    world.run(1_000);
    world.caller_says("are you there");
    world.run(1_000);
    assert_eq!(sayings(&world, "One moment please."), 1);
    world.conversation.brain_up(world.now, Some(7));
    world.settle();
    let turns: Vec<_> = world.turns_told().into_iter().map(|(text, _)| text).collect();
    assert_eq!(turns, ["what time is it", "are you there"]);
    assert!(matches!(
        world.told.first(),
        Some(LineMessage::LineOpened { resumed: false, backlog: 2, .. })
    ));
}

#[test]
fn a_new_brain_gets_what_the_dead_one_did_not_finish() {
    let mut world = World::answered();
    world.caller_says("what time is it");
    done(&mut world, 1);
    world.caller_says("run the backup");
    world.conversation.brain_down(world.now, "killed");
    world.run(500);
    world.told.clear();
    world.conversation.brain_up(world.now, Some(8));
    world.settle();
    assert!(matches!(world.told.first(), Some(LineMessage::LineOpened { resumed: true, .. })));
    assert_eq!(world.turns_told(), [("run the backup".to_owned(), true)]);
}

#[test]
fn what_the_dead_brain_began_to_say_is_said_to_its_end() {
    let mut world = World::answered();
    let claim = world.brain_says(Source::Responder, None, "It is ten past nine in the evening.");
    world.run(500);
    assert!(world.is_speaking());
    world.conversation.brain_down(world.now, "killed");
    world.run(4_000);
    assert_eq!(world.ending_of(&claim).map(|e| e.0).as_deref(), Some("spoken"));
}
