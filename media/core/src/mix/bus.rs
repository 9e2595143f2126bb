use super::Limiter;

/// One tick's sum of up to `N` samples. 16-bit parts of up to 65,536 parties fit its integers.
#[derive(Clone, Debug)]
pub struct MixBus<const N: usize> {
    sum: [i32; N],
    length: usize,
}

impl<const N: usize> MixBus<N> {
    /// An empty bus.
    #[must_use]
    pub fn new() -> Self {
        Self { sum: [0; N], length: 0 }
    }

    /// Begins a tick of `length` samples; more than `N` are left out.
    pub fn begin(&mut self, length: usize) {
        self.length = length.min(N);
        self.sum[..self.length].fill(0);
    }

    /// Adds a party's part. What is shorter than the tick ends in silence.
    pub fn add(&mut self, part: &[i16]) {
        for (sum, sample) in self.sum[..self.length].iter_mut().zip(part) {
            *sum += i32::from(*sample);
        }
    }

    /// Writes to `out` what the party hears that added `own`: everything else.
    pub fn without(&self, own: &[i16], limiter: &mut Limiter, out: &mut [i16]) {
        self.without_all(std::iter::once(own), limiter, out);
    }

    /// Writes to `out` what is left without the `parts` of several parties.
    pub fn without_all<'a>(
        &self,
        parts: impl Iterator<Item = &'a [i16]>,
        limiter: &mut Limiter,
        out: &mut [i16],
    ) {
        let mut rest = [0; N];
        let length = self.length.min(out.len());
        rest[..length].copy_from_slice(&self.sum[..length]);
        for part in parts {
            for (rest, sample) in rest[..length].iter_mut().zip(part) {
                *rest -= i32::from(*sample);
            }
        }
        limiter.limit(&rest[..length], &mut out[..length]);
        out[length..].fill(0);
    }
}

impl<const N: usize> Default for MixBus<N> {
    fn default() -> Self {
        Self::new()
    }
}
