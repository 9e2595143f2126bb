//! Our side of a room, and what is expected of the other.

use std::path::Path;
use std::sync::{Arc, Mutex};

use media_core::MonoTime;
use plugin_livekit::{
    ApiKey, Ending, IceServers, Joining, Room, RoomConfig, RoomEvent, Segment, Whose,
};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::server::{KEY, SECRET, Server};
use crate::ticking::{PATIENCE, RATE, Record, Script, Ticker, amplitude_at, config};
use crate::{OURS, THEIRS};

/// Our side of a room.
pub struct Us {
    pub room: Room,
    events: mpsc::Receiver<RoomEvent>,
    ticker: Ticker,
}

impl Us {
    pub fn join(url: &str) -> Self {
        let Joining { room, sink, events, .. } = Room::join(room_config(url)).unwrap();
        Self { room, events, ticker: Ticker::start(sink, ours) }
    }

    /// Starts another participant, told `who`.
    pub fn somebody(&self, server: &Server, who: Value) -> Script {
        let mut told = json!({ "url": server.url(), "key": KEY, "secret": SECRET, "room": "den" });
        told.as_object_mut().unwrap().extend(who.as_object().unwrap().clone());
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
        Script::start(&folder.join("tests/rooms/participant.py"), &told)
    }

    /// Waits for an event that `wanted` makes something of.
    pub async fn next<T>(&mut self, mut wanted: impl FnMut(RoomEvent) -> Option<T>) -> T {
        let found = async {
            loop {
                let event = self.events.recv().await.expect("the room goes on");
                let told = format!("{event:?}");
                assert!(!told.starts_with("Ended"), "{told}");
                if let Some(found) = wanted(event) {
                    return found;
                }
            }
        };
        tokio::time::timeout(PATIENCE, found).await.expect("the room is in time")
    }

    pub async fn connected(&mut self, as_new: bool) {
        let anew = self.next(|event| match event {
            RoomEvent::Connected { anew } => Some(anew),
            _ => None,
        });
        assert_eq!(anew.await, as_new);
    }

    /// The track of `identity`, and what we hear of it.
    pub async fn heard(&mut self, identity: &str) -> (String, Arc<Mutex<Record>>) {
        let heard = self.next(|event| match event {
            RoomEvent::Heard(heard) if heard.identity == identity => Some(heard),
            _ => None,
        });
        let heard = heard.await;
        (heard.track, self.ticker.hear(heard.source))
    }

    /// How long it took from mouth to ear. `starts`: when the other said something; `onsets`: when it
    /// heard something.
    pub fn print_delays(&self, starts: &[f64], onsets: &[f64], ears: &Mutex<Record>) {
        let seconds = |time: MonoTime| time.as_micros() as f64 / 1e6;
        let record = ears.lock().unwrap();
        let heard: Vec<f64> = record.onsets().into_iter().map(seconds).collect();
        let inwards = delay_ms(starts, &heard);
        let said: Vec<f64> = (0..60).map(|n| seconds(self.ticker.began) + f64::from(n)).collect();
        let outwards = delay_ms(&said, onsets);
        println!(
            "delay: their SDK to our tick {inwards:.0} ms (of it our jitter buffer {} ms), our tick to \
             their SDK {outwards:.0} ms",
            record.delay_ms
        );
        assert!(inwards < 1_000.0 && outwards < 1_000.0);
    }

    pub async fn leave(mut self) {
        self.room.leave().await;
        let mut last = None;
        while let Some(event) = self.events.recv().await {
            last = Some(event);
        }
        assert!(matches!(last, Some(RoomEvent::Ended(Ending::Left))), "{last:?}");
        self.ticker.stop();
    }
}

pub fn room_config(url: &str) -> RoomConfig {
    RoomConfig {
        url: url.to_owned(),
        api: ApiKey { key: KEY.to_owned(), secret: SECRET.to_owned() },
        room: "den".to_owned(),
        identity: "xenline".to_owned(),
        name: "Agent".to_owned(),
        peer: config(),
        ice_servers: IceServers::Ours,
        seed: 7,
    }
}

pub fn ours(sample: u64) -> i16 {
    let second = RATE as u64;
    let phase = sample as f64 * f64::from(OURS) * std::f64::consts::TAU / RATE;
    if sample % second < second / 2 { (phase.sin() * 8_000.0) as i16 } else { 0 }
}

pub fn segment(id: &str, text: &str, whose: Whose) -> Segment {
    Segment { id: id.to_owned(), text: text.to_owned(), is_final: true, whose }
}

/// The script's next event of that name.
pub async fn expect(script: &mut Script, name: &str) -> Value {
    loop {
        let event = script.hear().await;
        if event["event"] == name {
            return event;
        }
    }
}

/// That the other's tone is heard from now on.
pub async fn sounds(ears: &Mutex<Record>) {
    ears.lock().unwrap().forget();
    let heard = async {
        loop {
            tokio::time::sleep(std::time::Duration::from_millis(200)).await;
            let record = ears.lock().unwrap();
            if record.sound().len() > RATE as usize
                && amplitude_at(record.sound(), THEIRS.into()) > 2_000.0
            {
                return;
            }
        }
    };
    tokio::time::timeout(PATIENCE, heard).await.expect("the other can be heard");
}

/// No task of ours goes on. The last steps of a connection are the runtime's.
pub async fn nothing_is_left() {
    let tasks = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
    for _ in 0..200 {
        if tasks() == 0 {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(25)).await;
    }
    assert_eq!(tasks(), 0);
}

pub fn times(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().filter_map(Value::as_f64).collect()
}

/// The middle one of the times from something said to the first that is heard after it.
pub fn delay_ms(said: &[f64], heard: &[f64]) -> f64 {
    let before = |at: f64| said.iter().copied().filter(|&said| said <= at).fold(0.0, f64::max);
    let mut delays: Vec<f64> = heard.iter().map(|&at| (at - before(at)) * 1e3).collect();
    delays.sort_by(f64::total_cmp);
    delays.get(delays.len() / 2).copied().unwrap_or(f64::NAN)
}
