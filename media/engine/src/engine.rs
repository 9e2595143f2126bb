//! The engine: starts the threads, opens lines, ends in order.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{Builder, JoinHandle};

use rtrb::RingBuffer;

use crate::audio::{AudioThread, Silence};
use crate::clock::Clock;
use crate::config::{EngineConfig, Engines, StartError};
use crate::control::Control;
use crate::event::LineEventSink;
use crate::leg::{Leg, LegSpec};
use crate::line::{Line, LineMode, LineSpec, OpenError};
use crate::metrics::EngineMetrics;
use crate::open::{Built, BuiltLeg, Surroundings, ToOpen, build, build_leg};
use crate::ports::{PortAllocator, PortError, RtpPort};
use crate::pump::{Pump, PumpMessage};
use crate::recorder::{self, RecorderPort};
use crate::rings::{Command, GRAVEYARD_DEPTH, SeatKey};
use crate::speech::{SpeechPool, SttPool};

/// Carries lines: audio threads, their pumps, speech workers, a recorder.
///
/// Dropping it is [`Engine::shutdown`].
pub struct Engine {
    clock: Clock,
    ports: Arc<PortAllocator>,
    threads: Vec<Arc<Control>>,
    lines_open: Arc<AtomicUsize>,
    lines_max: usize,
    around: Option<Surroundings>,
    speech: Arc<SpeechPool>,
    stt: Arc<SttPool>,
    stopped: AtomicBool,
    /// Audio threads and pumps; workers; the recorder. Ended in this order.
    carriers: Mutex<Vec<JoinHandle<()>>>,
    workers: Mutex<Vec<JoinHandle<()>>>,
    recorder: Mutex<Option<JoinHandle<()>>>,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("metrics", &self.metrics()).finish_non_exhaustive()
    }
}

impl Engine {
    /// Starts all threads.
    ///
    /// # Errors
    /// [`StartError`]: a value out of range, an unusable port range, no more threads.
    pub fn start(config: EngineConfig, engines: Engines) -> Result<Engine, StartError> {
        config.check()?;
        let clock = Clock::new();
        let range = config.port_range.clone();
        let ports = Arc::new(PortAllocator::new(config.bind_ip, range, config.port_rest, clock)?);
        let Engines { stt, tts, fallback_tts, codecs } = engines;
        // Nobody to decode is no recogniser; lines are told so instead of waiting for ever.
        let stt = stt.filter(|_| config.stt_workers > 0);
        let speech = Arc::new(SpeechPool::new(tts, fallback_tts, config.lines_max));
        let (recorder_port, recordings) = RecorderPort::new();
        let mut engine = Engine {
            clock,
            ports,
            threads: Vec::new(),
            lines_open: Arc::default(),
            lines_max: config.lines_max,
            around: Some(Surroundings {
                speech: Arc::clone(&speech),
                recorder: recorder_port,
                tick_ms: config.ptime.ms(),
                silence: Silence { quiet: config.media_quiet, timeout: config.media_timeout },
                codecs,
            }),
            speech,
            stt: Arc::new(SttPool::new(stt)),
            stopped: AtomicBool::new(false),
            carriers: Mutex::default(),
            workers: Mutex::default(),
            recorder: Mutex::default(),
        };
        // From here on a failure drops the engine, which ends what has been started.
        let recorder = spawn("recorder".to_owned(), move || recorder::run(&recordings))?;
        *lock(&engine.recorder) = Some(recorder);
        engine.start_workers(&config)?;
        for n in 0..config.audio_threads {
            engine.start_carrier(&config, n)?;
        }
        Ok(engine)
    }

    /// The clock that all times in events come from.
    #[must_use]
    pub fn clock(&self) -> Clock {
        self.clock
    }

    /// Binds a port pair for a line to come. Dropped, it is free again after a rest.
    ///
    /// # Errors
    /// [`PortError`].
    pub fn reserve_port(&self) -> Result<RtpPort, PortError> {
        self.ports.reserve()
    }

    /// Opens a line. RTP leaves from the next tick on.
    ///
    /// `events` is called on a pump thread; see [`LineEventSink`].
    ///
    /// # Errors
    /// [`OpenError`]; the port is given back.
    pub fn open_line(&self, spec: LineSpec, events: LineEventSink) -> Result<Line, OpenError> {
        let around = self.around.as_ref().ok_or(OpenError::ShuttingDown)?;
        let LineSpec { id, carrier, mode, record, ear } = spec;
        let carrier = carrier.equip(&around.codecs)?;
        let spec = ToOpen { id, carrier, mode, record, ear };
        self.admit()?;
        let control = self.idlest();
        let Some(key) = control.acquire() else {
            self.lines_open.fetch_sub(1, Ordering::AcqRel);
            return Err(OpenError::Full { max: self.lines_max });
        };
        let Built { audio, pump, handle } = build(spec, events, key, control, around);
        control.send(PumpMessage::Open { key, line: pump });
        if control.command(Command::Open(audio)).is_err() {
            control.send(PumpMessage::Cancel { key });
            return Err(OpenError::Busy);
        }
        Ok(handle)
    }

    /// Lets a leg join `line`: from the next tick on it hears the line's voice and the other legs,
    /// they hear it, and the line listens to it by itself. It counts as a line of its own towards
    /// the configured limit.
    ///
    /// `events` gets what is heard on this leg, its levels, digits and end; the line's own events
    /// go on as before.
    ///
    /// # Errors
    /// [`OpenError`]; the port is given back.
    pub fn join(
        &self,
        line: &Line,
        spec: LegSpec,
        events: LineEventSink,
    ) -> Result<Leg, OpenError> {
        if line.mode == LineMode::Echo {
            return Err(OpenError::Echo);
        }
        let around = self.around.as_ref().ok_or(OpenError::ShuttingDown)?;
        let LegSpec { carrier, ear, mix } = spec;
        let carrier = carrier.equip(&around.codecs)?;
        self.admit()?;
        let control = &line.control;
        let Some(key) = control.acquire() else {
            self.lines_open.fetch_sub(1, Ordering::AcqRel);
            return Err(OpenError::Full { max: self.lines_max });
        };
        let agreed = carrier.carrier.media().cloned();
        let BuiltLeg { seat, pump, shared } = build_leg((carrier, ear), events, key, line, around);
        control.send(PumpMessage::Open { key, line: pump });
        let reseat = |table| control.command(Command::Reseat(line.key, table)).is_ok();
        if let Err(error) = line.company.join(seat, mix, reseat) {
            control.send(PumpMessage::Cancel { key });
            return Err(error);
        }
        Ok(Leg {
            shared,
            key: SeatKey { line: line.key, seat: key },
            control: Arc::clone(control),
            company: Arc::clone(&line.company),
            media: Mutex::new(agreed),
        })
    }

    /// Figures of the whole engine.
    #[must_use]
    pub fn metrics(&self) -> EngineMetrics {
        let lines = self.lines_open.load(Ordering::Acquire);
        let ports = self.ports.occupancy();
        let waiting = (self.stt.waiting(), self.speech.waiting());
        EngineMetrics::gather(&self.threads, lines, ports, waiting)
    }

    /// Closes all lines and ends all threads. Blocks for some ticks, longer if a decode or a disk
    /// is in the way.
    pub fn shutdown(self) {
        drop(self);
    }

    /// Counts a line in, or refuses it.
    fn admit(&self) -> Result<(), OpenError> {
        self.lines_open
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |open| {
                (open < self.lines_max).then_some(open + 1)
            })
            .map(drop)
            .map_err(|_| OpenError::Full { max: self.lines_max })
    }

    fn idlest(&self) -> &Arc<Control> {
        let load = |control: &&Arc<Control>| control.figures.lines.load(Ordering::Relaxed);
        // The configuration has at least one thread.
        self.threads.iter().min_by_key(load).unwrap_or(&self.threads[0])
    }

    fn start_workers(&self, config: &EngineConfig) -> Result<(), StartError> {
        for n in 0..config.stt_workers {
            let pool = Arc::clone(&self.stt);
            lock(&self.workers).push(spawn(format!("stt-{n}"), move || pool.run())?);
        }
        // Ready audio is converted there too, so there is at least one.
        for n in 0..config.tts_workers.max(1) {
            let pool = Arc::clone(&self.speech);
            lock(&self.workers).push(spawn(format!("tts-{n}"), move || pool.run())?);
        }
        Ok(())
    }

    fn start_carrier(&mut self, config: &EngineConfig, n: usize) -> Result<(), StartError> {
        let lines_open = Arc::clone(&self.lines_open);
        let (control, commands, messages) = Control::new(config.lines_max, lines_open);
        let control = Arc::new(control);
        let (graves, graveyard) = RingBuffer::new(GRAVEYARD_DEPTH);
        let pump = Pump {
            control: Arc::clone(&control),
            messages,
            graveyard,
            stt: Arc::clone(&self.stt),
            lines: empty(config.lines_max),
        };
        let audio = AudioThread {
            control: Arc::clone(&control),
            commands,
            graveyard: graves,
            lines: empty(config.lines_max),
            ptime: config.ptime,
            realtime_priority: config.realtime_priority,
        };
        let pump = spawn(format!("pump-{n}"), move || pump.run())?;
        control.set_pump(pump.thread().clone());
        self.threads.push(Arc::clone(&control));
        lock(&self.carriers).push(pump);
        match spawn(format!("audio-{n}"), move || audio.run()) {
            Ok(audio) => lock(&self.carriers).push(audio),
            Err(error) => {
                control.audio_done.store(true, Ordering::Release);
                return Err(error);
            }
        }
        Ok(())
    }

    fn stop(&mut self) {
        if self.stopped.swap(true, Ordering::AcqRel) {
            return;
        }
        for control in &self.threads {
            control.stop.store(true, Ordering::Release);
            control.wake_pump();
        }
        join(lock(&self.carriers).drain(..));
        self.stt.stop();
        self.speech.stop();
        join(lock(&self.workers).drain(..));
        // The last port but those of lines that are gone; the recorder ends with it.
        self.around = None;
        join(lock(&self.recorder).take().into_iter());
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.stop();
    }
}

fn spawn(name: String, run: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, StartError> {
    Builder::new()
        .name(name.clone())
        .spawn(run)
        .map_err(|source| StartError::Thread { name, source })
}

fn join(threads: impl Iterator<Item = JoinHandle<()>>) {
    for thread in threads {
        let name = thread.thread().name().unwrap_or("?").to_owned();
        if thread.join().is_err() {
            tracing::error!(thread = name, "the thread had panicked");
        }
    }
}

fn empty<T>(places: usize) -> Vec<Option<T>> {
    std::iter::repeat_with(|| None).take(places).collect()
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
