//! Which packets of the month are SRTP too. All of them would take an hour; the index is followed by
//! those around each wrap, and by enough between.

use media_core::SequenceNumber;
use media_core::rtp::srtp::SrtpProfile;

pub const PROFILE: SrtpProfile = SrtpProfile::AesCm128HmacSha1Tag80;
pub const KEY: [u8; 30] = [7; 30];
/// With a tag of 80 bits.
pub const SEALED_BYTES: usize = 172 + 10;
/// Packets before and after a wrap that are all protected: more than overtake each other.
const AROUND_A_WRAP: u16 = 128;

pub fn is_sealed(number: SequenceNumber) -> bool {
    number.0.is_multiple_of(64) || number.0.wrapping_add(AROUND_A_WRAP) < 2 * AROUND_A_WRAP
}
