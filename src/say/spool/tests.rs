mod hostile;
mod places;

use std::path::Path;

use super::*;

/// What a desk was asked: words, and the name of their claim.
type Heard = std::sync::Arc<std::sync::Mutex<Vec<(String, String)>>>;

/// A desk that answers as it is told, and remembers what it was asked.
fn desk(
    answer: impl Fn(usize, &str) -> Vec<Reply> + Send + 'static,
) -> (mpsc::Sender<Asked>, Heard) {
    let (asked, mut inbox) = mpsc::channel::<Asked>(16);
    let heard = Heard::default();
    let seen = heard.clone();
    tokio::spawn(async move {
        while let Some(asked) = inbox.recv().await {
            let Request::Say(wish) = &asked.request else { continue };
            let claim = asked.claim.clone().expect("a name");
            let nth = {
                let mut seen = seen.lock().expect("no panic");
                seen.push((wish.text.clone(), claim.clone()));
                seen.len()
            };
            for reply in answer(nth, &claim) {
                let _ = asked.replies.send(reply).await;
            }
        }
    });
    (asked, heard)
}

fn accepted(claim: &str) -> Reply {
    Reply::Accepted { line: None, claim: claim.into() }
}

fn spoken(claim: &str) -> Reply {
    let (ending, heard) = ("spoken".into(), String::new());
    Reply::Ended { line: Some(1), claim: claim.into(), ending, reason: None, heard }
}

fn drop_file(spool: &Path, name: &str, text: &str) {
    let unfinished = spool.join("tmp").join(name);
    std::fs::write(&unfinished, text).expect("it is written");
    std::fs::rename(unfinished, spool.join("new").join(name)).expect("it is dropped");
}

async fn result(spool: &Path, name: &str, has: &str) -> String {
    let path = spool.join("done").join(format!("{name}.json"));
    until(|| std::fs::read_to_string(&path).ok().filter(|text| text.contains(has))).await
}

/// Bounded waiting, for what another task does.
async fn until<T>(is: impl Fn() -> Option<T>) -> T {
    let wait = async {
        loop {
            if let Some(found) = is() {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), wait).await.expect("it happens")
}

#[tokio::test]
async fn a_drop_is_said_and_what_became_of_it_lies_beside_it() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let (asked, heard) = desk(|_, claim| vec![accepted(claim), spoken(claim)]);
    let _spools = start(dir.path().into(), &SaySection::default(), asked).expect("it starts");
    drop_file(dir.path(), "kettle", "the kettle boils\n");
    drop_file(dir.path(), "broken", "{\"txet\":1}");
    let told = result(dir.path(), "kettle", "spoken").await;
    assert!(told.contains("spool-"), "{told}");
    assert!(result(dir.path(), "broken", "refused").await.contains("not a claim"));
    until(|| {
        let left = |part: &str| std::fs::read_dir(dir.path().join(part)).expect("a dir").count();
        (left("new") + left("cur") == 0).then_some(())
    })
    .await;
    let heard = heard.lock().expect("no panic");
    assert_eq!(
        heard.iter().map(|(text, _)| text.as_str()).collect::<Vec<_>>(),
        ["the kettle boils"]
    );
}

#[tokio::test]
async fn what_cannot_be_taken_now_stays_and_is_tried_again_under_the_same_name() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let full = Reply::Refused { message: "full".into(), again_in_ms: Some(50) };
    let (asked, heard) = desk(move |nth, claim| match nth {
        1 | 2 => vec![full.clone()],
        _ => vec![accepted(claim), spoken(claim)],
    });
    let _spools = start(dir.path().into(), &SaySection::default(), asked).expect("it starts");
    drop_file(dir.path(), "kettle", "the kettle boils");
    result(dir.path(), "kettle", "spoken").await;
    let heard = heard.lock().expect("no panic");
    assert_eq!(heard.len(), 3);
    assert!(heard.iter().all(|(_, claim)| *claim == heard[0].1), "{heard:?}");
}

#[tokio::test]
async fn a_line_that_one_call_has_no_room_for_is_tried_until_it_is_taken_in() {
    let full = Reply::Refused { message: "full".into(), again_in_ms: Some(50) };
    let (asked, heard) = desk(move |nth, claim| match nth {
        1 => vec![full.clone(), full.clone()],
        2 => vec![full.clone(), accepted(claim)],
        _ => vec![accepted(claim)],
    });
    let shared = Shared { permit: peer::permit(&SaySection::default()), asked };
    take_line(b"the kettle boils", "line-1".into(), &shared).await;
    take_line(b"tea is ready", "line-2".into(), &shared).await;
    let heard = heard.lock().expect("no panic");
    let texts: Vec<_> = heard.iter().map(|(text, _)| text.as_str()).collect();
    assert_eq!(texts, ["the kettle boils", "the kettle boils", "tea is ready"]);
}

#[tokio::test]
async fn what_one_call_took_in_is_not_tried_again_because_another_was_full() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let full = Reply::Refused { message: "full".into(), again_in_ms: Some(50) };
    let (asked, heard) = desk(move |_, claim| vec![accepted(claim), spoken(claim), full.clone()]);
    let _spools = start(dir.path().into(), &SaySection::default(), asked).expect("it starts");
    drop_file(dir.path(), "kettle", "the kettle boils");
    result(dir.path(), "kettle", "spoken").await;
    until(|| (!dir.path().join("cur/kettle").exists()).then_some(())).await;
    assert_eq!(heard.lock().expect("no panic").len(), 1);
}

#[test]
fn what_cannot_be_read_does_not_keep_the_others_from_being_found() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let spool = Maildir::open(dir.path().into(), None).expect("it opens");
    for n in 0..IN_HAND_MAX {
        std::os::unix::fs::symlink("/dev/null", dir.path().join(format!("new/a-{n}")))
            .expect("a link");
    }
    drop_file(dir.path(), "kettle", "the kettle boils");
    drop_file(dir.path(), "tea", "tea is ready");
    let names = |room: usize| -> Vec<String> {
        spool.look(room).into_iter().map(|dropped| dropped.name).collect()
    };
    assert_eq!(names(1), ["kettle"]);
    assert_eq!(names(IN_HAND_MAX), ["tea"]);
}

#[tokio::test]
async fn what_an_earlier_line_took_in_is_asked_about_under_the_same_name() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let (asked, first) = desk(|_, claim| vec![accepted(claim)]);
    let spools = start(dir.path().into(), &SaySection::default(), asked).expect("it starts");
    drop_file(dir.path(), "kettle", "the kettle boils");
    // The first line goes away without an ending.
    until(|| dir.path().join("cur/kettle").exists().then_some(())).await;
    drop(spools);
    let (asked, second) = desk(|_, claim| vec![accepted(claim), spoken(claim)]);
    let _spools = start(dir.path().into(), &SaySection::default(), asked).expect("it starts");
    result(dir.path(), "kettle", "spoken").await;
    let claims = [
        first.lock().expect("no panic")[0].1.clone(),
        second.lock().expect("no panic")[0].1.clone(),
    ];
    assert_eq!(claims[0], claims[1]);
}

fn append(path: &Path, text: &str) {
    use std::io::Write;
    let mut file = std::fs::OpenOptions::new().append(true).create(true).open(path).expect("open");
    file.write_all(text.as_bytes()).expect("it is appended");
}

fn words(found: &[lines::Line]) -> Vec<String> {
    found.iter().map(|line| String::from_utf8_lossy(&line.bytes).into_owned()).collect()
}

/// Looks until nothing is new, taking everything in.
fn take_all(file: &mut LineFile) -> Vec<lines::Line> {
    let mut all = Vec::new();
    loop {
        let found = file.look();
        let Some(last) = found.last() else { return all };
        file.done(last.end);
        all.extend(found);
    }
}

fn line_file(path: &Path, mark: &Path) -> LineFile {
    LineFile::open(path.into(), mark.into(), peer::permit(&SaySection::default()))
}

#[test]
fn lines_are_taken_once_through_truncation_rotation_and_restart() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let (path, mark) = (dir.path().join("queue"), dir.path().join("lines.json"));
    append(&path, "before anybody listened\n");
    let open = || line_file(&path, &mark);
    let mut file = open();
    assert_eq!(words(&take_all(&mut file)), [""; 0]);
    append(&path, "one\ntwo\nthr");
    let first = take_all(&mut file);
    assert_eq!(words(&first), ["one", "two"], "a line is whole when its end is there");
    // Another run goes on where the first one was.
    let mut file = open();
    append(&path, "ee\n");
    assert_eq!(words(&take_all(&mut file)), ["three"]);
    std::fs::write(&path, "one\n").expect("it is truncated");
    let again = take_all(&mut file);
    assert_eq!(words(&again), ["one"]);
    assert!(first.iter().all(|line| line.claim != again[0].claim), "a new line has a new name");
    append(&path, "last words\n");
    std::fs::rename(&path, dir.path().join("queue.1")).expect("it is rotated");
    append(&path, "first words\n");
    assert_eq!(words(&take_all(&mut file)), ["last words", "first words"]);
}

#[test]
fn a_line_that_was_not_taken_in_is_met_again_under_the_same_name() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let (path, mark) = (dir.path().join("queue"), dir.path().join("lines.json"));
    let open = || line_file(&path, &mark);
    let mut file = open();
    assert!(file.look().is_empty());
    append(&path, "one\ntwo\n");
    let found = file.look();
    file.done(found[0].end);
    // A crash, before the second was taken in.
    assert_eq!(open().look(), found[1..]);
}

#[test]
fn a_file_that_was_written_anew_is_known_by_what_stands_in_it_and_not_by_its_length() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let (path, mark) = (dir.path().join("queue"), dir.path().join("lines.json"));
    let open = || line_file(&path, &mark);
    let mut file = open();
    append(&path, "tea\n");
    let first = take_all(&mut file);
    std::fs::write(&path, "the kettle boils\n").expect("it is written anew");
    let second = take_all(&mut file);
    assert_eq!(words(&second), ["the kettle boils"], "no half of it");
    assert_ne!(first[0].claim, second[0].claim);
    // Also by a line that was started anew.
    std::fs::write(&path, "the dishes in the machine are done\n").expect("it is written anew");
    assert_eq!(words(&take_all(&mut open())), ["the dishes in the machine are done"]);
}

#[test]
fn what_is_written_once_the_line_listens_is_news_also_before_the_first_look() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let (path, mark) = (dir.path().join("queue"), dir.path().join("lines.json"));
    append(&path, "");
    let mut file = line_file(&path, &mark);
    append(&path, "the kettle boils\n");
    assert_eq!(words(&take_all(&mut file)), ["the kettle boils"]);
    // Also what comes into being between two runs.
    let (path, mark) = (dir.path().join("other"), dir.path().join("other.json"));
    assert!(line_file(&path, &mark).look().is_empty());
    append(&path, "tea is ready\n");
    assert_eq!(words(&take_all(&mut line_file(&path, &mark))), ["tea is ready"]);
}

#[test]
fn two_programs_that_append_at_once_lose_no_line_and_have_none_said_twice() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let (path, mark) = (dir.path().join("queue"), dir.path().join("lines.json"));
    let mut file = line_file(&path, &mark);
    let program = |name: &str| {
        let script = format!("for n in $(seq 300); do echo \"{name} $n\" >> \"$0\"; done");
        let shell = std::process::Command::new("sh").args(["-c", &script]).arg(&path).spawn();
        shell.expect("a shell")
    };
    let mut programs = [program("kettle"), program("oven")];
    let (mut found, mut ended) = (Vec::new(), false);
    while !ended {
        ended = programs.iter_mut().all(|it| it.try_wait().expect("ours").is_some());
        found.extend(take_all(&mut file));
        // A restart in between changes nothing.
        if found.len() % 7 == 0 {
            file = line_file(&path, &mark);
        }
    }
    let said = words(&found);
    for name in ["kettle", "oven"] {
        let own: Vec<_> = said.iter().filter(|line| line.starts_with(name)).collect();
        let expected: Vec<_> = (1..=300).map(|n| format!("{name} {n}")).collect();
        assert!(own.iter().copied().eq(&expected), "{own:?}");
    }
    let names: std::collections::BTreeSet<_> = found.iter().map(|line| &line.claim).collect();
    assert_eq!((said.len(), names.len()), (600, 600));
}

#[tokio::test]
async fn what_is_no_line_of_words_is_left_out_and_what_comes_after_it_is_said() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let path = dir.path().join("queue");
    append(&path, "");
    let (asked, heard) = desk(|_, claim| vec![accepted(claim)]);
    let say = SaySection { alias: Some(path.clone()), ..SaySection::default() };
    let _spools = start(dir.path().join("spool"), &say, asked).expect("it starts");
    let binary = [b"\x7fELF\xff\xfe\x00\n".as_slice(), &[0x80; 3_000], b"\n"].concat();
    for bytes in [
        b"one\n".as_slice(),
        &binary,
        b"\0\r\n\n   \n",
        format!("{}\n", "twenty ".repeat(3_000)).as_bytes(),
        b"two\n",
        format!("{}\n", "a hundred thousand ".repeat(6_000)).as_bytes(),
        b"{\"text\":\"three\",\"ttl_s\":60}\nfo",
        b"ur\r\n",
    ] {
        use std::io::Write;
        let file = std::fs::OpenOptions::new().append(true).open(&path);
        file.expect("it is there").write_all(bytes).expect("it is appended");
    }
    until(|| (heard.lock().expect("no panic").len() >= 4).then_some(())).await;
    let heard = heard.lock().expect("no panic");
    let texts: Vec<_> = heard.iter().map(|(text, _)| text.as_str()).collect();
    assert_eq!(texts, ["one", "two", "three", "four"]);
}

#[test]
fn a_line_without_an_end_does_not_stop_what_comes_after_it() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let (path, mark) = (dir.path().join("queue"), dir.path().join("lines.json"));
    let mut file = line_file(&path, &mark);
    assert!(file.look().is_empty());
    append(&path, &"x".repeat(200_000));
    for _ in 0..8 {
        assert!(file.look().is_empty());
    }
    append(&path, "\nhello\n");
    assert_eq!(words(&take_all(&mut file)), ["", "hello"], "nor is its rest said");
}
