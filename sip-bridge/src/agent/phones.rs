//! Requests of telephones, which prove who they are.

use super::Agent;
use super::registrar::{Verdict, Visitor};
use super::requests::Arrival;
use crate::call::ALLOW_LINE;
use crate::pii::Pii;
use crate::policy::TrunkPolicy;

impl Agent {
    /// Which telephone sent it, on a trunk of telephones. `Err`: the challenge to answer with, or
    /// nothing for one that guesses.
    pub(super) fn known(
        &mut self,
        arrival: &Arrival<'_>,
        trunk: &str,
        policy: &TrunkPolicy,
    ) -> Result<Option<String>, Option<String>> {
        let Some(phones) = &policy.phones else { return Ok(None) };
        let (now, source, flow) = (arrival.now, arrival.source.ip(), arrival.flow);
        let visitor = Visitor { now, trunk, source, flow };
        match self.registrar.know(visitor, phones, arrival.request) {
            Verdict::Known(user) => Ok(Some(user)),
            Verdict::Ask(lines) => Err(Some(lines)),
            Verdict::Silence => Err(None),
        }
    }

    /// A telephone says where it is. Elsewhere than on a trunk of telephones nobody registers.
    pub(super) fn on_register(&mut self, arrival: &Arrival<'_>, key: Box<str>) {
        let Some(trunk) = arrival.trunk else { return };
        let policy = self.policies.of(trunk).clone();
        let user = match self.known(arrival, trunk, &policy) {
            Ok(Some(user)) => user,
            Ok(None) => return self.answer_outside(arrival, key, 405, ALLOW_LINE),
            Err(Some(lines)) => return self.answer_outside(arrival, key, 401, &lines),
            Err(None) => return,
        };
        let (now, source, flow) = (arrival.now, arrival.source.ip(), arrival.flow);
        let visitor = Visitor { now, trunk, source, flow };
        let (status, lines) = self.registrar.register(visitor, &user, arrival.request);
        tracing::debug!(trunk, status, user = %Pii::new(user), "a telephone registers");
        self.answer_outside(arrival, key, status, &lines);
    }
}
