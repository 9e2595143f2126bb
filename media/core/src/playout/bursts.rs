//! Where losses cluster: bursts and the gaps between them (RFC 3611 §4.7.2, Appendix A.2).

/// Counts packets in the order in which they are played. Real-time safe.
#[derive(Clone, Debug, Default)]
pub(super) struct Bursts {
    /// Packets since the last loss.
    good: u64,
    /// Losses since a gap ended, and what lies between them.
    pending_lost: u64,
    pending_length: u64,
    burst: Tally,
    gap: Tally,
}

/// What was seen of one of the two.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Tally {
    pub packets: u64,
    pub lost: u64,
    pub count: u64,
}

impl Bursts {
    pub(super) fn on_played(&mut self) {
        self.good += 1;
        if self.good == GAP_PACKETS {
            self.close();
        }
    }

    pub(super) fn on_lost(&mut self) {
        if self.pending_lost == 0 {
            // Whatever was good since the last closing belongs to the gap.
            self.gap.packets += self.good;
        } else {
            self.pending_length += self.good;
        }
        self.good = 0;
        self.pending_lost += 1;
        self.pending_length += 1;
    }

    /// Bursts and gaps so far.
    pub(super) fn tallies(&self) -> (Tally, Tally) {
        let mut closed = self.clone();
        closed.close();
        closed.gap.packets += closed.good;
        closed.gap.count += u64::from(closed.gap.packets > 0);
        (closed.burst, closed.gap)
    }

    /// The losses that were pending are a burst, or, one by itself, part of the gap.
    fn close(&mut self) {
        match self.pending_lost {
            0 => {}
            1 => {
                self.gap.packets += 1;
                self.gap.lost += 1;
            }
            lost => {
                self.burst.packets += self.pending_length;
                self.burst.lost += lost;
                self.burst.count += 1;
                self.gap.count += u64::from(self.gap.packets > 0 && self.burst.count > 1);
            }
        }
        (self.pending_lost, self.pending_length) = (0, 0);
    }
}

impl Tally {
    /// Loss, in 1/256.
    pub(super) fn density(self) -> u8 {
        (self.lost * 256).checked_div(self.packets).unwrap_or(0).min(255) as u8
    }

    /// Mean length in packets.
    pub(super) fn mean_packets(self) -> u64 {
        self.packets.checked_div(self.count).unwrap_or(0)
    }
}

const GAP_PACKETS: u64 = crate::rtp::GAP_PACKETS as u64;

#[cfg(test)]
mod tests {
    use super::*;

    /// A dot is a packet that was played, an x one that was lost.
    fn seen(packets: &str) -> (Tally, Tally) {
        let mut bursts = Bursts::default();
        for packet in packets.chars() {
            if packet == '.' { bursts.on_played() } else { bursts.on_lost() }
        }
        bursts.tallies()
    }

    #[test]
    fn a_loss_by_itself_is_part_of_the_gap() {
        let (burst, gap) = seen(&format!("{0}x{0}x{0}", ".".repeat(50)));
        assert_eq!(burst, Tally::default());
        assert_eq!(gap, Tally { packets: 152, lost: 2, count: 1 });
        assert_eq!(gap.density(), 3);
    }

    #[test]
    fn losses_close_together_are_a_burst_from_the_first_to_the_last() {
        let quiet = ".".repeat(100);
        let (burst, gap) = seen(&format!("{quiet}x..xx....x{quiet}"));
        assert_eq!(burst, Tally { packets: 10, lost: 4, count: 1 });
        assert_eq!((burst.density(), burst.mean_packets()), (102, 10));
        assert_eq!(gap, Tally { packets: 200, lost: 0, count: 1 });
        let (burst, _) = seen(&format!("{quiet}xx{quiet}x.x{quiet}"));
        assert_eq!(burst, Tally { packets: 5, lost: 4, count: 2 });
    }

    #[test]
    fn nothing_is_nothing() {
        assert_eq!(seen(""), (Tally::default(), Tally::default()));
    }
}
