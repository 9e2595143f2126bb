//! Where packets wait: a ring of fixed slots, addressed by extended sequence number.

use crate::{PayloadType, RtpTimestamp};

/// What waits in a slot. Ticks are extended media time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Waiting {
    pub(super) sequence: u64,
    pub(super) ticks: i64,
    pub(super) timestamp: RtpTimestamp,
    pub(super) payload_type: PayloadType,
    pub(super) length: u16,
    /// Clock ticks of media it holds.
    pub(super) span: u32,
    /// Holds a number in the packet order, but no media.
    pub(super) no_media: bool,
}

#[derive(Debug)]
pub(super) struct Slots {
    waiting: Box<[Option<Waiting>]>,
    payloads: Box<[u8]>,
    payload_bytes_max: usize,
    count: usize,
}

impl Slots {
    pub(super) fn new(capacity: usize, payload_bytes_max: usize) -> Self {
        Self {
            waiting: vec![None; capacity].into_boxed_slice(),
            payloads: vec![0; capacity * payload_bytes_max].into_boxed_slice(),
            payload_bytes_max,
            count: 0,
        }
    }

    pub(super) fn capacity(&self) -> u64 {
        self.waiting.len() as u64
    }

    pub(super) fn count(&self) -> usize {
        self.count
    }

    pub(super) fn payload_bytes_max(&self) -> usize {
        self.payload_bytes_max
    }

    pub(super) fn get(&self, sequence: u64) -> Option<&Waiting> {
        self.waiting[self.index(sequence)].as_ref().filter(|w| w.sequence == sequence)
    }

    /// Puts a packet into its slot. The caller keeps all sequence numbers inside one window of
    /// `capacity`, so that nothing else waits there.
    pub(super) fn put(&mut self, waiting: Waiting, payload: &[u8]) {
        let index = self.index(waiting.sequence);
        let start = index * self.payload_bytes_max;
        self.payloads[start..start + payload.len()].copy_from_slice(payload);
        if self.waiting[index].replace(waiting).is_none() {
            self.count += 1;
        }
    }

    pub(super) fn take(&mut self, sequence: u64) -> Option<Waiting> {
        self.get(sequence)?;
        let index = self.index(sequence);
        self.count -= 1;
        self.waiting[index].take()
    }

    /// The payload of a packet that was just taken.
    pub(super) fn payload(&self, taken: &Waiting) -> &[u8] {
        let start = self.index(taken.sequence) * self.payload_bytes_max;
        &self.payloads[start..start + usize::from(taken.length)]
    }

    /// The first packet waiting at `from` or after it. Bounded by the capacity.
    pub(super) fn first_from(&self, from: u64) -> Option<&Waiting> {
        if self.count == 0 {
            return None;
        }
        (from..from + self.capacity()).find_map(|sequence| self.get(sequence))
    }

    pub(super) fn clear(&mut self) {
        self.waiting.fill(None);
        self.count = 0;
    }

    fn index(&self, sequence: u64) -> usize {
        (sequence % self.waiting.len() as u64) as usize
    }
}
