//! The real brain behind the door: everything that is written is acknowledged and answered once,
//! also in a burst, also when the brain is killed in the middle of it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use brain_protocol::BrainMessage;
use brain_supervisor::{Supervisor, SupervisorConfig, SupervisorEvent, SupervisorHandle};
use lane_broker::Lane;
use serde_json::json;
use xenline::text::{TextHandle, TypedNews, Written};

use crate::door::{House, wait_until};

#[test]
fn a_hundred_at_once_on_each_of_three_lanes_are_acknowledged_and_answered_once() {
    let house = Answering::start();
    let began = Instant::now();
    let ids = house.burst(100);
    let answers = house.answers(ids.len());
    println!("300 messages over HTTP and back in {:?}", began.elapsed());
    assert_answered_once(&ids, &answers);
    house.wait_until_acknowledged();
}

#[test]
fn a_brain_that_is_killed_in_the_middle_leaves_nothing_unanswered_and_answers_nothing_twice() {
    let house = Answering::start();
    let ids = house.burst(100);
    house.answers(20);
    house.kill_brain();
    let more = house.burst(10);
    let ids: Vec<_> = ids.into_iter().chain(more).collect();
    house.wait_until_acknowledged();
    let answers = house.answers(ids.len());
    assert_answered_once(&ids, &answers);
}

#[test]
fn who_types_and_waits_is_told_the_answer() {
    let house = Answering::start();
    let (tell, told) = mpsc::channel();
    let tell = Mutex::new(tell);
    let written = Written { text: "what time is it".into(), from: "console".into() };
    let report = Box::new(move |news| drop(tell.lock().unwrap().send(news)));
    house.text.typed(written, true, report);
    let news: Vec<TypedNews> = told.iter().collect();
    let [TypedNews::Kept(id), TypedNews::Answer(answer)] = news.as_slice() else {
        panic!("{news:?}")
    };
    assert_eq!(id, "typed:main/1");
    assert!(answer.starts_with("It is "), "{answer}");
}

fn assert_answered_once(ids: &[String], answers: &[String]) {
    let mut times: BTreeMap<&str, usize> = ids.iter().map(|id| (id.as_str(), 0)).collect();
    for trigger in answers {
        *times.get_mut(trigger.as_str()).unwrap_or_else(|| panic!("{trigger} was not posted")) += 1;
    }
    let wrong: Vec<_> = times.iter().filter(|(_, times)| **times != 1).collect();
    assert!(wrong.is_empty(), "not answered exactly once: {wrong:?}");
}

const LANES: [&str; 3] = ["typed", "sms", "in"];

/// A door with the real brain behind it, under its supervisor.
struct Answering {
    house: House,
    text: TextHandle,
    brain: SupervisorHandle,
    pid: Arc<Mutex<u32>>,
    runtime: Option<tokio::runtime::Runtime>,
    _directory: tempfile::TempDir,
}

impl Answering {
    fn start() -> Self {
        let directory = tempfile::tempdir().expect("a folder");
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("a runtime");
        let command = vec![brain().display().to_string()];
        let mut config = SupervisorConfig::new(command, directory.path().join("brain"));
        // Generous where this machine may be busy with other things.
        config.timing.hello_within = Duration::from_secs(20);
        config.timing.silence_limit = Duration::from_secs(20);
        let (brain, mut events) =
            runtime.block_on(async { Supervisor::start(config) }).expect("a socket");
        let sends = brain.clone();
        let to_brain = Arc::new(move |message: &_| sends.send(message));
        // The short messages of this test are answered in the lane, too: the gateway is not its matter.
        let house = House::around(to_brain, Some(crate::gateway::gateway()), |_| {});
        let (text, pid) = (house.text.clone(), Arc::new(Mutex::new(0)));
        let (desk, process) = (text.clone(), Arc::clone(&pid));
        runtime.spawn(async move {
            while let Some(event) = events.recv().await {
                match event {
                    SupervisorEvent::Up { pid, version, .. } => {
                        *process.lock().unwrap() = pid;
                        desk.brain_up(version);
                    }
                    SupervisorEvent::Down { .. } => desk.brain_down(),
                    SupervisorEvent::Message(
                        message @ (BrainMessage::Send(_) | BrainMessage::TextDone { .. }),
                    ) => desk.brain(message),
                    SupervisorEvent::Message(_) => {}
                }
            }
        });
        Self { house, text, brain, pid, runtime: Some(runtime), _directory: directory }
    }

    /// Posts `each` messages on each lane, from a few writers, and returns their ids. Who is told to
    /// come again does.
    fn burst(&self, each: usize) -> Vec<String> {
        let post = |lane: &str, n: usize| {
            let from = format!("+4930{}", n % 5);
            let body = json!({"text": "how much disk space is left", "from": from});
            wait_until("a message to be taken", || {
                let answer = self.house.post(&format!("/lanes/{lane}"), &body);
                if answer.status == 429 {
                    let wait = answer.header("retry-after").and_then(|it| it.parse().ok());
                    std::thread::sleep(Duration::from_secs(wait.expect("when to come again")));
                    return None;
                }
                assert_eq!(answer.status, 201, "{}", answer.body);
                Some(answer.json()["id"].as_str().expect("an id").to_owned())
            })
        };
        std::thread::scope(|scope| {
            let threads = LANES.map(|lane| {
                scope.spawn(move || (0..each).map(|n| post(lane, n)).collect::<Vec<_>>())
            });
            threads.into_iter().flat_map(|thread| thread.join().expect("posted")).collect()
        })
    }

    /// The triggers of everything that has left, once there are `count`.
    fn answers(&self, count: usize) -> Vec<String> {
        let lane = Lane::new(lane_broker::Tag::xen_out(), "main").expect("a lane");
        wait_until(&format!("{count} answers"), || {
            let left = self.house.store.read(&lane, lane_broker::Position::START, 10_000).ok()?;
            let trigger = |entry: &lane_broker::Entry| {
                let left: serde_json::Value = serde_json::from_slice(&entry.body).ok()?;
                Some(left["trigger"].as_str()?.to_owned())
            };
            let triggers: Vec<_> = left.iter().filter_map(trigger).collect();
            (triggers.len() >= count).then_some(triggers)
        })
    }

    fn wait_until_acknowledged(&self) {
        for lane in LANES {
            let tag = self.text.tags().parse(lane).expect("a tag");
            let lane = Lane::new(tag, "main").expect("a lane");
            wait_until("every message to be acknowledged", || {
                let info = self.house.store.lanes().ok()?;
                let info = info.into_iter().find(|info| info.lane == lane)?;
                let pending = self.house.store.pending(&lane, "brain").ok()?;
                let taken = info.groups.iter().all(|group| group.taken == info.last);
                (pending.is_empty() && taken).then_some(())
            });
        }
    }

    fn kill_brain(&self) {
        let pid = wait_until("the brain", || Some(*self.pid.lock().unwrap()).filter(|it| *it > 0));
        let pid = i32::try_from(pid).expect("a pid");
        // SAFETY: sends a signal to one process that this test started.
        unsafe { libc::kill(pid, libc::SIGKILL) };
    }
}

impl std::ops::Drop for Answering {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.block_on(self.brain.shutdown());
            runtime.shutdown_background();
        }
    }
}

fn brain() -> PathBuf {
    let beside = PathBuf::from(env!("CARGO_BIN_EXE_xenline")).with_file_name("xenline-brain");
    assert!(
        beside.is_file(),
        "{} is missing: build the whole workspace (`cargo test --workspace`), or `cargo build -p xenline-brain`",
        beside.display()
    );
    beside
}
