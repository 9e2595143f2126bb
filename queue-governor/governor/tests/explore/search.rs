//! Every state of a world, breadth first; and the shortest way to a broken promise.

use std::collections::{HashMap, VecDeque};
use std::time::Instant;

use crate::digest::digest;
use crate::promises::Broken;
use crate::state::{Action, Run, State};
use crate::worlds::World;

/// A state that was reached: from which, and by what.
struct Reached {
    from: u32,
    by: Option<Action>,
    /// The state that it becomes by time alone.
    later: u32,
    /// Nothing is alive in it, or may wait for as long as the operator likes.
    settled: bool,
}

struct Search<'a> {
    world: &'a World,
    reached: Vec<Reached>,
    names: HashMap<u128, u32>,
    open: VecDeque<(u32, State)>,
    text: String,
}

/// A bound for worlds that turn out larger than meant, so that a test run ends. About a minute.
fn states_max() -> usize {
    std::env::var("EXPLORE_STATES").ok().and_then(|max| max.parse().ok()).unwrap_or(200_000)
}

/// Visits every state of `world`. Returns how many there are.
///
/// # Panics
/// With the shortest trace, if a promise is broken anywhere.
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
    println!("explored {}: {states} states, {steps} steps, {extent}, in {took:.1?}", world.name);
    states
}

impl Search<'_> {
    fn run(&mut self) -> usize {
        let mut steps = 0;
        self.reach(State::new(self.world), 0, None);
        while let Some((number, state)) = self.open.pop_front() {
            if self.reached.len() >= states_max() {
                break;
            }
            for action in state.actions(self.world) {
                steps += 1;
                let mut next = state.clone();
                if let Err(broken) = next.act(self.world, action, &mut Run::default()) {
                    self.fail(number, action, &broken);
                }
                let next = self.reach(next, number, Some(action));
                if action == Action::Tick {
                    self.reached[number as usize].later = next;
                }
            }
        }
        steps
    }

    /// The number of a state, which is new or was reached before.
    fn reach(&mut self, state: State, from: u32, by: Option<Action>) -> u32 {
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
            let broken = Broken("a claim waits for ever if only time passes".to_owned());
            self.fail(stuck as u32, Action::Tick, &broken);
        }
    }

    fn fail(&self, mut at: u32, last: Action, broken: &Broken) -> ! {
        let mut actions = vec![last];
        while let Some(by) = self.reached[at as usize].by {
            actions.push(by);
            at = self.reached[at as usize].from;
        }
        actions.reverse();
        panic!("{}: {}\n{}", self.world.name, broken.0, trace(self.world, &actions));
    }
}

fn trace(world: &World, actions: &[Action]) -> String {
    let mut state = State::new(world);
    let start = state.now;
    let mut lines = Vec::new();
    for action in actions {
        let mut run = Run::logged();
        lines.push(format!("{:>6} ms  {action:?}", state.now.since(start).as_millis()));
        let _ = state.act(world, *action, &mut run);
        lines.extend(run.into_log().iter().map(|line| format!("             {line}")));
    }
    lines.join("\n")
}
