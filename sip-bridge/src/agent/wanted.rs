//! Which INVITEs are not let through, whoever has a channel free: the last defence before admission.

use super::Agent;
use super::requests::{Arrival, name_of};
use crate::call::caller_of;
use crate::caller::Attestation;
use crate::message::Host;
use crate::policy::{TrunkPolicy, Unwanted};

impl Agent {
    /// The status that refuses an INVITE which would begin a call, and why. `user`: the telephone that
    /// proved to have sent it.
    pub(super) fn unwanted(
        &self,
        arrival: &Arrival<'_>,
        policy: &TrunkPolicy,
        user: Option<&str>,
    ) -> Option<(u16, &'static str)> {
        let request = arrival.request;
        // It is meant for somebody behind us, and may be sent no further (RFC 3261 §16.3).
        let ours = |host: &Host| matches!(host, Host::Ip(ip) if self.identity.is_at(*ip));
        if request.head.spent_routes.iter().any(|route| !ours(&route.host)) {
            return Some((483, "Max-Forwards is spent, and its Route goes on"));
        }
        if !policy.serves(&request.uri_user) {
            return Some((404, "no number of ours; see numbers of its [[trunk]]"));
        }
        if user.is_some() {
            return None; // It proved who it is.
        }
        let caller = caller_of(request, policy);
        policy.refuse.iter().find_map(|unwanted| match unwanted {
            Unwanted::Failed if caller.attestation == Attestation::Failed => {
                Some((603, "the network says that the number is forged"))
            }
            Unwanted::Withheld if name_of(&caller).is_empty() => {
                Some((433, "the number is withheld"))
            }
            Unwanted::Failed | Unwanted::Withheld => None,
        })
    }
}
