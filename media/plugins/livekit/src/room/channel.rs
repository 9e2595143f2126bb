//! Data channels: one task reads each.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use livekit_protocol as proto;
use plugin_webrtc::Task;
use plugin_webrtc::webrtc::data_channel::{DataChannel, DataChannelEvent};
use prost::Message;
use tokio::sync::mpsc;

/// Packets that wait for the room's task. When full the channel's task waits, and with it, by
/// SCTP's own window, whoever sends.
pub(super) const PACKET_DEPTH: usize = 64;

/// Reads a channel until it ends. `open`: set while something can be sent.
pub(super) fn read(
    channel: Arc<dyn DataChannel>,
    packets: mpsc::Sender<proto::DataPacket>,
    open: Arc<AtomicBool>,
) -> Task {
    Task::spawn(async move {
        while let Some(event) = channel.poll().await {
            match event {
                DataChannelEvent::OnOpen => open.store(true, Ordering::Release),
                DataChannelEvent::OnClosing | DataChannelEvent::OnClose => {
                    open.store(false, Ordering::Release);
                }
                DataChannelEvent::OnMessage(message) => {
                    // What is no packet is for somebody else, or nobody.
                    let Ok(packet) = proto::DataPacket::decode(message.data) else { continue };
                    if packets.send(packet).await.is_err() {
                        return;
                    }
                }
                _ => {}
            }
        }
        open.store(false, Ordering::Release);
    })
}
