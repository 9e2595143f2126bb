//! What a call's record says of its media and its conversation.

use media_engine::LineStatistics;
use sip_bridge::Cdr;

use crate::line::Figures;

pub(super) fn fill_media(cdr: &mut Cdr, statistics: &LineStatistics) {
    let expected = statistics.rtp_received + statistics.rtp_lost;
    let loss = 100.0 * statistics.rtp_lost as f32 / expected.max(1) as f32;
    cdr.media.rtp_sent = Some(statistics.rtp_sent);
    cdr.media.rtp_received = Some(statistics.rtp_received);
    cdr.media.jitter_ms = Some(statistics.jitter_ms);
    cdr.media.loss_percent = Some(loss);
    cdr.media.mos_estimated = Some(statistics.mos_estimated);
    cdr.media.peer_mos = statistics.peer_mos;
}

pub(super) fn fill_conversation(cdr: &mut Cdr, figures: &Figures) {
    let mut replies = figures.reply_ms.clone();
    replies.sort_unstable();
    let rank = |share: f64| (replies.len() as f64 * share).ceil() as usize;
    let percentile = |share| replies.get(rank(share).saturating_sub(1)).copied();
    cdr.conversation.turns = Some(figures.turns);
    cdr.conversation.barge_ins = Some(figures.barge_ins);
    cdr.conversation.false_barge_ins = Some(figures.false_barge_ins);
    cdr.conversation.dead_air_ms = u64::try_from(figures.dead_air().as_millis()).ok();
    cdr.conversation.turn_latency_ms_p50 = percentile(0.50);
    cdr.conversation.turn_latency_ms_p95 = percentile(0.95);
}
