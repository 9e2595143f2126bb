use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use sip_bridge::TlsConfig;

use super::governor::GovernorSection;
use super::say::SaySection;
use super::text::{HttpSection, SmsSection, TextSection};
use super::trunk::TrunkSection;

/// The whole configuration. Every section and key has a default; the defaults make a line that
/// nobody but this machine can call.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Signalling.
    pub sip: SipSection,
    /// Who may call: one entry per trunk.
    pub trunk: Vec<TrunkSection>,
    /// Exchanges that the line registers with: none unless named here.
    pub registration: Vec<super::RegistrationSection>,
    /// How many may call, and how fast.
    pub admission: super::AdmissionSection,
    /// Whom the line may call.
    pub outbound: super::OutboundSection,
    /// Media sockets.
    pub rtp: RtpSection,
    /// Audio threads.
    pub audio: AudioSection,
    /// What a call becomes.
    pub line: LineSection,
    /// Speech to text and turn-taking.
    pub hearing: HearingSection,
    /// Text to speech.
    pub voice: VoiceSection,
    /// The sidecar that understands.
    pub brain: BrainSection,
    /// Who may speak.
    pub governor: GovernorSection,
    /// What is kept of a call.
    pub recording: RecordingSection,
    /// The record of every call.
    pub cdr: super::CdrSection,
    /// Where other programs hand in what they want said.
    pub say: SaySection,
    /// What this machine does, copied into `os` lanes.
    pub tap: super::TapSection,
    /// Where what moves between the parts is kept.
    pub lanes: super::LanesSection,
    /// The door for programs.
    pub http: HttpSection,
    /// Rooms of a LiveKit server.
    pub livekit: super::LivekitSection,
    /// What is written.
    pub text: TextSection,
    /// Short messages.
    pub sms: SmsSection,
    /// Logging.
    pub log: LogSection,
}

impl Config {
    /// The governor's times and bounds on the lines of this trunk.
    #[must_use]
    pub fn governor_on(&self, trunk: &str) -> GovernorSection {
        let own = self.trunk.iter().find(|section| section.name == trunk);
        own.map_or_else(|| self.governor.clone(), |own| self.governor.with(&own.governor))
    }
}

/// `[sip]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SipSection {
    /// UDP listener, or `off`.
    #[serde(with = "super::listener")]
    pub listen_udp: Option<SocketAddr>,
    /// TCP listener, or `off`.
    #[serde(with = "super::listener")]
    pub listen_tcp: Option<SocketAddr>,
    /// TLS listener, or `off`.
    #[serde(with = "super::listener")]
    pub listen_tls: Option<SocketAddr>,
    /// Our certificate for TLS and those that vouch for it, PEM.
    pub tls_certificate: Option<PathBuf>,
    /// Its private key, PEM.
    pub tls_key: Option<PathBuf>,
    /// Whom we believe where we connect over TLS, PEM; absent: Mozilla's list.
    pub tls_ca: Option<PathBuf>,
    /// The address that our SDP offers for media.
    pub media_ip: IpAddr,
    /// Calls at the same time; the next one is answered 486.
    pub channels: usize,
    /// Voice codecs in order of preference.
    pub codecs: Vec<String>,
    /// How often a trunk's addresses are asked whether they are there, in seconds.
    pub probe_s: u32,
    /// A call out of which one of them says nothing for so long is tried over the next, in seconds.
    pub next_route_s: u64,
    /// The `User-Agent` and `Server` header.
    pub user_agent: String,
    /// How long running calls may last after the line was told to stop, in seconds.
    pub drain_s: u64,
}

impl Default for SipSection {
    fn default() -> Self {
        let local = SocketAddr::from((Ipv4Addr::LOCALHOST, 5060));
        Self {
            listen_udp: Some(local),
            listen_tcp: Some(local),
            listen_tls: None,
            tls_certificate: None,
            tls_key: None,
            tls_ca: None,
            media_ip: IpAddr::V4(Ipv4Addr::LOCALHOST),
            channels: 10,
            codecs: ["G722", "PCMU", "PCMA"].map(String::from).to_vec(),
            probe_s: 30,
            next_route_s: 4,
            user_agent: concat!("xenline/", env!("CARGO_PKG_VERSION")).into(),
            drain_s: 10,
        }
    }
}

impl SipSection {
    /// What TLS is spoken with, where it is.
    #[must_use]
    pub fn tls(&self) -> Option<TlsConfig> {
        Some(TlsConfig {
            listen: self.listen_tls?,
            certificate: self.tls_certificate.clone()?,
            key: self.tls_key.clone()?,
            ca: self.tls_ca.clone(),
        })
    }
}

/// `[rtp]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RtpSection {
    /// First port.
    pub port_min: u16,
    /// Last port.
    pub port_max: u16,
    /// A call without incoming RTP for so long is hung up, in seconds.
    pub timeout_s: u64,
    /// A call whose peer has it on hold for so long is hung up, in seconds.
    pub hold_max_s: u64,
    /// How long the ports of a call that is over are left alone, in seconds.
    pub rest_s: u64,
}

impl Default for RtpSection {
    fn default() -> Self {
        Self { port_min: 10_000, port_max: 20_000, timeout_s: 30, hold_max_s: 3_600, rest_s: 3 }
    }
}

/// `[audio]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AudioSection {
    /// Audio threads, each with its share of the lines.
    pub threads: usize,
    /// Lines that one process carries at most.
    pub lines_max: usize,
    /// SCHED_FIFO priority 1 to 99 of the audio threads; absent: the system's ordinary scheduling.
    pub realtime_priority: Option<u8>,
}

impl Default for AudioSection {
    fn default() -> Self {
        Self { threads: 1, lines_max: 512, realtime_priority: None }
    }
}

/// What a call becomes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LineMode {
    /// A conversation with the agent.
    #[default]
    Agent,
    /// The caller hears the caller: for measuring.
    Echo,
}

/// `[line]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LineSection {
    /// `agent` or `echo`.
    pub mode: LineMode,
    /// So long after a call was cut off its caller's next call goes on with it, in seconds; 0: never.
    pub redial_s: u64,
    /// After so many seconds without sound a call counts as dead for who calls again; 0: not before it
    /// is over.
    pub redial_quiet_s: u64,
    /// Whom the line keeps a call with; absent: nobody.
    pub keep_open: Option<String>,
}

impl Default for LineSection {
    fn default() -> Self {
        Self { mode: LineMode::default(), redial_s: 300, redial_quiet_s: 5, keep_open: None }
    }
}

/// `[hearing]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HearingSection {
    /// `builtin`, a name from `xenline models list`, or a whisper ggml file.
    pub model: String,
    /// Decodes side by side. One thread each.
    pub decodes: usize,
    /// Silence that makes the voice activity detector say "off", in ms.
    pub vad_off_ms: u32,
    /// Silence after which a complete utterance is committed, in ms.
    pub complete_ms: u32,
    /// Silence after which an incomplete one is, in ms.
    pub incomplete_ms: u32,
    /// Silence after which a string of digits is, in ms.
    pub digits_ms: u32,
    /// What the recogniser is less sure of than this, 0 to 1, was not understood; 0 takes all.
    pub confidence_min: f32,
}

impl Default for HearingSection {
    fn default() -> Self {
        Self {
            model: "builtin".into(),
            decodes: 2,
            vad_off_ms: 180,
            complete_ms: 260,
            incomplete_ms: 600,
            digits_ms: 1_100,
            confidence_min: 0.7,
        }
    }
}

/// What runs a Piper voice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum VoiceBackend {
    /// In this binary; needs nothing.
    #[default]
    Rten,
    /// ONNX Runtime, a shared library; needs a build with the feature `onnxruntime`.
    OnnxRuntime,
    /// No Piper voice: espeak-ng's own.
    Espeak,
}

/// `[voice]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct VoiceSection {
    /// `builtin`, a name from `xenline models list`, or a Piper `.onnx` file with its
    /// `.onnx.json` beside it.
    pub model: String,
    /// `rten`, `onnxruntime` or `espeak`.
    pub backend: VoiceBackend,
    /// Sentences synthesised side by side.
    pub workers: usize,
}

impl Default for VoiceSection {
    fn default() -> Self {
        Self { model: "builtin".into(), backend: VoiceBackend::default(), workers: 1 }
    }
}

/// `[brain]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BrainSection {
    /// Program and arguments. Empty: the `xenline-brain` beside this binary.
    pub command: Vec<String>,
    /// Directory for the socket between line and brain; absent: the runtime directory.
    pub socket_dir: Option<PathBuf>,
    /// What is said, once, when the caller speaks while the brain is away.
    pub away_text: String,
}

impl Default for BrainSection {
    fn default() -> Self {
        Self {
            command: Vec::new(),
            socket_dir: None,
            away_text: "One moment please, I am coming right back.".into(),
        }
    }
}

/// `[recording]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RecordingSection {
    /// Where each call gets a folder with its record; absent: nothing is kept.
    pub dir: Option<PathBuf>,
    /// Whether the folder holds the sound too.
    pub audio: bool,
    /// Whether the call's log keeps the words, so that it shows more and tells more.
    pub words: bool,
}

impl Default for RecordingSection {
    fn default() -> Self {
        Self { dir: None, audio: true, words: false }
    }
}

/// `[log]`
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LogSection {
    /// Whether phone numbers, addresses and words spoken appear in the log.
    pub show_pii: bool,
}
