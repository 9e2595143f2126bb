//! A line's figures: for its record, and for whoever watches it.

use media_core::LineId;
use media_engine::{LineEvent, LineStatistics};

use super::journal::Journal;
use super::legs::LegId;
use crate::report::CallStats;
use crate::watch::Level;

impl Journal {
    /// For the meters of whoever watches; no level is put on record.
    pub(super) fn show_level(&self, line: LineId, leg: LegId, t_ms: f64, event: &LineEvent) {
        let LineEvent::Level { heard_dbov, sent_dbov, speech, .. } = *event else { return };
        let (line, leg) = (line.0, leg.0);
        self.watch().level(Level { line, leg, t_ms, heard_dbov, sent_dbov, speech });
    }
}

/// What of a line's statistics goes on record.
#[must_use]
pub fn call_stats(statistics: &LineStatistics) -> CallStats {
    CallStats {
        rtp_sent: statistics.rtp_sent,
        rtp_received: statistics.rtp_received,
        rtp_lost: statistics.rtp_lost,
        jitter_ms: f64::from(statistics.jitter_ms),
        playout_delay_ms: f64::from(statistics.playout_delay_ms),
        mos_estimated: f64::from(statistics.mos_estimated),
        peer_mos: statistics.peer_mos.map(f64::from),
    }
}
