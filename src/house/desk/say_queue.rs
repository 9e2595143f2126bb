//! The say-queue at the desk: what comes in, where it goes, and who is told.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use lane_broker::Tags;
use lane_broker::intake::{Door, DoorLimits, Refusal};
use media_core::{LineId, MonoTime};
use queue_governor::{Book, Claim, ClaimId, Content, Ending, FailReason, Record, Unfinished};
use tokio::sync::mpsc;

use super::Desk;
use super::asked::send;
use super::operator::no_line;
use super::sounds::{Fetcher, LetIn};
use crate::clip::Clip;
use crate::config::{ClaimDefaults, Config};
use crate::control::server::Asked;
use crate::control::{Reply, Request, SayRequest};
use crate::durable::{Account, Keeper, Recovered};
use crate::line::{LineHandle, LineInput, LineNews};
use crate::say::{
    FOR_CALLERS_MAX, NOBODY, Names, SAID, SayQueue, claim_of, content_of, sound_bytes,
};

mod promises;
mod telling;

/// Who does not call again within a week is not told; what is older is history, not news.
const FOR_A_CALLER: Duration = Duration::from_secs(lane_broker::intake::TTL_S_MAX);
/// News of claims that wait for the desk: each claim has two, and a governor holds 64.
const NEWS_MAX: usize = 4_096;
/// What cannot be taken in now may be handed in again after so long: a disk or a queue has changed
/// by then, or has not for longer.
pub(super) const AGAIN_MS: u64 = 1_000;

const MB: usize = 1024 * 1024;

/// The say-queue, and what the desk needs for it.
pub(super) struct Saying {
    pub keeper: Keeper,
    pub account: Account,
    pub names: Names,
    /// What an earlier run said lately.
    pub said: Book,
    /// The folds of the open lines' records.
    pub books: BTreeMap<LineId, Arc<Mutex<Book>>>,
    pub queue: SayQueue<Asker>,
    door: Door,
    pub fetcher: Fetcher,
    tags: Tags,
    /// Claims that wait for a call and are told to be accepted once the journal has them.
    pub promises: VecDeque<(u64, ClaimId)>,
    /// From a spool, and ended in an earlier run.
    ended_before: BTreeSet<ClaimId>,
    pub dedup_window: Duration,
    /// For what waits, before it is known on which line it will be said.
    defaults: ClaimDefaults,
    /// The longest sound that any line takes.
    audio_max: Duration,
    news: (mpsc::Sender<LineNews>, Option<mpsc::Receiver<LineNews>>),
}

/// Whoever handed a claim in.
pub(super) struct Asker {
    pub replies: mpsc::Sender<Reply>,
    /// Whether the ending is wanted too.
    pub wait: bool,
}

fn refuse(asker: &Asker, refusal: &Refusal) {
    let (message, again_in_ms) = (refusal.to_string(), refusal.again_in_ms());
    send(&asker.replies, Reply::Refused { message, again_in_ms });
}

fn audio_max(config: &Config) -> Duration {
    let of_trunks = config.trunk.iter().map(|trunk| config.governor_on(&trunk.name).audio_max_s);
    let longest = of_trunks.fold(config.governor.audio_max_s, u32::max);
    Duration::from_secs(u64::from(longest))
}

impl Saying {
    pub fn new(config: &Config, keeper: Keeper, recovered: Recovered, now: MonoTime) -> Self {
        let (news, inbox) = mpsc::channel(NEWS_MAX);
        let say = &config.say;
        let limits = DoorLimits {
            per_second: say.per_second,
            burst: say.burst,
            waiting_max: say.waiting_max,
            sound_bytes_max: say.sound_mb * MB,
        };
        let mut saying = Self {
            account: keeper.account(),
            keeper,
            names: Names::of_this_run(),
            said: Book::new(),
            books: BTreeMap::new(),
            queue: SayQueue::default(),
            door: Door::new(limits),
            fetcher: Fetcher::new(config),
            tags: Tags::default(),
            promises: VecDeque::new(),
            ended_before: BTreeSet::new(),
            dedup_window: Duration::from_secs(u64::from(config.governor.dedup_s)),
            defaults: config.governor.claim_defaults(),
            audio_max: audio_max(config),
            news: (news, Some(inbox)),
        };
        saying.take_over(now, recovered);
        saying
    }

    /// Goes on with what an earlier run left.
    pub fn take_over(&mut self, now: MonoTime, recovered: Recovered) {
        if recovered.paused {
            tracing::info!(
                "nothing is said for other programs, as before the restart; `xenline queue resume` ends it"
            );
            self.queue.pause(true);
        }
        if !recovered.waiting.is_empty() {
            let waiting = recovered.waiting.len();
            tracing::info!(waiting, "claims of an earlier run wait for the next call");
        }
        self.said = recovered.said;
        self.ended_before.extend(recovered.ended);
        for unfinished in recovered.waiting {
            if self.may_wait(&unfinished) {
                let unfinished = self.kept_for_a_caller(now, unfinished);
                self.queue.wait(now, unfinished, None);
            } else {
                self.write_ended(now, &unfinished, Ending::Failed(FailReason::LineClosed));
            }
        }
    }

    /// What was made for a caller who was not named can be delivered to nobody; and more than so
    /// many for callers who do not call again are not kept.
    pub fn may_wait(&self, unfinished: &Unfinished) -> bool {
        let Some(to) = &unfinished.claim.to else { return true };
        let kept = self.queue.waiting() - self.queue.waiting_for_programs();
        if kept >= FOR_CALLERS_MAX {
            tracing::warn!(kept, "a claim for a caller's next call is given up: too many wait");
        }
        to != NOBODY && kept < FOR_CALLERS_MAX
    }

    /// What is kept for one caller's next call does not wait for ever. Written down where it says
    /// so for the first time.
    pub fn kept_for_a_caller(&mut self, now: MonoTime, mut unfinished: Unfinished) -> Unfinished {
        if unfinished.claim.to.is_some() && unfinished.expires_at.is_none() {
            unfinished.expires_at = Some(now + FOR_A_CALLER);
            self.account.write(Record::Amended {
                claim: unfinished.claim.id.clone(),
                must_deliver: unfinished.claim.must_deliver,
                priority: unfinished.claim.priority,
                expires_at: unfinished.expires_at,
                also_keys: unfinished.claim.also_keys.clone(),
            });
        }
        unfinished
    }

    pub fn write_ended(&mut self, now: MonoTime, unfinished: &Unfinished, ending: Ending) {
        let until = now + self.dedup_window;
        self.account.write(unfinished.ended(ending, until));
    }

    /// Where lines send their news.
    pub fn news(&self) -> mpsc::Sender<LineNews> {
        self.news.0.clone()
    }

    /// Where they arrive; an empty channel the second time.
    pub fn take_news(&mut self) -> mpsc::Receiver<LineNews> {
        self.news.1.take().unwrap_or_else(|| mpsc::channel(1).1)
    }

    /// Whether nothing is said for other programs at present.
    pub fn is_paused(&self) -> bool {
        self.queue.is_paused()
    }

    /// Live claims, and whether they are paused.
    pub fn figures(&self) -> (usize, bool) {
        (self.queue.live(), self.queue.is_paused())
    }

    fn knows(&self, id: &ClaimId) -> bool {
        self.queue.knows(id) || self.ended_before.contains(id)
    }
}

impl Desk {
    pub(super) fn say(&mut self, asked: Asked) {
        let Asked { request: Request::Say(wish), who, claim, replies } = asked else { return };
        let asker = Asker { replies, wait: wish.wait };
        let name = claim.map(ClaimId::new);
        if let Some(name) = name.as_ref().filter(|name| self.saying.knows(name)) {
            return self.saying.meet_again(name, asker);
        }
        let since_origin = Duration::from_micros(self.media.clock().now().as_micros());
        let waiting = self.saying.queue.waiting_for_programs();
        if let Err(refusal) = self.saying.door.admit(since_origin, who, &wish, waiting) {
            return refuse(&asker, &refusal);
        }
        self.with_its_sound(LetIn { wish, who, name, asker });
    }

    /// It was let in, and its sound is there.
    pub(super) fn take_in(&mut self, let_in: LetIn, sound: Option<Clip>) {
        let LetIn { wish, name, asker, .. } = let_in;
        // While its sound was read, what an earlier run left may have come.
        if let Some(name) = name.as_ref().filter(|name| self.saying.knows(name)) {
            return self.saying.meet_again(name, asker);
        }
        let id = name.unwrap_or_else(|| self.saying.names.next(SAID));
        let content = content_of(&wish, sound);
        let claim = claim_of(id, &wish, content.clone(), &self.saying.defaults);
        if let Err(refused) = self.can_be_kept(&claim) {
            return send(&asker.replies, *refused);
        }
        let held = self.saying.queue.sound_bytes();
        if let Err(refusal) = self.saying.door.has_room_for(sound_bytes(&content), held) {
            return refuse(&asker, &refusal);
        }
        let mut lines = self.lines_for(wish.line);
        lines.retain(|(_, handle)| claim.to.as_ref().is_none_or(|to| *to == handle.caller));
        if lines.is_empty() {
            return self.let_it_wait(self.media.clock().now(), &wish, claim, asker);
        }
        for (nth, (line, handle)) in lines.iter().enumerate() {
            let id = if nth == 0 { claim.id.clone() } else { self.saying.names.next(SAID) };
            let claim = claim_of(id, &wish, content.clone(), &handle.defaults);
            let asker = Asker { replies: asker.replies.clone(), wait: asker.wait };
            self.hand_to_line(claim, (*line, handle), asker);
        }
    }

    /// What no governor would take is refused at once, also while no call is open; and so is
    /// everything while nothing could be kept.
    fn can_be_kept(&self, claim: &Claim) -> Result<(), Box<Reply>> {
        if let Some(reason) = self.saying.keeper.state().failing() {
            let message = format!(
                "nothing is accepted at present, because it could not be kept: {reason}. Calls go on; `xenline check` looks at the disk"
            );
            return Err(Box::new(Reply::Refused { message, again_in_ms: Some(AGAIN_MS) }));
        }
        if claim.to.as_deref() == Some(NOBODY) {
            let message = "nobody is called that: name the number or the name that the network says of the caller";
            return Err(Box::new(Reply::refused(message)));
        }
        self.saying
            .tags
            .parse(claim.tag.as_str())
            .map_err(|error| Box::new(Reply::refused(error.to_string())))?;
        let longest = self.saying.audio_max;
        match &claim.content {
            Content::Audio { samples, rate, .. }
                if samples.len() as u64 > longest.as_secs() * u64::from(rate.hz()) =>
            {
                Err(Box::new(Reply::refused(format!(
                    "the sound is longer than {} s; play it in parts",
                    longest.as_secs()
                ))))
            }
            _ => Ok(()),
        }
    }

    /// No call is open. What can wait is kept; it is told to be accepted once it is safe.
    fn let_it_wait(&mut self, now: MonoTime, wish: &SayRequest, claim: Claim, asker: Asker) {
        if wish.line.is_some() {
            return send(&asker.replies, no_line(wish.line));
        }
        if !wish.can_wait() {
            let whom = if wish.to.is_some() {
                "that caller is not on the line"
            } else {
                "no call is open"
            };
            let message = format!(
                "{whom}, so nobody would hear it; call the line first, or let it wait for a call with must_deliver or ttl_s (--must-deliver, --ttl-s)"
            );
            return send(&asker.replies, Reply::refused(message));
        }
        let expires_at = claim.ttl.map(|ttl| now + ttl);
        let id = claim.id.clone();
        let record = Record::Accepted { claim: claim.clone(), expires_at };
        let unfinished =
            Unfinished { claim, expires_at, resume_at: 0, heard_to: 0, samples: 0, ms: 0 };
        self.saying.queue.wait(now, unfinished, Some(asker));
        let number = self.saying.account.write(record);
        self.saying.promises.push_back((number, id));
    }

    pub(super) fn hand_to_line(
        &mut self,
        claim: Claim,
        (line, handle): (LineId, &LineHandle),
        asker: Asker,
    ) {
        let now = self.media.clock().now();
        let id = claim.id.clone();
        self.saying.queue.hand_over(now, &claim, line, Some(asker));
        if !handle.offer(LineInput::Say(claim)) {
            let message = format!("line {line} does not keep up; try again");
            self.saying.refuse_for_now(&id, message);
        }
    }
}

#[cfg(test)]
mod tests;
