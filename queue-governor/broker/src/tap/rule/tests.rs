use super::*;

fn seen(origin: Origin, subject: &str, text: &str) -> Observation {
    Observation::new(origin, subject, text, 0)
}

fn rule(name: &str) -> RuleSpec {
    RuleSpec { name: name.into(), ..RuleSpec::default() }
}

#[test]
fn the_first_rule_that_matches_decides() {
    let rules = Rules::new(&[
        RuleSpec { text: Some("(?i)no space left".into()), lane: "disk".into(), ..rule("full") },
        RuleSpec { subject: Some("nginx*".into()), ..rule("web") },
    ])
    .unwrap();
    let lane = |seen: &Observation| rules.sort(seen).map(|verdict| verdict.lane.to_string());
    let full = seen(Origin::Journal, "nginx.service", "write: No space left on device");
    assert_eq!(lane(&full).as_deref(), Some("os:disk"));
    assert_eq!(lane(&seen(Origin::Process, "nginx", "ended")).as_deref(), Some("os:web"));
    assert_eq!(lane(&seen(Origin::Process, "postgres", "ended")), None);
}

#[test]
fn a_subject_is_a_whole_name_and_only_star_and_question_mark_are_signs() {
    for (glob, name, matches) in [
        ("nginx", "nginx", true),
        ("nginx", "nginx.service", false),
        ("*.log", "/var/log/a.log", true),
        ("*.log", "/var/log/alog", false),
        ("unit?.service", "unit1.service", true),
        ("a+(b)", "a+(b)", true),
    ] {
        let rules = Rules::new(&[RuleSpec { subject: Some(glob.into()), ..rule("r") }]).unwrap();
        let found = rules.sort(&seen(Origin::File, name, "written")).is_some();
        assert_eq!(found, matches, "{glob} and {name}");
    }
}

#[test]
fn severity_means_this_or_worse_and_what_has_none_is_not_grave() {
    let rules = Rules::new(&[RuleSpec { severity: Some(Severity::Err), ..rule("r") }]).unwrap();
    let mut entry = seen(Origin::Journal, "u", "t");
    assert!(rules.sort(&entry).is_none());
    for (severity, wanted) in
        [(Severity::Crit, true), (Severity::Err, true), (Severity::Warning, false)]
    {
        entry.severity = Some(severity);
        assert_eq!(rules.sort(&entry).is_some(), wanted, "{severity:?}");
    }
}

#[test]
fn a_rule_says_what_it_found() {
    let rules = Rules::new(&[RuleSpec {
        text: Some(r"(?<disk>/dev/\w+) is (?<share>\d+%) full".into()),
        say: Some("{disk} is {share} full, says {subject}.".into()),
        say_every_s: 5,
        ..rule("disk")
    }])
    .unwrap();
    let verdict = rules.sort(&seen(Origin::Log, "monitor", "warn: /dev/sda1 is 93% full"));
    let said = "/dev/sda1 is 93% full, says monitor.".to_owned();
    assert_eq!(verdict.unwrap().say, Some((said, Duration::from_secs(5))));
}

#[test]
fn rules_that_cannot_work_are_refused_with_their_name() {
    let refused = |spec: RuleSpec| Rules::new(&[spec]).unwrap_err();
    assert_eq!(refused(rule(" ")), RuleError::Unnamed(1));
    assert!(matches!(refused(rule("two words")), RuleError::Lane { .. }));
    let pattern = RuleSpec { text: Some("(".into()), ..rule("r") };
    assert!(matches!(refused(pattern), RuleError::Pattern { .. }));
    let huge = RuleSpec { text: Some("a{1000}{1000}".into()), ..rule("r") };
    assert!(matches!(refused(huge), RuleError::Pattern { .. }));
    let say = RuleSpec { say: Some("{who}".into()), ..rule("r") };
    assert!(matches!(refused(say), RuleError::Say { .. }));
    let never = RuleSpec { from: Some(Origin::File), severity: Some(Severity::Err), ..rule("r") };
    assert_eq!(refused(never), RuleError::NeverGrave("r".into()));
    let twice = Rules::new(&[rule("r"), rule("r")]);
    assert_eq!(twice.unwrap_err(), RuleError::Twice("r".into()));
    let many: Vec<RuleSpec> = (0..=RULES_MAX).map(|n| rule(&format!("r{n}"))).collect();
    assert_eq!(Rules::new(&many).unwrap_err(), RuleError::TooMany(RULES_MAX + 1));
}

proptest::proptest! {
    #[test]
    fn a_glob_is_never_a_broken_pattern(glob in "\\PC{0,20}", subject in "\\PC{0,20}") {
        let spec = RuleSpec { subject: Some(glob.clone()), ..rule("r") };
        let rules = Rules::new(&[spec]).expect("every glob can be used");
        let _ = rules.sort(&seen(Origin::File, &subject, "written"));
        // A name without signs matches itself.
        let plain = glob.replace(['*', '?'], "x");
        let rules = Rules::new(&[RuleSpec { subject: Some(plain.clone()), ..rule("r") }]).unwrap();
        let mut same = seen(Origin::File, "", "written");
        same.subject = plain;
        assert!(rules.sort(&same).is_some());
    }
}
