//! Level of linear audio in dBov: decibels relative to the overload point of the system, a
//! full-scale square wave (RFC 6464 §3, RFC 3389 §3). 0 is the loudest, [`SILENCE_DBOV`] nothing.

/// What silence is reported as: below the quantisation step of 16 bits.
pub const SILENCE_DBOV: f32 = -127.0;

/// Mean power of `samples` relative to full scale, 0 to 1.
///
/// `samples`: mono, any length. Nothing has no power. Real-time safe.
#[must_use]
pub fn power(samples: &[i16]) -> f32 {
    if samples.is_empty() {
        return 0.0;
    }
    // A product is below 2^30, so a u64 holds the sum of 2^34 of them.
    let sum: u64 = samples.iter().map(|&s| u64::from((i32::from(s) * i32::from(s)) as u32)).sum();
    (sum as f64 / samples.len() as f64 / FULL_SCALE_POWER) as f32
}

/// Decibels of a power, no lower than [`SILENCE_DBOV`].
#[must_use]
pub fn power_to_dbov(power: f32) -> f32 {
    if power <= 0.0 { SILENCE_DBOV } else { (10.0 * power.log10()).max(SILENCE_DBOV) }
}

/// The power that `dbov` decibels stand for.
#[must_use]
pub fn dbov_to_power(dbov: f32) -> f32 {
    10f32.powf(dbov / 10.0)
}

/// Level of `samples` in dBov. Real-time safe.
#[must_use]
pub fn dbov(samples: &[i16]) -> f32 {
    power_to_dbov(power(samples))
}

/// [`dbov`] as meters and RTP headers carry it: -127 to 0.
#[must_use]
pub fn dbov_i8(samples: &[i16]) -> i8 {
    dbov(samples).round().clamp(SILENCE_DBOV, 0.0) as i8
}

const FULL_SCALE_POWER: f64 = 32_768.0 * 32_768.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_scale_square_wave_is_at_zero() {
        let square: Vec<i16> =
            (0..160).map(|n| if n % 16 < 8 { i16::MAX } else { i16::MIN }).collect();
        assert!(dbov(&square).abs() < 0.01);
    }

    #[test]
    fn a_full_scale_sine_is_three_decibels_down() {
        let sine: Vec<i16> = (0..800)
            .map(|n| ((n as f32 * 0.1 * core::f32::consts::TAU).sin() * 32_767.0) as i16)
            .collect();
        assert!((dbov(&sine) + 3.01).abs() < 0.05, "{}", dbov(&sine));
    }

    #[test]
    fn silence_and_nothing_have_the_lowest_level() {
        assert_eq!(dbov(&[]), SILENCE_DBOV);
        assert_eq!(dbov_i8(&[0; 160]), -127);
    }
}
