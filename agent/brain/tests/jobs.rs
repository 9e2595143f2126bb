//! Commands: asked about, started, reported, cancelled, refused.

mod support;

use brain_protocol::{BrainMessage, ClaimEnding, JobOutcome, Source};
use support::{Call, config_from, is_worker};
use xenline_brain::config::Config;
use xenline_brain::mind::Output;

const OUTPUT: &str = "files=3\narchive_bytes=20480\n";

#[test]
fn a_command_is_acknowledged_at_once_and_reported_when_it_is_done() {
    let mut call = Call::new();
    let said = call.turn("run the backup");
    assert_eq!(said[0].text, "Okay, I am starting the backup.");
    assert_eq!(said[0].source, Source::Responder);
    let order = call.order();
    assert_eq!(order.run[1], "--demo-backup");
    assert!(
        call.sent(|it| matches!(it, BrainMessage::JobStarted { label, .. } if label == "backup"))
    );

    assert_eq!(
        call.says("is it done"),
        "Not yet. The backup has been running for less than a second."
    );

    let report = call.report(&order.job, JobOutcome::Done, OUTPUT);
    assert_eq!(
        report[0].text,
        "The backup is done. Three files were packed into one archive of twenty kilobytes. \
         Every file was read back from the archive and compared. No differences were found. \
         It took four seconds. The archive is kept until the next backup."
    );
    assert!(is_worker(&report[0]) && report[0].turn.is_none(), "a report does not go stale");
    assert!(
        call.sent(|it| matches!(it, BrainMessage::JobFinished { outcome: JobOutcome::Done, .. }))
    );
    assert_eq!(call.says("is the backup done"), "Yes. The backup is done.");
}

#[test]
fn an_interrupted_report_is_remembered_as_far_as_it_was_heard() {
    let mut call = Call::new();
    call.says("run the backup");
    let job = call.order().job;
    let report = call.report(&job, JobOutcome::Done, OUTPUT);
    call.ended(&report[0].claim, ClaimEnding::Interrupted, "The backup is done. Three files were");
    assert_eq!(call.says("stop"), "");
    assert_eq!(call.says("what did you say"), "I said: The backup is done. Three files were");
    assert!(call.says("continue").starts_with("Going on. packed into one archive"));
}

#[test]
fn a_command_with_confirm_runs_only_after_a_yes() {
    let config = "[[command]]\nname = \"restart_service\"\nlabel = \"a restart\"\nrun = [\"true\"]\nconfirm = true\n";
    for (answer, runs) in [
        ("yes", true),
        ("go ahead", true),
        ("no", false),
        ("what time is it", false),
        ("stop", false),
    ] {
        let mut call = Call::with(config);
        assert_eq!(
            call.says("restart the service"),
            "Really? Shall I run a restart? Please say yes or no."
        );
        assert!(!call.outputs.iter().any(|it| matches!(it, Output::Start(_))));
        call.says(answer);
        assert_eq!(call.outputs.iter().any(|it| matches!(it, Output::Start(_))), runs, "{answer}");
        if !runs {
            call.says("yes");
            assert!(!call.outputs.iter().any(|it| matches!(it, Output::Start(_))), "late yes");
        }
    }
}

#[test]
fn a_command_that_runs_is_not_started_twice() {
    let mut call = Call::new();
    call.says("run the backup");
    assert_eq!(call.says("run the backup"), "The backup is already running.");
}

#[test]
fn more_jobs_than_allowed_are_refused_with_a_word() {
    let mut call = Call::with(
        "jobs_max = 1\n[[command]]\nname = \"backup\"\nrun = [\"true\"]\n[[command]]\nname = \"tests\"\nrun = [\"true\"]\n",
    );
    call.says("run the backup");
    assert_eq!(call.says("run the tests"), "Not now. Too many jobs are running.");
}

#[test]
fn cancel_cancels_what_runs() {
    let mut call = Call::new();
    assert_eq!(call.says("cancel"), "Okay. Nothing is running.");
    call.says("run the backup");
    let job = call.order().job;
    assert_eq!(call.says("cancel the job"), "Okay. I cancel the backup.");
    assert!(call.outputs.contains(&Output::Cancel(job.clone())));
    assert!(call.report(&job, JobOutcome::Cancelled, "").is_empty(), "it was said already");
    assert!(
        call.sent(|it| matches!(
            it,
            BrainMessage::JobFinished { outcome: JobOutcome::Cancelled, .. }
        ))
    );
    assert_eq!(call.says("what are you doing"), "No jobs are running.");
}

#[test]
fn a_failure_is_reported_and_found_again() {
    let mut call =
        Call::with("[[command]]\nname = \"tests\"\nlabel = \"the test run\"\nrun = [\"false\"]\n");
    call.says("run the tests");
    let job = call.order().job;
    let report = call.report(&job, JobOutcome::Failed, "");
    assert_eq!(report[0].text, "The test run failed with status 2. It took four seconds.");
    assert_eq!(call.says("did the tests pass"), "No. The test run failed with status 2.");
    assert_eq!(
        call.says("what went wrong"),
        "The test run failed with status 2. That was after four seconds."
    );
    assert_eq!(call.says("run it again"), "Okay, I am starting the test run.");
}

#[test]
fn a_report_after_the_call_is_told_at_the_next() {
    let mut call = Call::new();
    call.says("run the backup");
    let job = call.order().job;
    call.close();
    assert!(call.report(&job, JobOutcome::Done, OUTPUT).is_empty());
    let said = call.open();
    assert!(said[1].text.starts_with("While you were away. The backup is done."));
}

#[test]
fn a_job_that_was_lost_with_its_brain_ends_and_somebody_hears_it() {
    let mut call = Call::new();
    call.says("run the backup");
    let memory = call.mind.memory().clone();
    let mut next = Call::before_the_call(Config::builtin(), memory);
    let said = next.open();
    assert_eq!(said[1].text, "While you were away. The backup was cut off when I was restarted.");
    assert_eq!(next.says("run it again"), "Okay, I am starting the backup.");
}

#[test]
fn a_command_can_be_asked_for_later() {
    let mut call = Call::new();
    assert_eq!(call.says("run the backup at ten"), "Okay. The backup, at ten o'clock.");
    assert!(!call.outputs.iter().any(|it| matches!(it, Output::Start(_))));
    let said = call.wait(90 * 60);
    assert_eq!(said[0].text, "Okay, I am starting the backup.");
    assert!(call.sent(|it| matches!(it, BrainMessage::JobStarted { .. })));
}

#[test]
fn what_the_caller_said_reaches_a_command_only_as_single_arguments() {
    let config = config_from(
        "[[command]]\nname = \"heating_to\"\nrun = [\"echo\", \"--to={n}\", \"{config_dir}\"]\n",
    );
    let directory = config.directory.display().to_string();
    let mut call = Call::before_the_call(config, Default::default());
    call.open();
    call.says("set the temperature to twenty one");
    assert_eq!(call.order().run, ["echo", "--to=21", &directory]);
}

#[test]
fn a_configuration_that_cannot_be_used_says_what_to_do() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("brain.toml");
    for (text, part) in [
        ("threshold = 2.0", "choose one from 0 to 1"),
        ("greting = \"Hi\"", "unknown field `greting`"),
        ("jobs_max = 0", "choose 1 to"),
        ("[[command]]\nname = \"a\"\nrun = []", "name its program"),
        ("[[command]]\nname = \"a\"\nrun = [\"b\"]\ntimeout_s = 0", "timeout_s"),
        (
            "[[command]]\nname = \"a\"\nrun = [\"b\"]\n[[command]]\nname = \"a\"\nrun = [\"b\"]",
            "name of its own",
        ),
    ] {
        std::fs::write(&path, text).unwrap();
        let error = Config::read(&path).unwrap_err().to_string();
        assert!(error.contains(part) && error.contains("brain.toml"), "{error}");
    }
    let missing = Config::read(&directory.path().join("none.toml")).unwrap_err().to_string();
    assert!(missing.contains("none.toml"), "{missing}");
}
