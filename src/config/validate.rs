use sip_bridge::outbound::{Book, OutboundGate};
use sip_bridge::stack;

use super::Config;

/// A value that parses but cannot work, with what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// `section.key`.
    pub key: &'static str,
    /// What is wrong, and the next step.
    pub message: String,
}

/// Collects what is wrong: a key, and what to do about it.
type Wrong<'a> = dyn FnMut(&'static str, String) + 'a;

/// Checks the configuration as a whole, without looking at the machine. Empty: it can be served.
#[must_use]
pub fn validate(config: &Config) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut wrong = |key, message: String| problems.push(Problem { key, message });
    for section in [sip, codecs, trunks, rtp, audio, speech, governor, say] {
        section(config, &mut wrong);
    }
    let sections = [
        config.tap.problem(),
        config.cdr.problem(),
        config.lanes.problem(),
        config.admission.problem(),
        config.outbound.problem(config),
        config.livekit.problem(),
        kept_open(config),
        super::heard::problem(config),
    ];
    for (key, message) in sections.into_iter().flatten() {
        wrong(key, message);
    }
    problems.extend(super::text::problems(&config.http, &config.text, &config.sms));
    problems
}

fn kept_open(config: &Config) -> Option<(&'static str, String)> {
    let number = config.line.keep_open.as_ref()?;
    let gate = OutboundGate::new(config.outbound.policy(), Book::default());
    let refused = gate.judge(number).err()?;
    Some(("line.keep_open", refused.to_string()))
}

fn sip(config: &Config, wrong: &mut Wrong<'_>) {
    let sip = &config.sip;
    if sip.listen_udp.is_none() && sip.listen_tcp.is_none() && sip.listen_tls.is_none() {
        let next = "no listener: set listen_udp, listen_tcp or listen_tls, e.g. \"127.0.0.1:5060\"";
        wrong("sip.listen_udp", next.into());
    }
    if sip.listen_tls.is_some() && sip.tls().is_none() {
        let next = "TLS needs tls_certificate and tls_key beside it, two PEM files";
        wrong("sip.listen_tls", next.into());
    }
    let most = config.audio.lines_max;
    if sip.channels == 0 || sip.channels > most {
        let channels = sip.channels;
        wrong("sip.channels", format!("{channels} is not between 1 and audio.lines_max ({most})"));
    }
    if sip.media_ip.is_unspecified() {
        let next = "0.0.0.0 cannot be called back: name the address the trunk reaches us at";
        wrong("sip.media_ip", next.into());
    }
    if sip.drain_s > 86_400 {
        wrong("sip.drain_s", "a day, 86400, is the most that a line waits".into());
    }
}

fn codecs(config: &Config, wrong: &mut Wrong<'_>) {
    let own = config.trunk.iter().filter_map(|trunk| trunk.codecs.as_ref());
    let lists = own.map(|own| ("trunk.codecs", own)).chain([("sip.codecs", &config.sip.codecs)]);
    for (key, list) in lists {
        for name in list.iter().filter(|name| crate::engines::codec(name).is_none()) {
            wrong(key, format!("{name:?} is not one of {}", crate::engines::codec_names()));
        }
        if list.is_empty() {
            wrong(key, "no codec: list at least \"PCMU\"".into());
        }
    }
}

fn trunks(config: &Config, wrong: &mut Wrong<'_>) {
    if config.sip.probe_s == 0 {
        wrong("sip.probe_s", "0 would ask without a pause: set 10 to 60 seconds".into());
    }
    if !(1..=32).contains(&config.sip.next_route_s) {
        let next = "1 to 32 seconds: after 32 s a request is given up in any case";
        wrong("sip.next_route_s", next.into());
    }
    for trunk in &config.trunk {
        let heard = |text: &&String| {
            let ip = stack::parse_uri(text).and_then(|uri| uri.address()).map(|to| to.ip());
            ip.is_some_and(|ip| trunk.allow.iter().any(|network| network.contains(&ip)))
        };
        if let Some(deaf) = trunk.probe.iter().find(|text| !heard(text)) {
            let next = "write sip:address[:port], an address that the trunk's allow lists, or its answer is not heard";
            wrong("trunk.probe", format!("{deaf:?}: {next}"));
        }
    }
    let has_tls = config.sip.listen_tls.is_some();
    let in_vain = |trunk: &&super::TrunkSection| {
        trunk.srtp != super::Srtp::Off && !has_tls && !trunk.srtp_keys_in_clear
    };
    if let Some(trunk) = config.trunk.iter().find(in_vain) {
        let next = "SRTP's keys go over TLS only: set sip.listen_tls, or srtp = \"off\"";
        wrong("trunk.srtp", format!("trunk {:?}: {next}", trunk.name));
    }
    for (key, message) in config.trunk.iter().filter_map(super::TrunkSection::problem) {
        wrong(key, message);
    }
    for (key, message) in config.registration.iter().filter_map(|it| it.problem()) {
        wrong(key, message);
    }
    for trunk in config.trunk.iter().filter(|trunk| trunk.allow.is_empty()) {
        let name = &trunk.name;
        wrong(
            "trunk.allow",
            format!("trunk {name:?} allows nobody; list its signalling addresses"),
        );
    }
}

fn rtp(config: &Config, wrong: &mut Wrong<'_>) {
    let (min, max) = (config.rtp.port_min, config.rtp.port_max);
    let needed = u32::try_from(config.sip.channels).unwrap_or(u32::MAX);
    if min < 1024 || port_pairs(min, max) < needed {
        wrong(
            "rtp.port_min",
            format!(
                "{min}-{max} does not hold {needed} pairs of unprivileged ports, an even one and \
                 the next, one pair per channel"
            ),
        );
    }
    if config.rtp.rest_s > 3_600 {
        let next = "an hour, 3600, is the most that a port rests: longer and the range runs dry";
        wrong("rtp.rest_s", next.into());
    }
    if config.rtp.hold_max_s == 0 {
        let next = "1 or more: at 0 a call would end as soon as it is put on hold";
        wrong("rtp.hold_max_s", next.into());
    }
    if !(1..=86_400).contains(&config.rtp.timeout_s) {
        let next = "between 1 and 86400: at 0 every call would end at once";
        wrong("rtp.timeout_s", next.into());
    }
}

/// How many pairs of an even port and the next lie from `min` to `max`, both included.
fn port_pairs(min: u16, max: u16) -> u32 {
    let (first, end) = (u32::from(min).next_multiple_of(2), u32::from(max) + 1);
    end.saturating_sub(first) / 2
}

fn audio(config: &Config, wrong: &mut Wrong<'_>) {
    let audio = &config.audio;
    if audio.lines_max > 10_000 {
        wrong("audio.lines_max", "10000 is the most that one process carries".into());
    }
    if !(1..=64).contains(&audio.threads) {
        wrong("audio.threads", format!("{} is not between 1 and 64", audio.threads));
    }
    if audio.realtime_priority.is_some_and(|priority| !(1..=99).contains(&priority)) {
        wrong("audio.realtime_priority", "SCHED_FIFO knows 1 to 99; leave it out for none".into());
    }
}

fn speech(config: &Config, wrong: &mut Wrong<'_>) {
    let (hearing, voice) = (&config.hearing, &config.voice);
    if !(1..=64).contains(&hearing.decodes) {
        wrong("hearing.decodes", format!("{} is not between 1 and 64", hearing.decodes));
    }
    if !(1..=64).contains(&voice.workers) {
        wrong("voice.workers", format!("{} is not between 1 and 64", voice.workers));
    }
    if !(0.0..=1.0).contains(&hearing.confidence_min) {
        wrong("hearing.confidence_min", "a share: between 0 and 1".into());
    }
    if hearing.complete_ms < hearing.vad_off_ms {
        wrong("hearing.complete_ms", "cannot be shorter than hearing.vad_off_ms".into());
    }
}

fn governor(config: &Config, wrong: &mut Wrong<'_>) {
    for (key, message) in config.governor.problems() {
        wrong(key, message);
    }
    // What is wrong for all lines is said once, above.
    let of_all: Vec<_> = config.governor.problems().map(|(key, _)| key).collect();
    for trunk in config.trunk.iter().filter(|trunk| !trunk.governor.is_empty()) {
        let own = config.governor_on(&trunk.name);
        for (key, message) in own.problems().filter(|(key, _)| !of_all.contains(key)) {
            wrong(key, format!("in [trunk.governor] of {:?}: {message}", trunk.name));
        }
    }
}

fn say(config: &Config, wrong: &mut Wrong<'_>) {
    let say = &config.say;
    if say.per_second == 0 || say.burst == 0 {
        wrong("say.per_second", "say.per_second and say.burst are at least 1".into());
    }
    if !(1..=4_096).contains(&say.sound_mb) {
        wrong("say.sound_mb", "1 to 4096 MB: it is held in memory".into());
    }
    if say.waiting_max > 10_000 {
        wrong("say.waiting_max", "10000 is the most that wait for a call".into());
    } else if let Some(keep_mb) = config.lanes.too_little_for(say.waiting_max) {
        let waiting = say.waiting_max;
        let next = format!(
            "{waiting} claims that wait ([say] waiting_max) do not fit into a journal of twice keep_mb; {keep_mb} is enough"
        );
        wrong("lanes.keep_mb", next);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{AllowSection, TrunkSection};

    #[test]
    fn the_defaults_are_valid() {
        assert_eq!(validate(&Config::default()), []);
    }

    /// A trunk through which calls can go out.
    fn calls_out(config: &mut Config) -> Option<String> {
        config.trunk.push(TrunkSection {
            name: "out".into(),
            allow: vec!["10.0.0.0/8".parse().expect("a network")],
            probe: vec!["sip:10.0.0.1".into()],
            ..TrunkSection::default()
        });
        Some("out".into())
    }

    #[test]
    fn each_impossible_value_is_named() {
        type Spoil = fn(&mut Config);
        let cases: &[(&str, Spoil)] = &[
            ("sip.listen_udp", |c| (c.sip.listen_udp, c.sip.listen_tcp) = (None, None)),
            ("sip.listen_tls", |c| c.sip.listen_tls = c.sip.listen_tcp),
            ("sip.probe_s", |c| c.sip.probe_s = 0),
            ("sip.channels", |c| c.sip.channels = 0),
            ("sip.codecs", |c| c.sip.codecs = vec!["G729".into()]),
            ("trunk.codecs", |c| {
                let allow = vec!["10.0.0.0/8".parse().expect("a network")];
                let codecs = Some(Vec::new());
                let name = "own".into();
                c.trunk.push(TrunkSection { name, allow, codecs, ..TrunkSection::default() });
            }),
            ("rtp.port_min", |c| c.rtp.port_max = c.rtp.port_min),
            ("rtp.port_min", |c| {
                (c.sip.channels, c.rtp.port_min, c.rtp.port_max) = (2, 20_001, 20_004);
            }),
            ("audio.threads", |c| c.audio.threads = 0),
            ("hearing.decodes", |c| c.hearing.decodes = 65),
            ("voice.workers", |c| c.voice.workers = 0),
            ("audio.realtime_priority", |c| c.audio.realtime_priority = Some(100)),
            ("governor.decide_ms", |c| c.governor.decide_ms = 2_000),
            ("governor.claims_max", |c| c.governor.claims_max = 1_000_000),
            ("governor.gap_ms", |c| {
                let governor = toml::from_str("gap_ms = 20000").expect("a key of ours");
                let allow = vec!["10.0.0.0/8".parse().expect("a network")];
                c.trunk.push(TrunkSection {
                    name: "own".into(),
                    allow,
                    governor,
                    ..TrunkSection::default()
                });
            }),
            ("trunk.srtp", |c| {
                let allow = vec!["10.0.0.0/8".parse().expect("a network")];
                let (name, srtp) = ("own".into(), super::super::Srtp::Optional);
                c.trunk.push(TrunkSection { name, allow, srtp, ..TrunkSection::default() });
            }),
            ("rtp.rest_s", |c| c.rtp.rest_s = 3_601),
            ("trunk.headers_in", |c| {
                let allow = vec!["10.0.0.0/8".parse().expect("a network")];
                let headers_in = vec!["Contact".into()];
                let name = "own".into();
                c.trunk.push(TrunkSection { name, allow, headers_in, ..TrunkSection::default() });
            }),
            ("trunk.phones", |c| {
                let allow = vec!["10.0.0.0/8".parse().expect("a network")];
                let (name, kind) = ("phones".into(), crate::config::TrunkKind::Softphone);
                c.trunk.push(TrunkSection { name, allow, kind, ..TrunkSection::default() });
            }),
            ("registration.address", |c| c.registration = vec![Default::default()]),
            ("say.per_second", |c| c.say.burst = 0),
            ("say.waiting_max", |c| c.say.waiting_max = 1_000_000),
            ("say.sound_mb", |c| c.say.sound_mb = 0),
            ("hearing.complete_ms", |c| c.hearing.complete_ms = 10),
            ("tap.rule", |c| c.tap.rule = vec![Default::default()]),
            ("tap.rule", |c| c.tap.journal = true),
            ("tap.queue_max", |c| c.tap.queue_max = 0),
            ("admission.late_percent", |c| c.admission.busy_percent = 101),
            ("outbound.trunk", |c| c.outbound.trunk = Some("nobody".into())),
            ("outbound.from", |c| c.outbound.trunk = calls_out(c)),
            ("outbound.allow", |c| {
                c.outbound.trunk = calls_out(c);
                c.outbound.from = "100".into();
                c.outbound.allow = vec![AllowSection { prefix: "+49".into(), per_minute: 0.0 }];
            }),
            ("line.keep_open", |c| c.line.keep_open = Some("+493012345678".into())),
            ("lanes.keep_mb", |c| c.lanes.keep_mb = 0),
            ("lanes.keep_mb", |c| c.say.waiting_max = 10_000),
            ("cdr.file_mb_max", |c| c.cdr.file_mb_max = 0),
            ("lanes.file_mb_max", |c| c.lanes.file_mb_max = 20),
        ];
        for (key, spoil) in cases {
            let mut config = Config::default();
            spoil(&mut config);
            let keys: Vec<_> = validate(&config).into_iter().map(|p| p.key).collect();
            assert_eq!(keys, [*key]);
        }
    }
}
