//! Consoles that sit at a line: they ask by the socket, and their sound comes as RTP over this
//! machine's loopback.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use media_core::LineId;
use media_engine::Carrier;
use tokio::sync::{mpsc, oneshot};

use super::Desk;
use super::asked::send;
use crate::control::{Reply, SeatPart, attach_media};
use crate::house::doors::{
    Destination, DoorKind, Entry, Knock, NotEntered, OperatorPart, Part, SeatEvent, SeatHand,
    Seated,
};

/// Whose words the operator's are in the transcript.
const LABEL: &str = "operator";

/// By line and leg: the hands of those who sit.
#[derive(Clone, Debug, Default)]
pub(super) struct Consoles(Arc<Mutex<BTreeMap<(u64, u64), SeatHand>>>);

impl Consoles {
    fn hands(&self) -> MutexGuard<'_, BTreeMap<(u64, u64), SeatHand>> {
        // A map is whole between two calls.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Desk {
    /// Answered when the console sits; then what happens to the seat follows, until one side leaves.
    pub(super) fn attach(
        &mut self,
        line: u64,
        part: SeatPart,
        rtp: SocketAddr,
        replies: &mpsc::Sender<Reply>,
    ) {
        if !rtp.ip().is_loopback() {
            let message = format!(
                "{rtp} is not on this machine; a console's sound is not protected, so it stays here"
            );
            return send(replies, Reply::refused(message));
        }
        let port = match self.media.reserve_port() {
            Ok(port) => port,
            Err(error) => return send(replies, Reply::refused(error.to_string())),
        };
        let ours = reachable(port.local_addr());
        let entry = Entry {
            door: DoorKind::Console,
            label: LABEL.to_owned(),
            to: Destination::Line(LineId(line)),
            part: Part::Operator(operator(part)),
            carrier: Carrier::Rtp { port, media: attach_media(rtp) },
        };
        let (answer, told) = oneshot::channel();
        self.knock(Knock { entry, answer });
        tokio::spawn(hold(told, ours, replies.clone(), self.consoles.clone()));
    }

    pub(super) fn take_part(&self, line: u64, leg: u64, part: SeatPart) -> Reply {
        match self.consoles.hands().get(&(line, leg)) {
            Some(hand) => {
                hand.set_part(operator(part));
                let message = match part {
                    SeatPart::Listen => {
                        format!("line {line}: you listen, and the floor is the agent's")
                    }
                    SeatPart::Whisper => format!("line {line}: only the agent hears you"),
                    SeatPart::BargeIn => format!("line {line}: the floor is yours"),
                };
                Reply::Done { message }
            }
            None => {
                Reply::refused(format!("no console sits at leg {leg} of line {line}; attach first"))
            }
        }
    }
}

/// Where our port is reached from this machine.
fn reachable(port: SocketAddr) -> SocketAddr {
    if port.ip().is_unspecified() {
        return SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port.port());
    }
    port
}

fn operator(part: SeatPart) -> OperatorPart {
    match part {
        SeatPart::Listen => OperatorPart::Listen,
        SeatPart::Whisper => OperatorPart::Whisper,
        SeatPart::BargeIn => OperatorPart::BargeIn,
    }
}

fn seat_part(part: OperatorPart) -> SeatPart {
    match part {
        OperatorPart::Listen => SeatPart::Listen,
        OperatorPart::Whisper => SeatPart::Whisper,
        OperatorPart::BargeIn => SeatPart::BargeIn,
    }
}

/// Holds the seat until the line is over or the console has gone.
async fn hold(
    told: oneshot::Receiver<Result<Seated, NotEntered>>,
    rtp: SocketAddr,
    replies: mpsc::Sender<Reply>,
    consoles: Consoles,
) {
    let mut seated = match told.await.unwrap_or(Err(NotEntered::Closed)) {
        Ok(seated) => seated,
        Err(refused) => return send(&replies, Reply::refused(refused.to_string())),
    };
    let (line, leg) = (seated.line.0, seated.leg.0);
    consoles.hands().insert((line, leg), seated.hand());
    send(&replies, Reply::Attached { line, leg, rtp });
    loop {
        let event = tokio::select! {
            event = seated.events.recv() => event,
            () = replies.closed() => break,
        };
        let reason = match event {
            Some(SeatEvent::Part(part)) => {
                send(&replies, Reply::TakesPart { part: seat_part(part) });
                continue;
            }
            Some(SeatEvent::LineClosed { reason }) => reason,
            Some(_) => continue,
            None => "the call is over".to_owned(),
        };
        send(&replies, Reply::Left { reason });
        break;
    }
    consoles.hands().remove(&(line, leg));
}
