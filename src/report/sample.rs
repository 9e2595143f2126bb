//! The scripted call of the demo as a record with a recording, for the tests of this module.

use std::path::Path;

use super::ends::{CallClosed, CallOpened, CallStats};
use super::event::*;
use super::record::{CallRecord, EventLog, RECORDING_FILE};

/// A greeting, a question, a job with an "mm-hm" over its acknowledgement, its report cut by
/// "stop", and a goodbye.
pub(super) fn record() -> CallRecord {
    CallRecord::from_events(events())
}

/// Writes the record and a recording of tones and noise into `folder`.
pub(super) fn write(folder: &Path) {
    let mut log = EventLog::create(folder).unwrap();
    for event in events() {
        log.append(event.t_ms, event.what).unwrap();
    }
    write_recording(folder);
}

fn events() -> Vec<Event> {
    let mut script = Script::default();
    script.opening();
    script.caller(1, "what time is it", &["what time"], 3_600.0, 4_700.0, false);
    script.claim("a-1", ClaimSource::Responder, Some(1), TIME, 4_968.0, 7_700.0, "answer");
    script.caller(2, "run the backup", &["run the"], 8_500.0, 9_450.0, false);
    script.claim("a-2", ClaimSource::Responder, Some(2), ON_IT, 9_731.0, 12_600.0, "answer");
    script.at(9_735.0, CallEvent::JobStarted { job: "j-1".into(), label: "backup".into() });
    script.mm_hm(10_800.0, "a-2");
    let outcome = "412 files".to_owned();
    script.at(14_205.0, CallEvent::JobFinished { job: "j-1".into(), outcome });
    script.report_cut_by_stop();
    script.caller(4, "goodbye", &[], 19_600.0, 20_250.0, false);
    script.claim("a-4", ClaimSource::Responder, Some(4), "Goodbye.", 20_533.0, 21_400.0, "answer");
    script.closing();
    script.events
}

const HELLO: &str = "Hello, this is your line. How can I help?";
const TIME: &str = "It is seven minutes past eight in the evening.";
const ON_IT: &str = "On it. I will tell you when the backup is done.";
const REPORT: &str = "The backup is done. It copied four hundred and twelve files to the second \
disk and took four minutes. Nothing was left out.";
const HEARD: &str = "The backup is done. It copied four hundred and";

#[derive(Default)]
struct Script {
    events: Vec<Event>,
}

impl Script {
    fn at(&mut self, t_ms: f64, what: CallEvent) {
        self.events.push(Event { t_ms, what });
    }

    fn opening(&mut self) {
        self.at(
            0.0,
            CallEvent::CallOpened(CallOpened {
                call: "7f3a".into(),
                caller: "sip:caller@127.0.0.1".into(),
                attestation: String::new(),
                called: "sip:line@127.0.0.1".into(),
                trunk: "loopback".into(),
                codec: "PCMU".into(),
                answered_unix_ms: 1_795_206_660_000,
                recording_start_ms: 0.0,
            }),
        );
        self.claim("g-1", ClaimSource::System, None, HELLO, 40.0, 2_900.0, "greeting");
    }

    fn caller(
        &mut self,
        turn: u64,
        text: &str,
        partials: &[&str],
        from: f64,
        to: f64,
        barged_in: bool,
    ) {
        self.at(from + 60.0, CallEvent::CallerVad { on: true });
        for (n, partial) in partials.iter().enumerate() {
            let t_ms = from + 550.0 + 300.0 * n as f64;
            self.at(t_ms, CallEvent::Partial { text: (*partial).into(), speaker: None });
        }
        let vad_off = to + 180.0;
        self.at(vad_off, CallEvent::CallerVad { on: false });
        let times = TurnTimes {
            speech_start_ms: from,
            speech_end_ms: to,
            vad_off_ms: vad_off,
            decode_start_ms: vad_off + 1.0,
            decode_end_ms: vad_off + 24.0,
            endpoint_ms: vad_off + 80.0,
        };
        let text = text.to_owned();
        self.at(
            vad_off + 80.0,
            CallEvent::CallerTurn { turn, text, barged_in, times, speaker: None },
        );
        self.at(vad_off + 81.0, CallEvent::TurnSent { turn, replayed: false });
    }

    #[allow(clippy::too_many_arguments, reason = "a row of a script")]
    fn claim(
        &mut self,
        claim: &str,
        source: ClaimSource,
        turn: Option<u64>,
        text: &str,
        accepted: f64,
        end: f64,
        why: &str,
    ) {
        self.start(claim, source, turn, text, accepted, why);
        self.floor(end, None, None, "drained");
        self.ended(end, claim, EndingKind::Spoken, text);
    }

    fn start(
        &mut self,
        id: &str,
        source: ClaimSource,
        turn: Option<u64>,
        text: &str,
        accepted: f64,
        why: &str,
    ) {
        let claim = || id.to_owned();
        let text = text.to_owned();
        self.at(accepted, CallEvent::ClaimAccepted { claim: claim(), source, turn, text });
        self.floor(accepted + 2.0, Some(id), Some(source), why);
        self.at(accepted + 24.0, CallEvent::FirstSynth { claim: claim() });
        self.at(accepted + 43.0, CallEvent::FirstSample { claim: claim() });
    }

    fn floor(&mut self, t_ms: f64, holder: Option<&str>, source: Option<ClaimSource>, why: &str) {
        let holder = holder.map(str::to_owned);
        self.at(t_ms, CallEvent::Floor { holder, source, why: why.into(), generation: None });
    }

    fn ended(&mut self, t_ms: f64, claim: &str, ending: EndingKind, heard: &str) {
        let heard_text = heard.to_owned();
        self.at(
            t_ms,
            CallEvent::ClaimEnded { claim: claim.into(), ending, reason: None, heard_text },
        );
    }

    fn mm_hm(&mut self, t_ms: f64, claim: &str) {
        self.at(t_ms, CallEvent::Onset);
        self.at(t_ms + 3.0, CallEvent::Paused { claim: claim.into() });
        self.at(t_ms + 5.0, CallEvent::CallerVad { on: true });
        let verdict = VerdictKind::Backchannel;
        self.at(t_ms + 330.0, CallEvent::Verdict { verdict, decide_ms: 330.0 });
        self.at(t_ms + 332.0, CallEvent::Resumed { claim: claim.into() });
        self.at(t_ms + 480.0, CallEvent::CallerVad { on: false });
    }

    fn report_cut_by_stop(&mut self) {
        self.start("w-1", ClaimSource::Worker, Some(2), REPORT, 14_210.0, "worker's report");
        self.at(17_320.0, CallEvent::Onset);
        self.at(17_323.0, CallEvent::Paused { claim: "w-1".into() });
        let verdict = VerdictKind::Speech;
        self.at(17_640.0, CallEvent::Verdict { verdict, decide_ms: 320.0 });
        self.at(17_641.0, CallEvent::Revoked { claim: "w-1".into(), why: "caller speaks".into() });
        let claim = "w-1".to_owned();
        self.at(17_655.2, CallEvent::Silenced { claim, revoke_to_silence_ms: 14.2 });
        self.floor(17_642.0, None, None, "caller speaks");
        self.ended(17_656.0, "w-1", EndingKind::Interrupted, HEARD);
        self.caller(3, "stop", &[], 17_300.0, 17_750.0, true);
        self.claim("a-3", ClaimSource::Responder, Some(3), "Okay.", 18_024.0, 18_600.0, "answer");
    }

    fn closing(&mut self) {
        let stats = CallStats {
            rtp_sent: 1_075,
            rtp_received: 1_071,
            rtp_lost: 0,
            jitter_ms: 0.41,
            playout_delay_ms: 40.0,
            mos_estimated: 4.38,
            peer_mos: Some(4.2),
        };
        let closed = CallClosed {
            hangup_by: "agent".into(),
            reason: "goodbye".into(),
            sip_status: Some(200),
            stats,
        };
        self.at(21_500.0, CallEvent::CallClosed(closed));
    }
}

/// Noise where the caller speaks, a tone where the line does.
fn write_recording(folder: &Path) {
    let spec = hound::WavSpec {
        channels: 2,
        sample_rate: RATE_HZ,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut wav = hound::WavWriter::create(folder.join(RECORDING_FILE), spec).unwrap();
    let caller =
        [(3_600, 4_700), (8_500, 9_450), (10_800, 11_150), (17_300, 17_750), (19_600, 20_250)];
    let line = [
        (83, 2_900),
        (5_011, 7_700),
        (9_774, 10_803),
        (11_132, 12_600),
        (14_253, 17_323),
        (18_067, 18_600),
        (20_576, 21_400),
    ];
    let mut noise = 1u32;
    for n in 0..RATE_HZ * 43 / 2 {
        noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let t_ms = u64::from(n) * 1_000 / u64::from(RATE_HZ);
        let hiss = f64::from(noise >> 16) / 32_768.0 - 1.0;
        let tone = (f64::from(n) * 0.17).sin();
        for (spans, carrier) in [(&caller[..], hiss), (&line[..], tone)] {
            let loud = loudness(spans, t_ms);
            wav.write_sample((carrier * (12_000.0 * loud + 40.0)) as i16).unwrap();
        }
    }
    wav.finalize().unwrap();
}

/// Syllables of about 200 ms.
fn loudness(spans: &[(u64, u64)], t_ms: u64) -> f64 {
    let Some((from, _)) = spans.iter().find(|(from, to)| (from..to).contains(&&t_ms)) else {
        return 0.0;
    };
    let t = (t_ms - from) as f64;
    (t / 64.0).sin().abs() * (0.6 + 0.4 * (t / 310.0).sin().abs())
}

const RATE_HZ: u32 = 8_000;

/// A minute in which everybody wants to speak at once, for the layout of the picture.
pub(super) fn busy_record() -> CallRecord {
    let mut script = Script::default();
    script.opening();
    for n in 0..24_u64 {
        let at = 3_000.0 + 2_300.0 * n as f64;
        let words = &REPORT[..20 + (n as usize * 7) % 90];
        script.caller(n + 1, words, &["what", "what time"], at, at + 900.0, n % 3 == 0);
        let source = SOURCES[n as usize % SOURCES.len()];
        let id = format!("c-{n}");
        script.start(&id, source, Some(n + 1), REPORT, at + 1_200.0, "answer to the caller");
        script.at(at + 1_300.0, CallEvent::Onset);
        let verdict = if n % 2 == 0 { VerdictKind::Speech } else { VerdictKind::Echo };
        script.at(at + 1_500.0, CallEvent::Verdict { verdict, decide_ms: 200.0 });
        script.floor(at + 1_600.0, None, None, "caller speaks");
        script.ended(at + 1_620.0, &id, ENDINGS[n as usize % ENDINGS.len()], "The backup");
        script.at(at, CallEvent::BrainDown { reason: "killed by signal 9".into() });
        script.at(at + 400.0, CallEvent::BrainUp { pid: Some(7) });
        let (job, label) = (format!("j-{n}"), "copying all of it to the second disk".to_owned());
        script.at(at, CallEvent::JobStarted { job: job.clone(), label });
        script.at(at + 5_000.0, CallEvent::JobFinished { job, outcome: "done".into() });
    }
    CallRecord::from_events(script.events)
}

const SOURCES: [ClaimSource; 5] = [
    ClaimSource::Responder,
    ClaimSource::Worker,
    ClaimSource::System,
    ClaimSource::Operator,
    ClaimSource::External,
];
const ENDINGS: [EndingKind; 4] =
    [EndingKind::Interrupted, EndingKind::Stale, EndingKind::Spoken, EndingKind::Duplicate];
