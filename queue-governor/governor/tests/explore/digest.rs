//! A state's name: a hash of everything in it, with times relative to now and generations
//! relative to the newest, so that a state is recognised whenever it comes back.
//!
//! What is hashed is the state's `Debug` form. It is derived, so a field that is added to the
//! governor is part of the name at once.

use std::fmt::{Debug, Write};
use std::hash::{DefaultHasher, Hasher};

use media_core::{Generation, MonoTime};

/// Times further off than this are one: longer than every watch of every world, so that no
/// decision tells them apart any more, and shorter than the dedup window, which never closes.
const FAR_MICROS: i64 = 8_000_000;

/// `text` is scratch space.
pub fn digest(state: &impl Debug, now: MonoTime, newest: Generation, text: &mut String) -> u128 {
    text.clear();
    write!(text, "{state:?}").expect("a string takes everything");
    let (mut low, mut high) = (DefaultHasher::new(), DefaultHasher::new());
    high.write_u8(1);
    let mut write = |bytes: &[u8]| {
        low.write(bytes);
        high.write(bytes);
    };
    let bytes = text.as_bytes();
    let (mut from, mut at) = (0, 0);
    while at < bytes.len() {
        if let Some((start, end, micros)) = time_at(bytes, at) {
            write(&bytes[from..start]);
            let relative = micros - now.as_micros() as i64;
            write(&relative.clamp(-FAR_MICROS, FAR_MICROS).to_le_bytes());
            (from, at) = (end, end);
        } else if bytes[at..].starts_with(GENERATION) {
            let start = at + GENERATION.len();
            let (number, end) = number_at(bytes, start);
            write(&bytes[from..start]);
            write(&i64::from(newest.0).wrapping_sub(number).to_le_bytes());
            (from, at) = (end, end);
        } else {
            at += 1;
        }
    }
    write(&bytes[from..]);
    u128::from(high.finish()) << 64 | u128::from(low.finish())
}

const GENERATION: &[u8] = b"Generation(";

/// A `MonoTime`, which is printed as seconds with six decimals, whose point is at `point`:
/// where it begins and ends, and what it is.
fn time_at(bytes: &[u8], point: usize) -> Option<(usize, usize, i64)> {
    if bytes[point] != b'.' || bytes.get(point + 7) != Some(&b's') {
        return None;
    }
    let (micros, end) = number_at(bytes, point + 1);
    let digits = bytes[..point].iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    if end != point + 7 || digits == 0 {
        return None;
    }
    let start = point - digits;
    let (seconds, _) = number_at(bytes, start);
    Some((start, point + 8, seconds * 1_000_000 + micros))
}

fn number_at(bytes: &[u8], start: usize) -> (i64, usize) {
    let digits = bytes[start..].iter().take_while(|byte| byte.is_ascii_digit());
    let (value, count) = digits
        .fold((0_i64, 0), |(value, count), byte| (value * 10 + i64::from(byte - b'0'), count + 1));
    (value, start + count)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(generation: u32, at_ms: u64, now_ms: u64) -> u128 {
        let state = (Generation(generation), Some(MonoTime::from_millis(at_ms)), "1.5s");
        digest(&state, MonoTime::from_millis(now_ms), Generation(9), &mut String::new())
    }

    #[test]
    fn a_state_is_recognised_later_and_told_apart_from_others() {
        assert_eq!(name(9, 1_200, 1_000), name(9, 61_200, 61_000));
        assert_ne!(name(9, 1_200, 1_000), name(9, 1_300, 1_000));
        assert_ne!(name(9, 1_200, 1_000), name(8, 1_200, 1_000));
        assert_eq!(name(9, 20_000, 1_000), name(9, 90_000, 1_000), "far off is far off");
    }
}
