//! Every state of a world, breadth first; and the shortest way to a broken promise.

use std::collections::{HashMap, VecDeque};
use std::io::Write;
use std::time::Instant;

use crate::digest::digest;
use crate::state::State;
use crate::step::{Action, Run, Step};
use crate::words::Halt;
use crate::worlds::{World, deep};

/// A state that was reached: from which, and by what.
struct Reached {
    from: u32,
    by: Option<Step>,
    /// The state that it becomes by time alone.
    later: u32,
    /// Nothing is alive in it, or may wait for as long as the operator likes.
    settled: bool,
}

/// Only time passes.
const LATER: Step = Step { action: Action::Tick, killed_after: None };

struct Search<'a> {
    world: &'a World,
    reached: Vec<Reached>,
    names: HashMap<u128, u32>,
    open: VecDeque<(u32, State)>,
    text: String,
}

/// A bound for worlds that turn out larger than meant, so that a test run ends. About a minute.
const STATES_MAX: usize = 400_000;

/// Another bound, for who wants only the states near the start, or all of a large world's.
fn bound_asked_for() -> Option<usize> {
    std::env::var("EXPLORE_STATES").ok()?.parse().ok()
}

/// A line of the report, past the capture of the test harness: how much was explored is to be
/// seen wherever the tests run.
fn report(text: &str) {
    // Nobody reading is no failure.
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Visits every state of `world`. Returns how many there are.
///
/// # Panics
/// With the shortest trace, if a promise is broken anywhere. Also if the world is larger than
/// [`STATES_MAX`], unless that was to be expected: in part is not what its test says.
pub fn explore(world: &World) -> usize {
    #[expect(clippy::disallowed_methods, reason = "only the figure that is printed")]
    let began = Instant::now();
    let mut search = Search {
        world,
        reached: Vec::new(),
        names: HashMap::new(),
        open: VecDeque::new(),
        text: String::new(),
    };
    let steps = search.run();
    let whole = search.open.is_empty();
    if whole {
        search.nobody_waits_for_ever();
    }
    let states = search.reached.len();
    let extent = if whole { "whole" } else { "in part" };
    let took = began.elapsed();
    report(&format!(
        "explored {}: {states} states, {steps} steps, {extent}, in {took:.1?}",
        world.name
    ));
    let in_part_will_do = deep() || bound_asked_for().is_some();
    assert!(whole || in_part_will_do, "{} has more than {STATES_MAX} states", world.name);
    states
}

impl Search<'_> {
    fn run(&mut self) -> usize {
        let (mut steps, most) = (0, bound_asked_for().unwrap_or(STATES_MAX));
        self.reach(State::new(self.world), 0, None);
        while let Some((number, state)) = self.open.pop_front() {
            if self.reached.len() >= most {
                break;
            }
            for action in state.actions(self.world) {
                let step = Step { action, killed_after: None };
                let outputs = self.step(number, &state, step);
                steps += 1;
                let kills = if state.may_be_killed() { outputs + 1 } else { 0 };
                for outputs in 0..kills {
                    self.step(number, &state, Step { action, killed_after: Some(outputs) });
                    steps += 1;
                }
            }
        }
        steps
    }

    /// Takes a step from the state of this number. Gives the count of its outputs.
    fn step(&mut self, from: u32, state: &State, step: Step) -> u8 {
        let mut next = state.clone();
        let outputs = match next.take(self.world, step, &mut Run::default()) {
            Ok(outputs) => outputs,
            Err(halt) => self.fail(from, step, &halt),
        };
        let next = self.reach(next, from, Some(step));
        if step == LATER {
            self.reached[from as usize].later = next;
        }
        outputs
    }

    /// The number of a state, which is new or was reached before.
    fn reach(&mut self, state: State, from: u32, by: Option<Step>) -> u32 {
        let name = digest(&state, state.now, state.newest, &mut self.text);
        let number = self.reached.len() as u32;
        if let Some(known) = self.names.get(&name) {
            return *known;
        }
        self.names.insert(name, number);
        let settled = state.is_over() || state.may_wait_for_ever();
        self.reached.push(Reached { from, by, later: number, settled });
        self.open.push_back((number, state));
        number
    }

    /// From each state, if only time passes, a state is reached in which nothing is left.
    fn nobody_waits_for_ever(&self) {
        let count = self.reached.len();
        // What leads to a settled state, backwards along time.
        let mut before: Vec<Vec<u32>> = vec![Vec::new(); count];
        for (number, reached) in self.reached.iter().enumerate() {
            before[reached.later as usize].push(number as u32);
        }
        let mut good: Vec<bool> = self.reached.iter().map(|it| it.settled).collect();
        let mut todo: Vec<u32> = (0..count as u32).filter(|n| good[*n as usize]).collect();
        while let Some(number) = todo.pop() {
            for earlier in &before[number as usize] {
                if !std::mem::replace(&mut good[*earlier as usize], true) {
                    todo.push(*earlier);
                }
            }
        }
        if let Some(stuck) = good.iter().position(|good| !good) {
            let how = "a claim waits for ever if only time passes".to_owned();
            self.fail(stuck as u32, LATER, &Halt::Broken(how));
        }
    }

    fn fail(&self, mut at: u32, last: Step, halt: &Halt) -> ! {
        let mut steps = vec![last];
        while let Some(by) = self.reached[at as usize].by {
            steps.push(by);
            at = self.reached[at as usize].from;
        }
        steps.reverse();
        panic!("{}: {halt:?}\n{}", self.world.name, trace(self.world, &steps));
    }
}

fn trace(world: &World, steps: &[Step]) -> String {
    let mut state = State::new(world);
    let start = state.now;
    let mut lines = Vec::new();
    for step in steps {
        let mut run = Run::logged();
        lines.push(format!("{:>6} ms  {step:?}", state.now.since(start).as_millis()));
        let _ = state.take(world, *step, &mut run);
        lines.extend(run.into_log().iter().map(|line| format!("             {line}")));
    }
    lines.join("\n")
}
