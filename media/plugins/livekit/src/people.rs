//! Who is in the room and what they have published, as the server tells it. Pure: updates in, what
//! changed out.

use std::collections::{BTreeMap, HashMap};

use livekit_protocol as proto;
use proto::participant_info::{Kind, State};
use proto::{ParticipantInfo, TrackType};

/// Somebody in the room besides us.
#[derive(Clone, PartialEq, Eq)]
pub struct Participant {
    /// Names them in the room; the label of what they say.
    pub identity: String,
    /// As they wish to be called.
    pub name: String,
    /// What they are.
    pub kind: ParticipantKind,
    /// What is said about them.
    pub attributes: HashMap<String, String>,
}

impl std::fmt::Debug for Participant {
    /// Without names and attributes: a telephone number is among those.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Participant")
            .field("kind", &self.kind)
            .field("attributes", &self.attributes.len())
            .finish_non_exhaustive()
    }
}

/// What a participant is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ParticipantKind {
    /// Somebody with a client.
    Person,
    /// Somebody with a telephone; see [`Participant::phone`].
    Phone,
    /// A program like us.
    Agent,
    /// A recorder, a stream, a bridge.
    Other,
}

/// How a telephone came into the room. Whoever logs it redacts the numbers.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Phone<'a> {
    /// The SIP call.
    pub call_id: Option<&'a str>,
    /// Who calls, or is called.
    pub number: Option<&'a str>,
    /// Our number.
    pub trunk_number: Option<&'a str>,
    /// `active`, `dialing`, `ringing`, `hangup`, `automation`.
    pub status: Option<&'a str>,
}

impl Participant {
    /// How their telephone came in, if they have one.
    #[must_use]
    pub fn phone(&self) -> Option<Phone<'_>> {
        let of = |name: &str| self.attributes.get(name).map(String::as_str);
        (self.kind == ParticipantKind::Phone).then(|| Phone {
            call_id: of("sip.callID"),
            number: of("sip.phoneNumber"),
            trunk_number: of("sip.trunkPhoneNumber"),
            status: of("sip.callStatus"),
        })
    }
}

/// What an update changed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Change {
    /// Somebody is there.
    Came(Participant),
    /// Their name or attributes are others now.
    Changed(Participant),
    /// An audio track is there that was not.
    Published {
        /// Names the track.
        track: String,
        /// Whose it is.
        identity: String,
    },
    /// It is silent on purpose, or no longer so.
    Muted {
        /// Names the track.
        track: String,
        /// Whose it is.
        identity: String,
        /// Which of both.
        muted: bool,
    },
    /// A track is gone.
    Unpublished {
        /// Names the track.
        track: String,
        /// Whose it was.
        identity: String,
    },
    /// Somebody is gone, after all their tracks.
    Went {
        /// Who.
        identity: String,
    },
}

/// Everybody but us. Empty after a join; bounded by what the server lets in and by
/// [`PEOPLE_MAX`].
#[derive(Debug, Default)]
pub struct People {
    /// By the server's id, which a participant who comes back does not keep.
    present: BTreeMap<String, Present>,
}

#[derive(Debug)]
struct Present {
    participant: Participant,
    version: u32,
    /// Audio tracks, and whether they are muted.
    tracks: BTreeMap<String, bool>,
}

impl People {
    /// Takes what the server says of some, `ours` left out.
    pub fn update(&mut self, ours: &str, infos: Vec<ParticipantInfo>) -> Vec<Change> {
        let mut changes = Vec::new();
        for info in infos {
            if info.identity == ours {
                continue;
            }
            match info.state() {
                State::Disconnected => self.leave(&info.sid, &mut changes),
                _ => self.present(info, &mut changes),
            }
        }
        changes
    }

    /// Whose track it is.
    #[must_use]
    pub fn owner_of(&self, track: &str) -> Option<&Participant> {
        let owner = self.present.values().find(|present| present.tracks.contains_key(track));
        owner.map(|present| &present.participant)
    }

    /// Everybody.
    pub fn iter(&self) -> impl Iterator<Item = &Participant> {
        self.present.values().map(|present| &present.participant)
    }

    /// Everybody is gone, as after a new join.
    pub fn clear(&mut self) -> Vec<Change> {
        let mut changes = Vec::new();
        while let Some(sid) = self.present.keys().next().cloned() {
            self.leave(&sid, &mut changes);
        }
        changes
    }

    fn present(&mut self, info: ParticipantInfo, changes: &mut Vec<Change>) {
        let known = self.present.contains_key(&info.sid);
        if !known && self.present.len() >= PEOPLE_MAX {
            return;
        }
        let ParticipantInfo { sid, version, tracks, .. } = &info;
        let tracks = tracks.iter().filter(|track| track.r#type() == TrackType::Audio);
        let tracks: BTreeMap<String, bool> =
            tracks.take(TRACKS_MAX).map(|track| (track.sid.clone(), track.muted)).collect();
        let (sid, version) = (sid.clone(), *version);
        let participant = participant(info);
        let Some(present) = self.present.get_mut(&sid) else {
            // Somebody who was cut off comes back under the same name before they are missed.
            self.leave_by_name(&participant.identity, changes);
            changes.push(Change::Came(participant.clone()));
            let mut present = Present { participant, version, tracks: BTreeMap::new() };
            present.publish(tracks, changes);
            self.present.insert(sid, present);
            return;
        };
        // Updates may overtake each other.
        if version < present.version {
            return;
        }
        present.version = version;
        if present.participant != participant {
            present.participant = participant.clone();
            changes.push(Change::Changed(participant));
        }
        present.publish(tracks, changes);
    }

    fn leave_by_name(&mut self, identity: &str, changes: &mut Vec<Change>) {
        let same = |present: &Present| present.participant.identity == identity;
        let sid =
            self.present.iter().find(|(_, present)| same(present)).map(|(sid, _)| sid.clone());
        if let Some(sid) = sid {
            self.leave(&sid, changes);
        }
    }

    fn leave(&mut self, sid: &str, changes: &mut Vec<Change>) {
        let Some(mut present) = self.present.remove(sid) else { return };
        present.publish(BTreeMap::new(), changes);
        changes.push(Change::Went { identity: present.participant.identity });
    }
}

impl Present {
    fn publish(&mut self, tracks: BTreeMap<String, bool>, changes: &mut Vec<Change>) {
        let identity = || self.participant.identity.clone();
        for track in self.tracks.keys().filter(|track| !tracks.contains_key(*track)) {
            changes.push(Change::Unpublished { track: track.clone(), identity: identity() });
        }
        for (track, &muted) in &tracks {
            let before = self.tracks.get(track);
            if before.is_none() {
                changes.push(Change::Published { track: track.clone(), identity: identity() });
            }
            if before.copied().unwrap_or(false) != muted {
                let (track, identity) = (track.clone(), identity());
                changes.push(Change::Muted { track, identity, muted });
            }
        }
        self.tracks = tracks;
    }
}

fn participant(info: ParticipantInfo) -> Participant {
    let kind = match info.kind() {
        Kind::Standard => ParticipantKind::Person,
        Kind::Sip => ParticipantKind::Phone,
        Kind::Agent => ParticipantKind::Agent,
        _ => ParticipantKind::Other,
    };
    let ParticipantInfo { identity, name, attributes, .. } = info;
    Participant { identity, name, kind, attributes }
}

/// More voices than a conversation has, and than a line mixes.
pub const PEOPLE_MAX: usize = 64;

/// Microphone and screen of each, and some.
const TRACKS_MAX: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;
    use proto::TrackInfo;

    fn ada(version: u32, tracks: &[(&str, bool)]) -> ParticipantInfo {
        let track = |&(sid, muted): &(&str, bool)| TrackInfo {
            sid: sid.to_owned(),
            muted,
            ..TrackInfo::default()
        };
        ParticipantInfo {
            sid: "PA_1".to_owned(),
            identity: "ada".to_owned(),
            state: State::Active.into(),
            version,
            tracks: tracks.iter().map(track).collect(),
            ..ParticipantInfo::default()
        }
    }

    fn published(track: &str) -> Change {
        Change::Published { track: track.to_owned(), identity: "ada".to_owned() }
    }

    fn unpublished(track: &str) -> Change {
        Change::Unpublished { track: track.to_owned(), identity: "ada".to_owned() }
    }

    #[test]
    fn tracks_come_are_muted_and_go() {
        let mut people = People::default();
        let came = people.update("us", vec![ada(1, &[("TR_1", false)])]);
        assert!(matches!(&came[..], [Change::Came(_), change] if *change == published("TR_1")));
        assert_eq!(people.owner_of("TR_1").map(|ada| &*ada.identity), Some("ada"));
        let muted = people.update("us", vec![ada(2, &[("TR_1", true)])]);
        assert!(matches!(&muted[..], [Change::Muted { muted: true, .. }]));
        assert_eq!(people.update("us", vec![ada(1, &[])]), [], "an update that was overtaken");
        let other = people.update("us", vec![ada(3, &[("TR_2", false)])]);
        assert_eq!(other, [unpublished("TR_1"), published("TR_2")]);
        let gone = ParticipantInfo { state: State::Disconnected.into(), ..ada(4, &[]) };
        let went = people.update("us", vec![gone]);
        assert_eq!(went, [unpublished("TR_2"), Change::Went { identity: "ada".to_owned() }]);
    }

    #[test]
    fn somebody_who_comes_back_is_there_once() {
        let mut people = People::default();
        people.update("us", vec![ada(1, &[("TR_1", false)])]);
        let back = ParticipantInfo { sid: "PA_2".to_owned(), ..ada(1, &[("TR_2", false)]) };
        let changes = people.update("us", vec![back]);
        assert_eq!(changes[0], unpublished("TR_1"));
        assert_eq!(people.iter().count(), 1);
        let gone = ParticipantInfo { state: State::Disconnected.into(), ..ada(9, &[]) };
        assert_eq!(people.update("us", vec![gone]), [], "the one who was missed is not this one");
    }

    #[test]
    fn we_are_not_among_the_others_and_a_crowd_is_bounded() {
        let mut people = People::default();
        assert_eq!(people.update("ada", vec![ada(1, &[])]), []);
        let crowd = (0..PEOPLE_MAX + 5).map(|n| ParticipantInfo {
            sid: n.to_string(),
            identity: n.to_string(),
            ..ada(1, &[])
        });
        people.update("us", crowd.collect());
        assert_eq!(people.iter().count(), PEOPLE_MAX);
        assert_eq!(people.clear().len(), PEOPLE_MAX);
    }

    #[test]
    fn a_telephone_says_who_calls_and_logs_do_not() {
        let attributes = [("sip.callID", "c1"), ("sip.phoneNumber", "+15550100")];
        let phone = ParticipantInfo {
            kind: Kind::Sip.into(),
            attributes: attributes.map(|(k, v)| (k.to_owned(), v.to_owned())).into(),
            ..ada(1, &[])
        };
        let phone = participant(phone);
        assert_eq!(phone.phone().and_then(|phone| phone.number), Some("+15550100"));
        assert!(!format!("{phone:?}").contains("555"), "{phone:?}");
    }
}
