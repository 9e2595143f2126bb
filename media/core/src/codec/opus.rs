//! What the first bytes of an Opus packet say (RFC 6716 §3), without decoding it.

/// Ticks of the RTP clock, 48000 a second, that an Opus packet lasts; `None` if it is none.
///
/// A packet has one to 48 frames of one length, 120 ms in all at most (RFC 6716 §3.2.5, R5).
#[must_use]
pub fn packet_ticks(payload: &[u8]) -> Option<u32> {
    let (&toc, rest) = payload.split_first()?;
    let frames = match toc & 0b11 {
        0 => 1,
        1 | 2 => 2,
        _ => u32::from(rest.first()? & 0x3F),
    };
    let ticks = frames * frame_ticks(toc >> 3);
    (1..=PACKET_TICKS_MAX).contains(&ticks).then_some(ticks)
}

/// Whether an Opus packet repeats, at a lower quality, the end of the packet before it (RFC 6716
/// §2.1.7), so that a loss of that one need not be concealed. Packets whose first frame is not
/// where it always is, those with several frames of different length, are not looked into.
#[must_use]
pub fn repeats_previous(payload: &[u8]) -> bool {
    let &[toc, first, ..] = payload else { return false };
    let configuration = toc >> 3;
    if configuration >= 16 || toc & 0b11 > 1 {
        return false;
    }
    // One voice activity bit for each 20 ms of SILK, then the flag (RFC 6716 §4.2.3).
    let silk_frames = frame_ticks(configuration).div_ceil(960);
    first >> (7 - silk_frames) & 1 == 1
}

/// Table 2 of RFC 6716: SILK, hybrid and CELT, each with its frame lengths.
const fn frame_ticks(configuration: u8) -> u32 {
    match configuration {
        0..12 => [480, 960, 1_920, 2_880][configuration as usize % 4],
        12..16 => [480, 960][configuration as usize % 2],
        _ => [120, 240, 480, 960][configuration as usize % 4],
    }
}

/// 120 ms.
pub(crate) const PACKET_TICKS_MAX: u32 = 5_760;

#[cfg(test)]
mod tests {
    use super::packet_ticks;

    #[test]
    fn the_first_byte_tells_how_long_a_packet_lasts() {
        let toc = |configuration: u8, code: u8| configuration << 3 | code;
        assert_eq!(packet_ticks(&[toc(1, 0), 7]), Some(960), "SILK, 20 ms");
        assert_eq!(packet_ticks(&[toc(3, 0), 7]), Some(2_880), "SILK, 60 ms");
        assert_eq!(packet_ticks(&[toc(14, 0)]), Some(480), "hybrid, 10 ms");
        assert_eq!(packet_ticks(&[toc(31, 1), 7]), Some(1_920), "CELT, twice 20 ms");
        assert_eq!(packet_ticks(&[toc(28, 3), 3]), Some(360), "CELT, three times 2.5 ms");
        assert_eq!(packet_ticks(&[toc(31, 3), 6]), Some(5_760), "120 ms");
    }

    #[test]
    fn what_is_no_packet_has_no_length() {
        assert_eq!(packet_ticks(&[]), None);
        assert_eq!(packet_ticks(&[31 << 3 | 3]), None, "the count of frames is missing");
        assert_eq!(packet_ticks(&[31 << 3 | 3, 0]), None, "no frame");
        assert_eq!(packet_ticks(&[31 << 3 | 3, 7]), None, "more than 120 ms");
        assert_eq!(packet_ticks(&[3 << 3 | 3, 63]), None);
    }
}
