use proptest::prelude::*;

use super::*;

const HOUR: Duration = Duration::from_secs(3600);

struct World {
    lifecycle: Lifecycle,
    now: Instant,
}

impl World {
    fn new() -> Self {
        // The one look at a clock: an origin, since an `Instant` cannot be made from nothing.
        let now = Instant::now();
        Self { lifecycle: Lifecycle::new(now, Timing::default()), now }
    }

    fn up() -> Self {
        let mut world = Self::new();
        world.bring_up();
        world
    }

    fn bring_up(&mut self) {
        let due = self.lifecycle.next_timeout().expect("a start is due");
        self.now = self.now.max(due);
        assert_eq!(self.feed(Input::Timeout), [Action::Spawn]);
        assert_eq!(self.feed(Input::Spawned { pid: 7 }), []);
        let up = self.feed(hello(VERSION));
        assert!(matches!(up.as_slice(), [Action::Up { pid: 7, .. }]));
    }

    fn feed(&mut self, input: Input) -> Vec<Action> {
        self.lifecycle.handle(self.now, input);
        std::iter::from_fn(|| self.lifecycle.poll_action()).collect()
    }

    fn pass_to_timeout(&mut self) -> Vec<Action> {
        self.now = self.lifecycle.next_timeout().expect("something is due");
        self.feed(Input::Timeout)
    }
}

fn hello(version: Version) -> Input {
    Input::Hello { name: "test".into(), version }
}

fn downs(actions: &[Action]) -> Vec<(&str, Duration)> {
    let down = actions.iter().filter_map(|action| match action {
        Action::Down { reason, retry_in } => Some((reason.as_str(), *retry_in)),
        _ => None,
    });
    down.collect()
}

#[test]
fn a_brain_that_dies_is_started_again_after_a_moment() {
    let mut world = World::up();
    let actions = world.feed(Input::Exited("was ended by signal 9".into()));
    assert_eq!(downs(&actions), [("was ended by signal 9", Duration::from_millis(100))]);
    assert_eq!(actions[0], Action::Disconnect, "nothing of a lost brain comes after its Down");
    world.bring_up();
}

#[test]
fn the_exit_status_is_waited_for_when_the_socket_closes_first() {
    let mut world = World::up();
    assert_eq!(downs(&world.feed(Input::Disconnected)), []);
    let actions = world.feed(Input::Exited("exited with status 3".into()));
    assert_eq!(downs(&actions)[0].0, "exited with status 3");
}

#[test]
fn a_brain_that_closes_its_socket_and_stays_is_killed() {
    let mut world = World::up();
    world.feed(Input::Disconnected);
    let actions = world.pass_to_timeout();
    assert!(actions.contains(&Action::Kill));
    assert_eq!(downs(&actions)[0].0, "closed its connection");
    assert_eq!(world.feed(Input::Exited("was ended by signal 9".into())), []);
    world.bring_up();
}

#[test]
fn a_brain_that_says_no_hello_is_killed() {
    let mut world = World::new();
    world.pass_to_timeout();
    world.feed(Input::Spawned { pid: 7 });
    let actions = world.pass_to_timeout();
    assert!(actions.contains(&Action::Kill));
    assert_eq!(downs(&actions)[0].0, "said no hello within 5s");
}

#[test]
fn a_brain_of_another_major_version_is_refused_with_the_next_step() {
    let mut world = World::new();
    world.pass_to_timeout();
    world.feed(Input::Spawned { pid: 7 });
    let actions = world.feed(hello(Version { major: VERSION.major + 1, minor: 0 }));
    assert!(downs(&actions)[0].0.contains("install the brain that belongs to this line"));
}

#[test]
fn a_brain_that_answers_its_pings_lives_on() {
    let mut world = World::up();
    for seq in 1..=1000 {
        assert_eq!(world.pass_to_timeout(), [Action::Ping(seq)]);
        assert_eq!(world.feed(Input::Pong(seq)), []);
    }
}

#[test]
fn a_brain_that_hangs_is_killed_within_the_limit_and_an_old_answer_does_not_save_it() {
    let mut world = World::up();
    world.pass_to_timeout();
    world.feed(Input::Pong(1));
    let before = world.now;
    world.pass_to_timeout();
    world.feed(Input::Pong(1));
    let actions = world.pass_to_timeout();
    assert!(actions.contains(&Action::Kill));
    let timing = Timing::default();
    assert_eq!(world.now - before, timing.ping_every + timing.silence_limit);
}

#[test]
fn the_wait_doubles_up_to_a_cap_and_a_steady_brain_resets_it() {
    let mut world = World::new();
    let mut delays = Vec::new();
    for _ in 0..9 {
        world.pass_to_timeout();
        let actions = world.feed(Input::SpawnFailed("no such file".into()));
        delays.push(downs(&actions)[0].1.as_millis());
    }
    assert_eq!(delays, [100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000]);

    world.bring_up();
    let quick = world.feed(Input::Exited("exited with status 1".into()));
    assert_eq!(downs(&quick)[0].1.as_millis(), 10_000, "one that dies at once is not healthy");
    world.bring_up();
    world.now += HOUR;
    let late = world.feed(Input::Exited("exited with status 1".into()));
    assert_eq!(downs(&late)[0].1.as_millis(), 100);
}

#[test]
fn a_stop_asks_first_and_kills_then_and_nobody_is_told_of_a_loss() {
    let mut world = World::up();
    assert_eq!(world.feed(Input::Stop), [Action::AskToEnd]);
    let actions = world.pass_to_timeout();
    assert_eq!(actions, [Action::Disconnect, Action::Kill]);
    let actions = world.feed(Input::Exited("was ended by signal 9".into()));
    assert_eq!(actions.last(), Some(&Action::Finished));
    assert_eq!(world.lifecycle.next_timeout(), None);
}

#[test]
fn a_stop_while_waiting_is_at_once() {
    let mut world = World::new();
    world.pass_to_timeout();
    world.feed(Input::SpawnFailed("no such file".into()));
    assert_eq!(world.feed(Input::Stop).last(), Some(&Action::Finished));
}

#[derive(Clone, Debug)]
enum Step {
    Feed(Input),
    Time(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let input = prop_oneof![
        Just(Input::Timeout),
        Just(Input::Spawned { pid: 7 }),
        Just(Input::SpawnFailed("no".into())),
        Just(Input::Exited("ended".into())),
        Just(hello(VERSION)),
        Just(hello(Version { major: 9, minor: 9 })),
        (0u64..4).prop_map(Input::Pong),
        Just(Input::Broken("garbage".into())),
        Just(Input::Disconnected),
        Just(Input::Stop),
    ];
    prop_oneof![input.prop_map(Step::Feed), (0u64..8000).prop_map(Step::Time)]
}

proptest! {
    /// The world's side of the contract is kept: at most one process, exits only of one that runs.
    #[test]
    fn whatever_happens_there_is_one_brain_at_most_and_up_and_down_alternate(
        steps in prop::collection::vec(step(), 0..80)
    ) {
        let mut world = World::new();
        let (mut wanted, mut running, mut up, mut finished, mut told) = (false, false, false, false, false);
        for step in steps {
            let actions = match step {
                Step::Time(ms) => {
                    world.now += Duration::from_millis(ms);
                    world.feed(Input::Timeout)
                }
                Step::Feed(Input::Spawned { .. } | Input::SpawnFailed(_)) if !wanted => continue,
                Step::Feed(Input::Exited(_)) if !running => continue,
                Step::Feed(input) => {
                    if matches!(input, Input::Spawned { .. }) {
                        (wanted, running) = (false, true);
                    }
                    if matches!(input, Input::SpawnFailed(_)) {
                        wanted = false;
                    }
                    if matches!(input, Input::Exited(_)) {
                        running = false;
                    }
                    world.feed(input)
                }
            };
            for action in actions {
                prop_assert!(!finished, "nothing follows Finished");
                match action {
                    Action::Spawn => {
                        prop_assert!(!wanted && !running, "a second brain");
                        wanted = true;
                        told = false;
                    }
                    Action::Up { .. } => {
                        prop_assert!(!up && running);
                        up = true;
                    }
                    Action::Down { .. } => {
                        prop_assert!(!told, "one Down per start");
                        told = true;
                        up = false;
                    }
                    Action::Finished => {
                        prop_assert!(!running && !wanted, "a process is left behind");
                        finished = true;
                    }
                    Action::Ping(_) => prop_assert!(up),
                    Action::AskToEnd | Action::Disconnect | Action::Kill => {}
                }
            }
            // Never stuck: something is due, or an answer is owed to us.
            prop_assert!(finished || wanted || running || world.lifecycle.next_timeout().is_some());
        }
    }
}
