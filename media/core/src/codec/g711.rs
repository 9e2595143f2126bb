//! G.711 µ-law and A-law, from tables that the compiler builds with the rules of ITU-T G.191.

/// Compands by magnitude: 13 bits for µ-law, 11 for A-law. 10 KiB in all, so that the tables stay
/// in a core's first cache; tables over the whole i16 would take 128 KiB.
static ULAW_OF_MAGNITUDE: [u8; 8_192] = build_ulaw_of_magnitude();
static ALAW_OF_MAGNITUDE: [u8; 2_048] = build_alaw_of_magnitude();
static LINEAR_OF_ULAW: [i16; 256] = build_linear_of_ulaw();
static LINEAR_OF_ALAW: [i16; 256] = build_linear_of_alaw();

/// Applies `convert` to as many items as both slices have.
pub(super) fn map<A: Copy, B>(input: &[A], out: &mut [B], convert: impl Fn(A) -> B) -> usize {
    let count = input.len().min(out.len());
    for (to, from) in out.iter_mut().zip(input) {
        *to = convert(*from);
    }
    count
}

/// The ones' complement of a negative value: the magnitude that G.191 compands.
const fn magnitude(sample: i16) -> u16 {
    (sample ^ (sample >> 15)) as u16
}

const fn sign_bit(sample: i16) -> u8 {
    if sample < 0 { 0 } else { 0x80 }
}

pub(super) fn ulaw_encode(sample: i16) -> u8 {
    ULAW_OF_MAGNITUDE[usize::from(magnitude(sample) >> 2)] | sign_bit(sample)
}

pub(super) fn alaw_encode(sample: i16) -> u8 {
    // 0x55: every second bit is inverted on the wire, the sign is not among them.
    ALAW_OF_MAGNITUDE[usize::from(magnitude(sample) >> 4)] ^ sign_bit(sample)
}

pub(super) fn ulaw_decode(byte: u8) -> i16 {
    LINEAR_OF_ULAW[usize::from(byte)]
}

pub(super) fn alaw_decode(byte: u8) -> i16 {
    LINEAR_OF_ALAW[usize::from(byte)]
}

const fn build_ulaw_of_magnitude() -> [u8; 8_192] {
    let mut table = [0; 8_192];
    let mut magnitude = 0;
    while magnitude < table.len() {
        let biased = if magnitude + 33 > 0x1FFF { 0x1FFF } else { magnitude + 33 };
        let segment = (usize::BITS - (biased >> 6).leading_zeros()) as usize + 1;
        let step = 0xF - ((biased >> segment) & 0xF);
        table[magnitude] = (((8 - segment) << 4) | step) as u8;
        magnitude += 1;
    }
    table
}

const fn build_alaw_of_magnitude() -> [u8; 2_048] {
    let mut table = [0; 2_048];
    let mut magnitude = 0;
    while magnitude < table.len() {
        let mut code = magnitude;
        if code > 15 {
            let mut exponent = 1;
            while code > 31 {
                code >>= 1;
                exponent += 1;
            }
            code = code - 16 + (exponent << 4);
        }
        table[magnitude] = code as u8 ^ 0x55;
        magnitude += 1;
    }
    table
}

const fn build_linear_of_ulaw() -> [i16; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let inverted = !(byte as u8) as i32;
        let exponent = (inverted >> 4) & 7;
        let step = 8 << exponent;
        let value = (0x80 << exponent) + step * (inverted & 0xF) + step / 2 - 4 * 33;
        table[byte] = if byte < 0x80 { -value as i16 } else { value as i16 };
        byte += 1;
    }
    table
}

const fn build_linear_of_alaw() -> [i16; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let code = (byte as u8 ^ 0x55) as i32;
        let exponent = (code >> 4) & 7;
        let mut value = code & 0xF;
        if exponent > 0 {
            value += 16;
        }
        value = (value << 4) + 8;
        if exponent > 1 {
            value <<= exponent - 1;
        }
        table[byte] = if code & 0x80 == 0 { -value as i16 } else { value as i16 };
        byte += 1;
    }
    table
}
