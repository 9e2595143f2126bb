//! What is particular to Opus (RFC 7587).

use media_core::{Codec, OpusFormat, PayloadType, Ptime};

use crate::sdp::MediaLine;

/// What the peer's decoder asks of our encoder. What is not understood is passed over (§6.1).
pub(super) fn asked(line: &MediaLine, payload_type: PayloadType) -> OpusFormat {
    let mut asked = OpusFormat::default();
    let lines = line.formats_asked.iter().filter(|(number, _)| *number == payload_type);
    for (name, value) in lines.flat_map(|(_, parameters)| parameters.split(';')).filter_map(pair) {
        match name.to_ascii_lowercase().as_str() {
            "useinbandfec" => asked.forward_error_correction = value == "1",
            "cbr" => asked.constant_bitrate = value == "1",
            "maxplaybackrate" => {
                asked.playback_hz_max = value.parse().unwrap_or(asked.playback_hz_max);
            }
            "maxaveragebitrate" => asked.bitrate_max = value.parse().ok(),
            _ => {}
        }
    }
    asked
}

/// The packet time that `codec` has frames for: Opus has none of 30 and 50 ms (RFC 6716 §2.1.4).
pub(super) fn frame_length(codec: Codec, wanted: Ptime) -> Ptime {
    let shorter = match (codec, wanted.ms()) {
        (Codec::Opus, 30) => Ptime::from_ms(20),
        (Codec::Opus, 50) => Ptime::from_ms(40),
        _ => None,
    };
    shorter.unwrap_or(wanted)
}

fn pair(parameter: &str) -> Option<(&str, &str)> {
    let (name, value) = parameter.split_once('=')?;
    Some((name.trim(), value.trim()))
}
