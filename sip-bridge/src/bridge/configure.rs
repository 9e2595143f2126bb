//! Another configuration for a bridge that runs.

use std::collections::BTreeMap;

use super::{Bridge, policies_of};
use crate::acl::{Acl, Trunk};
use crate::admission::AdmissionLimits;
use crate::agent::{Command, Input};
use crate::negotiation::MediaTerms;
use crate::policy::TrunkPolicy;

/// A bug of ours was in the way: what is in force may be the one, the other or a part of each.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error(
    "a bug in SIP signalling: part of the configuration may be in force; restart the line, and report the panic in the log"
)]
pub struct NotConfigured;

impl Bridge {
    /// Replaces who may call, what each trunk is believed, allowed and may agree on, and how much of it
    /// there may be, for calls from now on. All of it at once: nobody is heard as one thing and believed
    /// as another. Calls in progress keep what they agreed on; those from an address that is no longer
    /// listed are heard to their end, and begin nothing.
    ///
    /// # Errors
    /// [`NotConfigured`]; calls and listeners go on.
    pub fn configure(
        &self,
        trunks: &[Trunk],
        policies: BTreeMap<String, TrunkPolicy>,
        terms: Vec<(String, MediaTerms)>,
        limits: AdmissionLimits,
    ) -> Result<(), NotConfigured> {
        let policies = policies_of(trunks, policies);
        let drive = || {
            self.shared.drive(|agent, now| {
                agent.set_policies(policies);
                agent.set_terms(terms);
                agent.handle(now, Input::Command(Command::Limit(limits)));
                // Last: where one of these fails, nobody new is let in. Who is let in waits for the agent.
                self.shared.gate_mut().replace(Acl::new(trunks), agent.peers());
            });
        };
        self.shared.contained(drive).ok_or(NotConfigured)
    }
}
