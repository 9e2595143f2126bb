use brain_protocol::VERSION;
use lane_broker::{LaneStore, Tags};

use super::*;
use crate::text::absent::Absent;
use crate::text::handle::Names;
use crate::text::message::{MAIN, main_lane};

/// A thread that goes round when it is told to, with a brain that listens.
fn thread(store: &Arc<Absent>, to_brain: ToBrain) -> Thread {
    let lanes = Lanes {
        store: store.clone(),
        tags: Arc::new(Tags::default()),
        names: Arc::new(Names::new(1)),
        posts: watch::channel(0).0,
        forgotten: Arc::default(),
    };
    let answered = [lanes.tags.parse(TYPED).expect("a tag")];
    let clock = Clock::start();
    let brain = BrainState { lives: 1, speaks: Some(VERSION) };
    let outbox = Outbox::recover(lanes.clone(), Vec::new(), false, clock.now()).expect("a name");
    Thread::new(Rooms {
        inbox: Inbox::new(store.clone(), &answered),
        main: Lane::new(lane_broker::Tag::xen_out(), MAIN).expect("a name"),
        outbox,
        sms: None,
        brain: watch::channel(brain).1,
        to_brain,
        clock,
        lanes,
    })
}

/// The brain answers the message at this place of the lane that is typed in, and has dealt with it.
fn answer(thread: &mut Thread, position: u64) {
    let id = brain_protocol::MessageId::new(format!("m-{position}")).expect("a name");
    let (to, text) = ("ann", format!("answer {position}"));
    let send = brain_protocol::Send {
        trigger: Some(format!("typed:main/{position}")),
        ..brain_protocol::Send::new(id, brain_protocol::Channel::Chat, to, text)
    };
    thread.take(Input::Brain(BrainMessage::Send(send)));
    thread.turn();
    let (lane, position) = ("typed:main".into(), brain_protocol::Position(position));
    thread.take(Input::Brain(BrainMessage::TextDone { lane, position }));
    thread.turn();
}

#[test]
fn what_the_brain_answers_while_the_journal_is_away_leaves_once_when_it_is_back() {
    let store = Arc::new(Absent::default());
    let told: Arc<std::sync::Mutex<Vec<LineMessage>>> = Arc::default();
    let hears = Arc::clone(&told);
    let mut thread = thread(
        &store,
        Arc::new(move |message| {
            hears.lock().expect("whole").push(message.clone());
            Ok(())
        }),
    );
    for n in 1..=3 {
        let written = Written { text: format!("question {n}"), from: "ann".into() };
        thread.rooms.lanes.post(TYPED, None, &written).expect("kept");
    }
    thread.turn();
    store.go_away();
    (1..=3).for_each(|position| answer(&mut thread, position));
    store.come_back();
    thread.turn();
    let texts = |lane| {
        let entries = store.read(lane, Position::START, 10).expect("a store");
        let left = entries.iter().filter_map(|it| serde_json::from_slice::<Left>(&it.body).ok());
        left.map(|it| it.text).collect::<Vec<_>>()
    };
    assert_eq!(texts(&thread.rooms.main), ["answer 1", "answer 2", "answer 3"]);
    let typed = main_lane(lane_broker::Tags::default().parse(TYPED).expect("a tag"));
    let pending = store.pending(&typed.expect("a lane"), "brain").expect("a group");
    assert!(pending.is_empty(), "each was dealt with: {pending:?}");
    let told = told.lock().expect("whole");
    let endings = told.iter().filter_map(|message| match message {
        LineMessage::MessageEnded { ending, .. } => Some(*ending),
        _ => None,
    });
    assert!(endings.eq([MessageEnding::Sent; 3]));
}

#[test]
fn a_message_whose_answer_is_not_kept_yet_goes_to_the_next_brain_when_the_line_dies() {
    let store = Arc::new(Absent::default());
    let mut before = thread(&store, Arc::new(|_| Ok(())));
    let written = Written { text: "question".into(), from: "ann".into() };
    before.rooms.lanes.post(TYPED, None, &written).expect("kept");
    before.turn();
    store.refuse_to_write();
    answer(&mut before, 1);
    drop(before);
    let typed = main_lane(lane_broker::Tags::default().parse(TYPED).expect("a tag"));
    let pending = store.pending(&typed.expect("a lane"), "brain").expect("a group");
    assert_eq!(pending.len(), 1, "nobody has its answer");
}
