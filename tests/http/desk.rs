//! A desk that does nothing and answers as the line's would.

use std::sync::{Arc, Mutex};

use tokio::sync::mpsc;
use xenline::control::server::Asked;
use xenline::control::{
    ClaimState, LineDetails, ProcessStatus, QueuedClaim, Reply, Request, RoomStatus,
};
use xenline::report::CallStats;

/// What it was asked.
#[derive(Clone, Default)]
pub struct Desk {
    asked: Arc<Mutex<Vec<Request>>>,
    /// Claims that it was told to take back.
    withdrawn: Arc<Mutex<Vec<String>>>,
}

impl Desk {
    pub fn serve(runtime: &tokio::runtime::Runtime, mut inbox: mpsc::Receiver<Asked>) -> Self {
        let desk = Self::default();
        let theirs = desk.clone();
        runtime.spawn(async move {
            while let Some(Asked { request, replies, .. }) = inbox.recv().await {
                for reply in theirs.answers(&request) {
                    let _ = replies.send(reply).await;
                }
                theirs.asked.lock().expect("no panic").push(request);
            }
        });
        desk
    }

    /// The requests since the last time.
    pub fn take(&self) -> Vec<Request> {
        std::mem::take(&mut self.asked.lock().expect("no panic"))
    }

    /// Whether it was asked this, ever.
    pub fn was_asked(&self, request: &Request) -> bool {
        self.asked.lock().expect("no panic").contains(request)
    }

    fn answers(&self, request: &Request) -> Vec<Reply> {
        let done = |message: &str| vec![Reply::Done { message: message.to_owned() }];
        let claim = || "say-1".to_owned();
        match request {
            Request::Status => vec![status()],
            Request::Lines { line: Some(9) } | Request::HangUp { line: 9 } => {
                vec![Reply::refused("line 9 is not open")]
            }
            Request::Lines { .. } => vec![Reply::Lines { lines: vec![line()] }],
            Request::Dial { .. } => {
                vec![Reply::Calling { state: "calling".into() }, done("the call is up").remove(0)]
            }
            Request::Say(wish) if wish.text == "too much" => {
                let message = "64 are waiting to be said already".to_owned();
                vec![Reply::Refused { message, again_in_ms: Some(1_000) }]
            }
            Request::Say(wish) => {
                let accepted = Reply::Accepted { line: Some(1), claim: claim() };
                let ended = wish.wait.then(|| Reply::Ended {
                    line: Some(1),
                    claim: claim(),
                    ending: "spoken".into(),
                    reason: None,
                    heard: wish.text.clone(),
                });
                std::iter::once(accepted).chain(ended).collect()
            }
            Request::OperatorSay { .. } => {
                vec![Reply::Accepted { line: Some(1), claim: "operator-1".into() }]
            }
            Request::Type { wait, .. } => {
                let answered = Reply::Answered { text: Some("four".into()) };
                let kept = Reply::Kept { id: "typed:main/1".into() };
                std::iter::once(kept).chain(wait.then_some(answered)).collect()
            }
            Request::QueueWithdraw { claim } => {
                self.withdrawn.lock().expect("no panic").push(claim.clone());
                done("withdrawn")
            }
            Request::QueueShow { claim } if claim != "say-1" => {
                vec![Reply::refused(format!("no claim {claim:?}"))]
            }
            Request::QueueList | Request::QueueShow { .. } => {
                let withdrawn = self.withdrawn.lock().expect("no panic").contains(&claim());
                let claims = if withdrawn { Vec::new() } else { vec![queued()] };
                vec![Reply::Queue { claims, paused: false, journal: None }]
            }
            Request::RoomList => {
                let room = RoomStatus { room: "den".into(), people: 2, line: Some(1) };
                vec![Reply::Rooms { rooms: vec![room] }]
            }
            _ => done("done"),
        }
    }
}

fn status() -> Reply {
    Reply::Status {
        calls: Vec::new(),
        brain_up: true,
        process: Box::new(ProcessStatus { agent: true, ..ProcessStatus::default() }),
        tick_late_us_p999: 120,
        tick_late_us_max: 900,
        ticks_skipped: 0,
        queued: 1,
        paused: false,
        journal: None,
        tap: None,
    }
}

fn line() -> LineDetails {
    LineDetails {
        line: 1,
        trunk: "carrier".into(),
        caller: "sip:+4922155501@carrier.example".into(),
        called: "+4930123456".into(),
        outbound: false,
        established: true,
        seconds: 61,
        stats: Some(CallStats {
            rtp_sent: 3_000,
            rtp_received: 2_990,
            rtp_lost: 10,
            jitter_ms: 2.4,
            playout_delay_ms: 40.0,
            mos_estimated: 4.2,
            peer_mos: None,
        }),
    }
}

fn queued() -> QueuedClaim {
    QueuedClaim {
        claim: "say-1".into(),
        source: "external".into(),
        text: "The backup is done.".into(),
        state: ClaimState::Waiting,
        age_s: 12,
        expires_in_s: Some(48),
        must_deliver: true,
        to: None,
    }
}
