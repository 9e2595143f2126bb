//! INVITEs that were left for another way, until nothing can come of them any more.

use media_core::MonoTime;

use super::{Agent, Owner, context};
use crate::call::LeftWay;
use crate::message::{Method, Response};
use crate::timers::Timer;
use crate::transaction::GIVE_UP;

impl Agent {
    /// The call went on over another way. The INVITE is repeated no more; what may yet come of it is
    /// ended here.
    pub(super) fn leave(&mut self, left: LeftWay) {
        let key = format!("{}\nINVITE", left.branch());
        let Some(client) = self.client_keys.get(key.as_str()).copied() else { return };
        let number = self.next_number();
        if let Some(client) = self.clients.get_mut(&client) {
            client.owner = Owner::Left(number);
            client.transaction.repeat_no_more();
            self.left.insert(number, left);
        }
    }

    /// Somebody spoke of it after all.
    pub(super) fn on_left(&mut self, now: MonoTime, number: u64, response: &Response) {
        let Some(left) = self.left.get_mut(&number) else { return };
        let branch = left.branch().to_owned();
        let closing = left.on_response(&mut context(now, &mut self.ids), response);
        if let Some(ack) = closing.ack {
            self.acknowledge(&branch, ack);
        }
        let Some(request) = closing.request else { return };
        if request.method == Method::Cancel {
            self.timers.start(now + GIVE_UP, Timer::Left(number));
        }
        // Whatever is said to a CANCEL or a BYE changes nothing.
        self.begin_client(now, request, Owner::Left(number));
    }

    /// Its transaction is over, or will never be.
    pub(super) fn forget_left(&mut self, number: u64) {
        if let Some(left) = self.left.remove(&number) {
            self.abandon(left.branch());
        }
    }
}
