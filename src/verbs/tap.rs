//! `xenline tap`: what the rules would do, without a line.

use std::io::{BufRead, Write};
use std::path::Path;

use lane_broker::tap::{Lines, Observation, Origin, RuleSpec, Rules, Verdict, journal};

use crate::cli::{TapAction, TapFrom, TapTestArgs};
use crate::control::client::Reach;
use crate::control::{Reply, Request, TapStatus};
use crate::exit::Failure;

pub(super) fn run(file: Option<&Path>, action: TapAction) -> Result<(), Failure> {
    match action {
        TapAction::Test(args) => {
            let rules = super::loaded(file)?.tap.rule;
            test(&rules, &args, std::io::stdin().lock(), std::io::stdout().lock())
        }
        TapAction::Status { at } => status(&super::say::reach(file, at)?),
    }
}

fn status(reach: &Reach) -> Result<(), Failure> {
    let mut outcome = Err(Failure::Failed("the line closed before it answered".to_owned()));
    reach.ask(&Request::Status, |reply| {
        outcome = match reply {
            Reply::Status { tap: Some(tap), .. } => {
                println!("{}", told(&tap));
                Ok(())
            }
            Reply::Status { tap: None, .. } => Err(Failure::Failed(
                "the tap watches nothing: name files, logs, processes or the journal in [tap]"
                    .into(),
            )),
            other => Err(Failure::Failed(format!("an answer to something else: {other:?}"))),
        };
    })?;
    outcome
}

pub(super) fn told(tap: &TapStatus) -> String {
    let TapStatus { seen, sorted, unmatched, lost, unwritten, said, hushed } = tap;
    format!(
        "seen {seen}: sorted {sorted} ({unwritten} of them not written), no rule {unmatched}, lost {lost}; \
         said {said}, held back {hushed}"
    )
}

fn test(
    specs: &[RuleSpec],
    args: &TapTestArgs,
    mut input: impl BufRead,
    mut out: impl Write,
) -> Result<(), Failure> {
    let rules = Rules::new(specs).map_err(|error| Failure::Invalid(error.to_string()))?;
    if rules.is_empty() {
        return Err(Failure::Invalid(
            "there is no [[tap.rule]] in the configuration; see deploy/xenline.example.toml".into(),
        ));
    }
    let mut lines = Lines::default();
    let mut tally = vec![0_u64; rules.len() + 1];
    let mut report = |line: &str| -> std::io::Result<()> {
        let seen = match observation(line, args) {
            Ok(seen) => seen,
            Err(why) => return writeln!(out, "unread   {line}\n         -> {why}"),
        };
        let verdict = rules.sort(&seen);
        tally[verdict.as_ref().map_or(rules.len(), |verdict| verdict.index)] += 1;
        writeln!(out, "{}", described(&seen, verdict))
    };
    loop {
        let piece = input.fill_buf().map_err(Failure::because)?;
        let (read, mut written) = (piece.len(), Ok(()));
        let tell = |line: &str| {
            if written.is_ok() {
                written = report(line);
            }
        };
        if read == 0 {
            lines.finish(tell);
        } else {
            lines.push(piece, tell);
        }
        written.map_err(Failure::because)?;
        if read == 0 {
            break;
        }
        input.consume(read);
    }
    let names = specs.iter().map(|spec| spec.name.as_str()).chain(["no rule"]);
    let tally: Vec<String> =
        names.zip(tally).map(|(name, lines)| format!("{name} {lines}")).collect();
    writeln!(out, "\n{}", tally.join(", ")).map_err(Failure::because)
}

fn observation(line: &str, args: &TapTestArgs) -> Result<Observation, String> {
    if args.from == TapFrom::Journal && line.starts_with('{') {
        return journal::parse(line).map(|entry| entry.seen).map_err(|error| error.to_string());
    }
    let origin = match args.from {
        TapFrom::File => Origin::File,
        TapFrom::Log => Origin::Log,
        TapFrom::Journal => Origin::Journal,
        TapFrom::Process => Origin::Process,
    };
    Ok(Observation::new(origin, &args.subject, line, 0))
}

fn described(seen: &Observation, verdict: Option<Verdict<'_>>) -> String {
    let Some(verdict) = verdict else {
        return format!("forgot   {}: {}", seen.subject, seen.text);
    };
    let brain = if verdict.brain.is_some() { "\n         tells the brain" } else { "" };
    let say = match &verdict.say {
        Some((text, every)) => {
            format!("\n         says {text:?}, at most every {} s", every.as_secs())
        }
        None => String::new(),
    };
    format!(
        "sorted   {}: {}\n         -> {} by rule {:?}{say}{brain}",
        seen.subject, seen.text, verdict.lane, verdict.rule
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules() -> Vec<RuleSpec> {
        let disk = RuleSpec {
            name: "disk".into(),
            text: Some("(?i)no space left".into()),
            say: Some("The disk of {subject} is full.".into()),
            ..RuleSpec::default()
        };
        vec![disk]
    }

    fn told(from: TapFrom, input: &str) -> String {
        let args = TapTestArgs { from, subject: "backup".into() };
        let mut out = Vec::new();
        test(&rules(), &args, input.as_bytes(), &mut out).expect("the rules are good");
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn each_line_is_told_its_lane_what_is_said_and_the_sum_at_the_end() {
        let told = told(TapFrom::Log, "write: No space left on device\nall is well");
        for part in [
            "sorted   backup: write: No space left",
            "-> os:disk by rule \"disk\"",
            "says \"The disk of backup is full.\", at most every 60 s",
            "forgot   backup: all is well",
            "disk 1, no rule 1",
        ] {
            assert!(told.contains(part), "{part} is not in:\n{told}");
        }
    }

    #[test]
    fn lines_of_the_journal_are_read_as_such() {
        let entry = "{\"MESSAGE\":\"no space left\",\"UNIT\":\"a.service\"}\n{\"x\n";
        let told = told(TapFrom::Journal, entry);
        assert!(told.contains("The disk of a.service is full."), "{told}");
        assert!(told.contains("unread   {\"x"), "{told}");
    }
}
