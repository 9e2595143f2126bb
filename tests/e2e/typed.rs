//! `xenline type` against a line that serves: no call, and an answer all the same.

use std::time::Duration;

use crate::support::alone;
use crate::support::line::Serving;
use crate::support::process::{run, xenline};

const SOON: Duration = Duration::from_secs(30);

#[test]
fn what_is_typed_is_kept_and_answered_without_a_call() {
    let _alone = alone();
    let serving = Serving::agent(|_| {});
    let socket = serving.config.say.socket.clone().expect("a socket of its own");
    let typed = |arguments: &[&str]| {
        let mut command = xenline();
        command.arg("type").args(arguments).arg("--socket").arg(&socket);
        run(command, SOON)
    };
    let kept = typed(&["what time is it"]);
    assert_eq!((kept.code, kept.out.as_str()), (Some(0), "typed:main/1\n"), "{}", kept.err);
    let answered = typed(&["--wait", "what day is it"]);
    let (id, answer) = answered.out.split_once('\n').expect("an id and an answer");
    assert_eq!((answered.code, id), (Some(0), "typed:main/2"), "{}", answered.err);
    assert!(answer.contains("day"), "{answer}");
    let refused = typed(&[" "]);
    assert_eq!(refused.code, Some(1), "{}", refused.out);
    assert!(refused.err.contains("empty"), "{}", refused.err);
    drop(serving);
    let nobody = typed(&["hello"]);
    assert_eq!(nobody.code, Some(4), "{}", nobody.err);
    let mut status = xenline();
    status.args(["status", "--json", "--socket"]).arg(&socket);
    let nobody = run(status, SOON);
    assert_eq!(nobody.code, Some(4), "{}", nobody.err);
}
