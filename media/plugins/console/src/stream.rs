//! A device's stream: one side of a ring, whatever its format.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use cpal::traits::{DeviceTrait, StreamTrait};
use cpal::{
    BufferSize, ErrorKind, FromSample, Sample, SampleFormat, SizedSample, StreamConfig,
    SupportedStreamConfig, SupportedStreamConfigRange,
};
use rtrb::{Consumer, Producer};

use crate::device::{Direction, SoundError, id_of, refused};
use crate::figures::Counters;

/// How a device is going to be used.
#[derive(Clone, Copy)]
pub(crate) struct Terms {
    pub config: StreamConfig,
    pub format: SampleFormat,
}

/// The format of `device` that suits best: 48 kHz, few channels.
pub(crate) fn terms(direction: Direction, device: &cpal::Device) -> Result<Terms, SoundError> {
    let no = |error: cpal::Error| refused(direction, device, &error);
    let ranges: Vec<SupportedStreamConfigRange> = match direction {
        Direction::In => device.supported_input_configs().map_err(no)?.collect(),
        Direction::Out => device.supported_output_configs().map_err(no)?.collect(),
    };
    let best = ranges.iter().filter_map(suiting).max_by_key(|it| suits(direction, it));
    let Some(best) = best else {
        return Err(SoundError::Format { direction, name: id_of(device) });
    };
    let buffer_size = BufferSize::Fixed(best.sample_rate() / 1_000 * PERIOD_MS);
    let config = StreamConfig { buffer_size, ..best.config() };
    Ok(Terms { config, format: best.sample_format() })
}

/// The best rate of a range whose format we know.
fn suiting(range: &SupportedStreamConfigRange) -> Option<SupportedStreamConfig> {
    FORMATS.contains(&range.sample_format()).then(|| {
        range.try_with_standard_sample_rate().unwrap_or_else(|| range.with_max_sample_rate())
    })
}

fn suits(direction: Direction, config: &SupportedStreamConfig) -> (bool, i32, usize) {
    let wanted = match direction {
        Direction::In => 1,
        Direction::Out => 2,
    };
    let channels = -(i32::from(config.channels()) - wanted).abs();
    let format = FORMATS.iter().position(|it| *it == config.sample_format());
    (config.sample_rate() == cpal::SAMPLE_RATE_48K, channels, FORMATS.len() - format.unwrap_or(0))
}

/// Opens a microphone that fills `ring` with its channels' mean.
pub(crate) fn record(
    device: &cpal::Device,
    terms: Terms,
    ring: Producer<i16>,
    counters: &Arc<Counters>,
) -> Result<cpal::Stream, SoundError> {
    let stream = match terms.format {
        SampleFormat::F32 => recording::<f32>(device, terms, ring, counters),
        SampleFormat::I32 => recording::<i32>(device, terms, ring, counters),
        SampleFormat::U16 => recording::<u16>(device, terms, ring, counters),
        _ => recording::<i16>(device, terms, ring, counters),
    };
    playing(stream).map_err(|error| refused(Direction::In, device, &error))
}

/// Opens a loudspeaker that plays what is in `ring` on all channels.
pub(crate) fn play(
    device: &cpal::Device,
    terms: Terms,
    ring: Consumer<i16>,
    counters: &Arc<Counters>,
) -> Result<cpal::Stream, SoundError> {
    let stream = match terms.format {
        SampleFormat::F32 => sounding::<f32>(device, terms, ring, counters),
        SampleFormat::I32 => sounding::<i32>(device, terms, ring, counters),
        SampleFormat::U16 => sounding::<u16>(device, terms, ring, counters),
        _ => sounding::<i16>(device, terms, ring, counters),
    };
    playing(stream).map_err(|error| refused(Direction::Out, device, &error))
}

fn playing(stream: Result<cpal::Stream, cpal::Error>) -> Result<cpal::Stream, cpal::Error> {
    let stream = stream?;
    stream.play()?;
    Ok(stream)
}

fn recording<T: SizedSample>(
    device: &cpal::Device,
    terms: Terms,
    mut ring: Producer<i16>,
    counters: &Arc<Counters>,
) -> Result<cpal::Stream, cpal::Error>
where
    i32: FromSample<T>,
{
    let (channels, counted) = (usize::from(terms.config.channels.max(1)), Arc::clone(counters));
    let take = move |data: &[T], _: &_| {
        let frames = data.chunks_exact(channels);
        let (offered, room) = (frames.len(), ring.slots());
        counted.stumbling.store(false, Relaxed);
        if offered > room && counted.is_settled() {
            counted.skipped.fetch_add((offered - room) as u64, Relaxed);
        }
        let mean = |frame: &[T]| {
            let sum: i64 = frame.iter().map(|&s| i64::from(i32::from_sample(s) >> 16)).sum();
            (sum / channels as i64) as i16
        };
        if let Ok(chunk) = ring.write_chunk_uninit(offered.min(room)) {
            chunk.fill_from_iter(frames.map(mean));
        }
    };
    device.build_input_stream(terms.config, take, told(counters), GIVE_UP_AFTER)
}

fn sounding<T: SizedSample + FromSample<i16>>(
    device: &cpal::Device,
    terms: Terms,
    mut ring: Consumer<i16>,
    counters: &Arc<Counters>,
) -> Result<cpal::Stream, cpal::Error> {
    let (channels, counted) = (usize::from(terms.config.channels.max(1)), Arc::clone(counters));
    let mut begun = false;
    let give = move |data: &mut [T], _: &_| {
        counted.stumbling.store(false, Relaxed);
        counted.blocks.fetch_add(1, Relaxed);
        let wanted = data.len() / channels;
        // It begins with a full block, and not with the first sample that somebody brings.
        begun |= ring.slots() >= wanted;
        let there = if begun { ring.slots().min(wanted) } else { 0 };
        let mut frames = data.chunks_exact_mut(channels);
        if let Ok(chunk) = ring.read_chunk(there) {
            for (sample, frame) in chunk.into_iter().zip(&mut frames) {
                frame.fill(T::from_sample(sample));
            }
        }
        frames.for_each(|frame| frame.fill(T::EQUILIBRIUM));
        if begun {
            if counted.is_settled() {
                counted.starved.fetch_add(u64::from(there < wanted), Relaxed);
            }
            counted.least.fetch_min(ring.slots(), Relaxed);
        }
    };
    device.build_output_stream(terms.config, give, told(counters), GIVE_UP_AFTER)
}

/// What becomes of what the device reports.
fn told(counters: &Arc<Counters>) -> impl FnMut(cpal::Error) + Send + 'static {
    let counters = Arc::clone(counters);
    move |error| match error.kind() {
        // It goes on, elsewhere or not as promptly.
        ErrorKind::DeviceChanged | ErrorKind::RealtimeDenied => {}
        ErrorKind::DeviceNotAvailable
        | ErrorKind::HostUnavailable
        | ErrorKind::StreamInvalidated
        | ErrorKind::PermissionDenied => counters.gone.store(true, Relaxed),
        // Whatever else went wrong, the device is asked again, and a gap is what comes of it.
        _ => counters.stumbles(),
    }
}

/// The sooner the better; a device that cannot takes the nearest that it can.
const PERIOD_MS: u32 = 10;
/// Those that are asked for, best first.
const FORMATS: [SampleFormat; 4] =
    [SampleFormat::I16, SampleFormat::F32, SampleFormat::I32, SampleFormat::U16];
/// A device that does not answer for so long is not going to.
const GIVE_UP_AFTER: Option<Duration> = Some(Duration::from_secs(5));
