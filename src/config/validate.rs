use super::Config;

/// A value that parses but cannot work, with what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// `section.key`.
    pub key: &'static str,
    /// What is wrong, and the next step.
    pub message: String,
}

/// Checks the configuration as a whole, without looking at the machine. Empty: it can be served.
#[must_use]
pub fn validate(config: &Config) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut wrong = |key, message: String| problems.push(Problem { key, message });
    if config.sip.listen_udp.is_none() && config.sip.listen_tcp.is_none() {
        wrong(
            "sip.listen_udp",
            "no listener: set listen_udp or listen_tcp, e.g. \"127.0.0.1:5060\"".into(),
        );
    }
    if config.sip.channels == 0 || config.sip.channels > config.audio.lines_max {
        let most = config.audio.lines_max;
        wrong(
            "sip.channels",
            format!("{} is not between 1 and audio.lines_max ({most})", config.sip.channels),
        );
    }
    if config.sip.media_ip.is_unspecified() {
        wrong(
            "sip.media_ip",
            "0.0.0.0 cannot be called back: name the address the trunk reaches us at".into(),
        );
    }
    for name in &config.sip.codecs {
        if crate::engines::codec(name).is_none() {
            wrong("sip.codecs", format!("{name:?} is not one of PCMU, PCMA, G722"));
        }
    }
    if config.sip.codecs.is_empty() {
        wrong("sip.codecs", "no codec: list at least \"PCMU\"".into());
    }
    for trunk in config.trunk.iter().filter(|t| t.allow.is_empty()) {
        wrong(
            "trunk.allow",
            format!("trunk {:?} allows nobody; list its signalling addresses", trunk.name),
        );
    }
    let ports = u32::from(config.rtp.port_max).saturating_sub(u32::from(config.rtp.port_min)) + 1;
    let needed = u32::try_from(config.sip.channels).unwrap_or(u32::MAX).saturating_mul(2);
    if config.rtp.port_max <= config.rtp.port_min || config.rtp.port_min < 1024 || ports < needed {
        wrong(
            "rtp.port_min",
            format!(
                "{}-{} does not hold {needed} unprivileged ports, two per channel",
                config.rtp.port_min, config.rtp.port_max
            ),
        );
    }
    if config.sip.drain_s > 86_400 {
        wrong("sip.drain_s", "a day, 86400, is the most that a line waits".into());
    }
    if !(1..=86_400).contains(&config.rtp.timeout_s) {
        wrong("rtp.timeout_s", "between 1 and 86400: at 0 every call would end at once".into());
    }
    if !(100..=10_000).contains(&config.governor.stall_ms) {
        wrong("governor.stall_ms", "between 100 and 10000".into());
    }
    if config.audio.lines_max > 10_000 {
        wrong("audio.lines_max", "10000 is the most that one process carries".into());
    }
    if !(1..=64).contains(&config.audio.threads) {
        wrong("audio.threads", format!("{} is not between 1 and 64", config.audio.threads));
    }
    if config.audio.realtime_priority.is_some_and(|p| !(1..=99).contains(&p)) {
        wrong("audio.realtime_priority", "SCHED_FIFO knows 1 to 99; leave it out for none".into());
    }
    if !(1..=64).contains(&config.hearing.decodes) || !(1..=64).contains(&config.voice.workers) {
        wrong(
            "hearing.decodes",
            "hearing.decodes and voice.workers are each between 1 and 64".into(),
        );
    }
    if config.governor.decide_ms > 500 || config.governor.decide_ms < 100 {
        wrong("governor.decide_ms", "a caller is not kept waiting: between 100 and 500".into());
    }
    if !(0.0..=1.0).contains(&config.hearing.confidence_min) {
        wrong("hearing.confidence_min", "a share: between 0 and 1".into());
    }
    if config.say.per_second == 0 || config.say.burst == 0 {
        wrong("say.per_second", "say.per_second and say.burst are at least 1".into());
    }
    if config.say.waiting_max > 10_000 {
        wrong("say.waiting_max", "10000 is the most that wait for a call".into());
    }
    if config.hearing.complete_ms < config.hearing.vad_off_ms {
        wrong("hearing.complete_ms", "cannot be shorter than hearing.vad_off_ms".into());
    }
    if let Some((key, message)) = config.tap.problem() {
        wrong(key, message);
    }
    if let Some((key, message)) = config.lanes.problem() {
        wrong(key, message);
    }
    problems.extend(super::text::problems(&config.http, &config.text, &config.sms));
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_valid() {
        assert_eq!(validate(&Config::default()), []);
    }

    #[test]
    fn each_impossible_value_is_named() {
        type Spoil = fn(&mut Config);
        let cases: &[(&str, Spoil)] = &[
            ("sip.listen_udp", |c| (c.sip.listen_udp, c.sip.listen_tcp) = (None, None)),
            ("sip.channels", |c| c.sip.channels = 0),
            ("sip.codecs", |c| c.sip.codecs = vec!["G729".into()]),
            ("rtp.port_min", |c| c.rtp.port_max = c.rtp.port_min),
            ("audio.threads", |c| c.audio.threads = 0),
            ("audio.realtime_priority", |c| c.audio.realtime_priority = Some(100)),
            ("governor.decide_ms", |c| c.governor.decide_ms = 2_000),
            ("say.per_second", |c| c.say.burst = 0),
            ("say.waiting_max", |c| c.say.waiting_max = 1_000_000),
            ("hearing.complete_ms", |c| c.hearing.complete_ms = 10),
            ("tap.rule", |c| c.tap.rule = vec![Default::default()]),
            ("tap.rule", |c| c.tap.journal = true),
            ("tap.queue_max", |c| c.tap.queue_max = 0),
            ("lanes.keep_mb", |c| c.lanes.keep_mb = 0),
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
