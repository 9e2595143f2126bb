//! Several peers at one line: each hears the line's voice and the others, and nobody themselves.
//!
//! The mix has the highest rate of those at the table; whoever has a lower one is converted on the
//! way in and out. The table is built outside the tick. A guest who leaves fades out in one more
//! tick, and is then freed elsewhere.

use std::time::Duration;

use arrayvec::ArrayVec;
use media_core::level::{dbov_to_power, power};
use media_core::mix::{Ducker, DuckerConfig, Fader, Limiter, MixBus, db_to_gain};
use media_core::plugin::Circle;
use media_core::resample::Resampler;
use media_core::{Generation, MonoTime, SampleRate};

use super::Seat;
use super::leg::Rates;
use super::line::Tick;
use crate::leg::LegMix;
use crate::rings::{FRAME_SAMPLES, LineKey};
use crate::sockets::RecvBatch;

/// Most legs that may sit at a line beside its first.
pub(crate) const GUESTS_MAX: usize = 63;

/// Louder than this, a peer is making a sound that others make room for.
const SOUND_DBOV: f32 = -45.0;

/// A line's company.
pub(crate) struct Table {
    rate: SampleRate,
    tick: Duration,
    frame_samples: usize,
    /// Who belongs to it; whoever else sits there is leaving.
    roster: ArrayVec<LineKey, GUESTS_MAX>,
    host: Channel,
    guests: ArrayVec<Box<Guest>, GUESTS_MAX>,
    /// Converters for guests who sat at the table before.
    converters: Vec<(LineKey, Option<Box<Rates>>)>,
    /// The voice on its way to the mix.
    voice_up: Option<Box<Resampler>>,
    voice: Fader,
    /// Whose speech is in `voice_up`.
    speaker: Generation,
    ducker: Ducker,
    sound: f32,
    bus: MixBus<FRAME_SAMPLES>,
}

/// A peer that joined a line.
pub(crate) struct Guest {
    seat: Seat,
    channel: Channel,
    /// Sits no longer on the roster, and has faded out.
    departed: bool,
}

/// A peer's way into the mix and out of it.
struct Channel {
    mix: LegMix,
    fader: Fader,
    /// How much it hears of the others.
    ear: Fader,
    limiter: Limiter,
    /// Between the seat's rate and the mix's.
    rates: Option<Box<Rates>>,
    /// What the peer said in this tick, as the others hear it.
    part: [i16; FRAME_SAMPLES],
    /// Samples used of it.
    length: usize,
}

/// What a table is made of. Rates: the seats' own.
pub(crate) struct TableParts {
    pub tick_ms: u32,
    pub line_rate: SampleRate,
    /// Everybody on the roster, the new guest included.
    pub guests: ArrayVec<(LineKey, SampleRate), GUESTS_MAX>,
    pub new: Option<(Seat, LegMix)>,
}

impl Table {
    /// Takes all memory that it needs; not for the tick.
    pub fn new(parts: TableParts) -> Self {
        let TableParts { tick_ms, line_rate, guests, new } = parts;
        let highest = |a: SampleRate, b: SampleRate| if a.hz() >= b.hz() { a } else { b };
        let rate = guests.iter().map(|(_, rate)| *rate).fold(line_rate, highest);
        let between = |seat: SampleRate| Rates::between(seat, rate);
        let mut table = Self {
            rate,
            tick: Duration::from_millis(u64::from(tick_ms)),
            frame_samples: rate.samples_in_ms(tick_ms).min(FRAME_SAMPLES),
            roster: guests.iter().map(|(key, _)| *key).collect(),
            host: Channel::new(LegMix::default(), Fader::open(), between(line_rate)),
            guests: ArrayVec::new(),
            converters: Vec::new(),
            voice_up: (line_rate != rate).then(|| Box::new(Resampler::new(line_rate, rate))),
            voice: Fader::open(),
            speaker: Generation::NONE,
            ducker: Ducker::new(DuckerConfig::default()),
            sound: dbov_to_power(SOUND_DBOV),
            bus: MixBus::new(),
        };
        let newcomer = new.as_ref().map(|(seat, _)| seat.key());
        for (key, rate) in guests {
            if Some(key) != newcomer {
                table.converters.push((key, between(rate)));
            }
        }
        if let Some((seat, mix)) = new {
            let channel = Channel::new(mix, Fader::silent(), between(seat.shared().rate));
            table.guests.push(Box::new(Guest { seat, channel, departed: false }));
        }
        table
    }

    pub fn has_guests(&self) -> bool {
        !self.guests.is_empty()
    }

    pub fn guests(&self) -> impl Iterator<Item = LineKey> {
        self.guests.iter().map(|guest| guest.seat.key())
    }

    /// Whether any guest is to hear audio now.
    pub fn speaks(&self) -> bool {
        self.guests.iter().any(|guest| guest.seat.speaks())
    }

    /// Whether somebody who was heard until now fades out in this tick.
    pub fn falls_silent(&self) -> bool {
        let fades = |channel: &Channel, stays: bool| {
            let goes_on = stays && channel.mix.audible;
            !goes_on && !channel.fader.is_silent()
        };
        let is_there = |guest: &Guest| self.roster.contains(&guest.seat.key());
        fades(&self.host, true) || self.guests.iter().any(|it| fades(&it.channel, is_there(it)))
    }

    pub fn seat(&mut self, key: LineKey) -> Option<&mut Seat> {
        self.guest(key).map(|guest| &mut guest.seat)
    }

    /// Sets how a guest takes part; `None` is the host.
    pub fn set_mix(&mut self, guest: Option<LineKey>, mix: LegMix) {
        let channel = match guest {
            None => Some(&mut self.host),
            Some(key) => self.guest(key).map(|guest| &mut guest.channel),
        };
        if let Some(channel) = channel {
            channel.mix = mix;
        }
    }

    /// Takes over who sits at `before`. Converters go on where the rate stays; what is not needed
    /// stays in `before`, to be freed with it.
    pub fn adopt(&mut self, before: &mut Table) {
        let same = self.rate == before.rate;
        if same {
            std::mem::swap(&mut self.voice_up, &mut before.voice_up);
            std::mem::swap(&mut self.host.rates, &mut before.host.rates);
        }
        let Channel { mix, fader, ear, limiter, .. } = before.host;
        (self.host.mix, self.host.fader) = (mix, fader);
        (self.host.ear, self.host.limiter) = (ear, limiter);
        (self.voice, self.ducker) = (before.voice, before.ducker.clone());
        while let Some(mut guest) = before.guests.pop() {
            let key = guest.seat.key();
            let fresh = self.converters.iter_mut().find(|(owner, _)| *owner == key);
            if let Some((_, rates)) = fresh.filter(|_| !same) {
                std::mem::swap(&mut guest.channel.rates, rates);
            }
            if let Err(full) = self.guests.try_push(guest) {
                before.guests.push(full.element());
                return;
            }
        }
    }

    /// Takes what the guests sent.
    pub fn hear(&mut self, tick: &Tick, batch: &mut RecvBatch) {
        for guest in &mut self.guests {
            guest.seat.hear(tick, batch);
        }
    }

    /// Sends everybody the voice and the others. `voice`: one tick at the line's rate, spoken by
    /// `speaker`.
    pub fn send(&mut self, tick: &Tick, host: &mut Seat, voice: &[i16], speaker: Generation) {
        self.gather(host);
        self.add_voice(voice, speaker);
        let mut mixed = [0; FRAME_SAMPLES];
        let mixed = &mut mixed[..self.frame_samples];
        let near_host = host.circle();
        let mut limiter = self.host.limiter;
        self.rest(&self.host, near_host, near_host, &mut limiter, mixed);
        self.host.limiter = limiter;
        self.host.send(tick, host, mixed);
        for index in 0..self.guests.len() {
            let Guest { seat, channel, .. } = &*self.guests[index];
            let mut limiter = channel.limiter;
            self.rest(channel, seat.circle(), near_host, &mut limiter, mixed);
            let guest = &mut *self.guests[index];
            guest.channel.limiter = limiter;
            guest.channel.send(tick, &mut guest.seat, mixed);
        }
    }

    /// What is to be heard at `channel`: everything but its own part, or but those of its `circle`.
    /// `near_host`: the host's.
    fn rest(
        &self,
        channel: &Channel,
        circle: Option<Circle>,
        near_host: Option<Circle>,
        limiter: &mut Limiter,
        out: &mut [i16],
    ) {
        if circle.is_none() {
            return self.bus.without(channel.part(), limiter, out);
        }
        let host = (near_host == circle).then(|| self.host.part());
        let guests = self.guests.iter().filter(|guest| guest.seat.circle() == circle);
        let parts = host.into_iter().chain(guests.map(|guest| guest.channel.part()));
        self.bus.without_all(parts, limiter, out);
    }

    /// Shows each ear what its peer said and was sent.
    pub fn tap(&mut self, tick: &Tick, host: &mut Seat, speaking: bool) {
        self.host.tap(tick, host, speaking);
        for guest in &mut self.guests {
            guest.channel.tap(tick, &mut guest.seat, speaking);
        }
    }

    /// Ends the tick.
    pub fn look_after(&mut self, tick: &Tick, batch: &mut RecvBatch) {
        for guest in &mut self.guests {
            guest.seat.look_after(tick, batch);
            guest.departed = !self.roster.contains(&guest.seat.key());
        }
    }

    pub fn take_news(&mut self) -> bool {
        let mut news = false;
        for guest in &mut self.guests {
            news |= guest.seat.take_news();
        }
        news
    }

    /// A guest who has left and was heard for the last time.
    pub fn take_departed(&mut self, now: MonoTime) -> Option<Box<Guest>> {
        let place = self.guests.iter().position(|guest| guest.departed)?;
        let mut guest = self.guests.swap_remove(place);
        guest.seat.farewell(now);
        Some(guest)
    }

    pub fn farewell(&mut self, now: MonoTime) {
        for guest in &mut self.guests {
            guest.seat.farewell(now);
        }
    }

    /// Adds up what everybody said, each as loud as it may be.
    fn gather(&mut self, host: &Seat) {
        let Self { host: channel, guests, roster, .. } = self;
        channel.take(host.heard(), self.frame_samples);
        let mut sounds = channel.goes_before(self.sound);
        for guest in guests.iter_mut() {
            guest.channel.take(guest.seat.heard(), self.frame_samples);
            sounds |= guest.channel.goes_before(self.sound);
        }
        let room = self.ducker.gain(sounds, self.tick);
        self.voice.set(room);
        self.bus.begin(self.frame_samples);
        channel.fade(room, true);
        self.bus.add(channel.part());
        for Guest { seat, channel, .. } in guests.iter_mut().map(|guest| &mut **guest) {
            channel.fade(room, roster.contains(&seat.key()));
            self.bus.add(channel.part());
        }
    }

    fn add_voice(&mut self, voice: &[i16], speaker: Generation) {
        let changed = std::mem::replace(&mut self.speaker, speaker) != speaker;
        let mut frame = [0; FRAME_SAMPLES];
        let frame = &mut frame[..self.frame_samples];
        match &mut self.voice_up {
            None => frame[..voice.len()].copy_from_slice(voice),
            Some(up) => {
                if changed {
                    // What the filter still holds of who has lost the floor is not sent.
                    up.reset();
                }
                let made = up.process(voice, frame);
                frame[made..].fill(0);
            }
        }
        self.voice.apply(frame);
        self.bus.add(frame);
    }

    fn guest(&mut self, key: LineKey) -> Option<&mut Guest> {
        self.guests.iter_mut().find(|guest| guest.seat.key() == key).map(|guest| &mut **guest)
    }
}

impl Guest {
    pub fn key(&self) -> LineKey {
        self.seat.key()
    }
}

impl Channel {
    fn new(mix: LegMix, fader: Fader, rates: Option<Box<Rates>>) -> Self {
        let part = [0; FRAME_SAMPLES];
        let (ear, limiter) = (Fader::open(), Limiter::new());
        Self { mix, fader, ear, limiter, rates, part, length: 0 }
    }

    fn part(&self) -> &[i16] {
        &self.part[..self.length]
    }

    /// Takes what the peer said to the mix's rate.
    fn take(&mut self, heard: &[i16], length: usize) {
        self.length = length;
        let part = &mut self.part[..length];
        let made = match &mut self.rates {
            Some(rates) => rates.up.process(heard, part),
            None => {
                let made = heard.len().min(length);
                part[..made].copy_from_slice(&heard[..made]);
                made
            }
        };
        part[made..].fill(0);
    }

    /// Whether others make room for the peer now. `sound`: the power from which on.
    fn goes_before(&self, sound: f32) -> bool {
        self.mix.goes_before && self.mix.audible && power(self.part()) > sound
    }

    /// Makes the peer as loud as the others are to hear it. `room`: what is left while somebody
    /// goes before.
    fn fade(&mut self, room: f32, stays: bool) {
        let room = if self.mix.goes_before { 1.0 } else { room };
        let gain = db_to_gain(self.mix.gain_db) * room;
        self.fader.set(if stays && self.mix.audible { gain } else { 0.0 });
        self.fader.apply(&mut self.part[..self.length]);
    }

    /// Sends what is to be heard there, in `mixed`.
    fn send(&mut self, tick: &Tick, seat: &mut Seat, mixed: &mut [i16]) {
        self.ear.set(if self.mix.hears { 1.0 } else { 0.0 });
        self.ear.apply(mixed);
        let Some(rates) = &mut self.rates else { return seat.send(tick, mixed) };
        let mut frame = [0; FRAME_SAMPLES];
        let frame = &mut frame[..seat.frame_samples()];
        let made = rates.down.process(mixed, frame);
        frame[made..].fill(0);
        seat.send(tick, frame);
    }

    fn tap(&self, tick: &Tick, seat: &mut Seat, speaking: bool) {
        if self.mix.heard { seat.tap(tick, speaking) } else { seat.tap_deaf(tick, speaking) }
    }
}
