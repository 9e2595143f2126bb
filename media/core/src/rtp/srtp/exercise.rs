use super::{Protector, SRTP_BYTES_ADDED_MAX, SrtpKey, SrtpProfile, Unprotector};
use crate::rtp::{Compound, FullRtpPacket, looks_like_rtcp};

/// Offers `bytes` as protected packets, which they are not; and protects what of them is RTP or
/// RTCP, which must then be readable, once. For fuzzing.
///
/// # Panics
/// If a packet with a wrong tag is believed, or a protected one does not come out as it went in:
/// that is our bug.
pub fn exercise_srtp(bytes: &[u8]) {
    let key = SrtpKey::new([7; 30]);
    for profile in SrtpProfile::ALL {
        let mut forged = bytes.to_vec();
        let mut unprotector = Unprotector::new(profile, &key);
        assert!(unprotector.rtp(&mut forged).is_err(), "a tag was guessed");
        assert!(unprotector.rtcp(&mut forged).is_err(), "a tag was guessed");
        assert_eq!(forged, bytes, "a packet that is not believed stays as it is");

        let mut protector = Protector::new(profile, &key);
        let mut packet = vec![0; bytes.len() + SRTP_BYTES_ADDED_MAX];
        packet[..bytes.len()].copy_from_slice(bytes);
        let is_rtcp = looks_like_rtcp(bytes) && Compound::parse(bytes).is_ok();
        let length = match is_rtcp {
            true => protector.rtcp(&mut packet, bytes.len()),
            false if FullRtpPacket::parse(bytes).is_err() => return,
            false => protector.rtp(&mut packet, bytes.len()),
        };
        packet.truncate(length.expect("there is room"));
        let again = packet.clone();
        let read = |unprotector: &mut Unprotector, packet: &mut [u8]| match is_rtcp {
            true => unprotector.rtcp(packet),
            false => unprotector.rtp(packet),
        };
        assert_eq!(read(&mut unprotector, &mut packet), Ok(bytes.len()));
        assert_eq!(&packet[..bytes.len()], bytes, "reading is the inverse of protecting");
        assert!(read(&mut unprotector, &mut again.clone()).is_err(), "a packet is believed once");
    }
}
