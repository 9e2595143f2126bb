//! `xenline call`.

use std::time::Duration;

use media_core::Codec;
use media_core::plugin::{SpeechChunk, SpeechSink, TextToSpeech};
use plugin_piper::Espeak;

use super::{CallError, Dialling, Softphone};
use crate::cli::CallArgs;
use crate::clip::Clip;
use crate::exit::Failure;

/// A voice that is not the line's, so that a recording shows who speaks.
const CALLER_VOICE: &str = "en-us+m3";

/// Calls, speaks, records, hangs up, and prints what the call was like.
///
/// # Errors
/// [`Failure`]: the clips, the call.
pub async fn call(args: CallArgs) -> Result<(), Failure> {
    let clips = clips(&args)?;
    let codecs = codecs(args.codec.as_deref())?;
    let headers = headers(&args.header)?;
    let dialling = Dialling {
        headers,
        target: args.uri.clone(),
        from: args.from.clone(),
        bind: args.bind,
        codecs,
        srtp: args.srtp,
        tls_ca: args.tls_ca.clone(),
        record: Some(args.record.clone()),
        answer_within: Duration::from_secs(args.answer_within_s),
    };
    // Whoever typed the number may read it.
    sip_bridge::reveal_pii(true);
    println!("calling {}", args.uri);
    let mut phone = Softphone::dial(dialling).await.map_err(|error| match error {
        CallError::NotAnswered(_) => Failure::NoLine(error.to_string()),
        error => Failure::because(error),
    })?;
    if let Some(rang) = phone.before.rang {
        println!("it rang after {} ms", rang.as_millis());
    }
    if let Some(heard) = phone.before.heard {
        println!("heard before the answer, from {} ms on", heard.as_millis());
    }
    println!("answered after {} ms", phone.setup.as_millis());
    if let Some(suite) = phone.before.protection {
        println!("the sound is protected with {suite}");
    }
    match talk(&mut phone, &clips, &args).await {
        Ok(()) => println!("hanging up"),
        Err(CallError::Ended(outcome)) => println!("the line hung up: {}", outcome.reason),
        Err(error) => return Err(Failure::because(error)),
    }
    let statistics = phone.hang_up().await.statistics;
    println!(
        "RTP sent {}, received {}, lost {}, jitter {:.1} ms, MOS {:.2} (estimated)",
        statistics.rtp_sent,
        statistics.rtp_received,
        statistics.rtp_lost,
        statistics.jitter_ms,
        statistics.mos_estimated
    );
    println!("recorded {} (left: heard, right: said)", args.record.display());
    if statistics.rtp_received == 0 {
        return Err(Failure::Failed(
            "answered, and not one RTP packet came back: look for a firewall between us and the line's media_ip".into(),
        ));
    }
    Ok(())
}

async fn talk(phone: &mut Softphone, clips: &[Clip], args: &CallArgs) -> Result<(), CallError> {
    for clip in clips {
        phone.listen(Duration::from_millis(args.pause_ms)).await?;
        println!("speaking for {:.1} s", clip.duration().as_secs_f64());
        phone.play(clip).await?;
    }
    if !args.digits.is_empty() {
        phone.digits(&args.digits);
    }
    phone.listen(Duration::from_millis(args.stay_ms)).await
}

fn clips(args: &CallArgs) -> Result<Vec<Clip>, Failure> {
    let mut clips = Vec::new();
    for path in &args.say {
        clips.push(Clip::read(path).map_err(|error| Failure::Usage(error.to_string()))?);
    }
    for text in &args.mic_text {
        clips.push(synthesise(text)?);
    }
    Ok(clips)
}

/// A caller's voice for `text`.
pub fn synthesise(text: &str) -> Result<Clip, Failure> {
    struct Sound(Vec<i16>);
    impl SpeechSink for Sound {
        fn chunk(&mut self, chunk: SpeechChunk<'_>) -> std::ops::ControlFlow<()> {
            self.0.extend_from_slice(chunk.samples);
            std::ops::ControlFlow::Continue(())
        }
    }
    let voice = Espeak::new(CALLER_VOICE, None).map_err(Failure::because)?;
    let mut sound = Sound(Vec::new());
    voice.speak(text, &mut sound).map_err(Failure::because)?;
    Ok(Clip { samples: sound.0, rate: voice.capabilities().sample_rate })
}

/// `X-Name: value`, as it stands in a message.
fn headers(written: &[String]) -> Result<Vec<(String, String)>, Failure> {
    let header = |text: &String| {
        let (name, value) = text.split_once(':')?;
        let name = name.trim();
        sip_bridge::is_custom_header(name).then(|| (name.to_owned(), value.trim().to_owned()))
    };
    let bad = |text: &String| Failure::Usage(format!("{text:?} is not like \"X-Name: value\""));
    written.iter().map(|text| header(text).ok_or_else(|| bad(text))).collect()
}

fn codecs(only: Option<&str>) -> Result<Vec<Codec>, Failure> {
    let Some(name) = only else { return Ok(crate::engines::CODECS.to_vec()) };
    match crate::engines::codec(name) {
        Some(codec) => Ok(vec![codec]),
        None => {
            Err(Failure::Usage(format!("{name:?} is not one of {}", crate::engines::codec_names())))
        }
    }
}
