//! Who may reach the line's ports, for the two that stand before it: the kernel's packet filter and,
//! where there is one, FreeSWITCH. Both are made from the configuration's `[[trunk]]` entries and from
//! what their carriers publish, so that neither says anything that the line itself would not.
//!
//! Makes text and changes nothing. The line's own check of every source address stands behind both.

mod freeswitch;
mod guarded;
mod nftables;

pub use freeswitch::acl;
pub use guarded::{Guarded, Source};
pub use nftables::rules;
