//! Shortens and lengthens a frame by blending it with itself a lag later or earlier: an arbitrary
//! lag in silence, a pitch period in voice (WSOLA; what NetEQ calls accelerate and expand).

use crate::SampleRate;

/// Longest lag that [`lengthen`] may be asked for, in milliseconds: half the longest frame.
pub(super) const ADDED_MS_MAX: u32 = 30;

/// Mean magnitude of the samples.
pub(super) fn mean_level(frame: &[i16]) -> u32 {
    let sum: u64 = frame.iter().map(|s| u64::from(s.unsigned_abs())).sum();
    sum.checked_div(frame.len() as u64).unwrap_or(0) as u32
}

/// The lag, 2.5 to 12.5 ms and at most half the frame, at which the frame's beginning repeats
/// itself best; `None` if the frame is too short for any.
pub(super) fn pitch_lag(frame: &[i16], rate: SampleRate) -> Option<usize> {
    let hz = rate.hz() as usize;
    let shortest = hz / 400;
    let longest = (hz / 80).min(frame.len() / 2);
    let window = frame.len().checked_sub(longest)?.min(hz / 100);
    let stride = hz / 8_000;
    let similarity = |lag: usize| -> f32 {
        let (mut correlation, mut energy) = (0i64, 1i64);
        for (&a, &b) in frame[..window].iter().zip(&frame[lag..]).step_by(stride) {
            correlation += i64::from(a) * i64::from(b);
            energy += i64::from(b) * i64::from(b);
        }
        correlation as f32 / (energy as f32).sqrt()
    };
    let lags = (shortest..=longest).map(|lag| (similarity(lag), lag));
    lags.max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, lag)| lag)
}

/// Takes `lag` samples out of `frame`, at most half of it; answers the length left.
pub(super) fn shorten(frame: &mut [i16], lag: usize) -> usize {
    let lag = lag.min(frame.len() / 2);
    for i in 0..lag {
        frame[lag + i] = mix(frame[i], frame[lag + i], i, lag);
    }
    frame.copy_within(lag.., 0);
    frame.len() - lag
}

/// Adds `lag` samples, at most half of it and what there is room for, to the frame that is the
/// first `length` of `room`; answers the new length.
pub(super) fn lengthen(room: &mut [i16], length: usize, lag: usize) -> usize {
    let lag = lag.min(length / 2).min(room.len() - length);
    // The frame moves back by one lag; what it leaves in front still holds its beginning.
    room.copy_within(..length, lag);
    for i in 0..lag {
        // Front: x[0..lag] as it was. Then from x[lag..2·lag], which came next, to x[0..lag], which
        // leads on to x[lag..] behind it.
        room[lag + i] = mix(room[2 * lag + i], room[lag + i], i, lag);
    }
    length + lag
}

fn mix(a: i16, b: i16, i: usize, of: usize) -> i16 {
    let (i, of) = (i as i32, of.max(1) as i32);
    ((i32::from(a) * (of - i) + i32::from(b) * i) / of) as i16
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(length: usize) -> Vec<i16> {
        let turn = |n: usize| n as f64 * 2.0 * core::f64::consts::PI * 160.0 / 8_000.0;
        (0..length).map(|n| (8_000.0 * turn(n).sin()) as i16).collect()
    }

    fn steepest(samples: &[i16]) -> i32 {
        let steps = samples.windows(2).map(|w| (i32::from(w[1]) - i32::from(w[0])).abs());
        steps.max().unwrap_or(0)
    }

    #[test]
    fn a_pitch_period_taken_out_or_added_is_not_heard() {
        let whole = tone(480);
        let lag = pitch_lag(&whole[160..320], SampleRate::Hz8000).expect("long enough");
        assert!(lag.abs_diff(50) <= 1, "160 Hz is 50 samples, not {lag}");
        for shorter in [true, false] {
            let mut room = whole[160..320].to_vec();
            room.resize(240, 0);
            let length = if shorter {
                shorten(&mut room[..160], lag)
            } else {
                lengthen(&mut room, 160, lag)
            };
            assert_eq!(length, if shorter { 160 - lag } else { 160 + lag });
            let heard = [&whole[..160], &room[..length], &whole[320..]].concat();
            assert!(steepest(&heard) < steepest(&whole) * 13 / 10, "shorter: {shorter}");
        }
    }

    #[test]
    fn any_lag_and_length_stay_within_bounds() {
        for length in [0, 1, 2, 79, 160, 480] {
            for lag in [0, 1, 40, 80, 500] {
                let mut room = tone(length + 60);
                assert!(lengthen(&mut room, length, lag) <= room.len());
                assert!(shorten(&mut room[..length], lag) <= length);
            }
            let _ = pitch_lag(&tone(length), SampleRate::Hz8000);
            let _ = pitch_lag(&tone(length), SampleRate::Hz48000);
        }
        assert_eq!(mean_level(&[]), 0);
    }
}
