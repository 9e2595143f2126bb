//! Fetching models, against a server that behaves, and servers that do not.

#[path = "models/server.rs"]
mod server;

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::time::{Duration, Instant};

use xenline::models::{
    FetchError, FetchOptions, Finding, Kind, Model, Presence, Progress, RemoteFile, Silent, fetch,
    presence, verify,
};

use server::{Answer, Server, content};

#[test]
fn a_model_of_two_files_is_fetched_whole_and_found_sound() {
    let server = Server::start(|_, content| Answer::whole(content));
    let dir = tempfile::tempdir().expect("a folder");
    let model = model(&server, 300_000);
    assert_eq!(presence(&model, dir.path()), Presence::Absent);
    let path = fetch(&model, dir.path(), &options(), &mut Silent).expect("fetches");
    assert_eq!(path, dir.path().join("m.onnx"));
    assert_eq!(fs::read(&path).expect("there"), content("/m.onnx", 300_000));
    assert_eq!(presence(&model, dir.path()), Presence::Installed);
    let checked = verify(&model, dir.path(), &mut Silent);
    assert!(checked.len() == 2 && checked.iter().all(|c| c.finding == Finding::Sound));
    assert_eq!(parts(dir.path()), 0);

    fetch(&model, dir.path(), &options(), &mut Silent).expect("is there already");
    assert_eq!(server.requests().len(), 2, "what is whole is not fetched again");
}

#[test]
fn a_connection_that_breaks_is_taken_up_where_it_broke() {
    let server = Server::start(|request, content| match request.range {
        None => Answer { send: content.len() / 3, ..Answer::whole(content) },
        Some(from) if from < content.len() / 2 => {
            Answer { send: content.len() / 3, ..Answer::partial(content, from) }
        }
        Some(from) => Answer::partial(content, from),
    });
    let dir = tempfile::tempdir().expect("a folder");
    let model = single(&server, 300_000);
    let mut watch = Watch::default();
    fetch(&model, dir.path(), &options(), &mut watch).expect("fetches in the end");
    let ranges: Vec<_> = server.requests().iter().map(|r| r.range).collect();
    assert_eq!(ranges, [None, Some(100_000), Some(200_000)]);
    assert!(watch.notes.iter().any(|n| n.contains("trying again")), "{:?}", watch.notes);
    assert!(watch.done.is_sorted() && watch.done.last() == Some(&300_000));
}

#[test]
fn a_later_call_goes_on_where_an_earlier_one_gave_up() {
    let server = Server::start(|request, content| match request.number {
        0 => Answer { send: 120_000, ..Answer::whole(content) },
        1 => Answer::status(503),
        _ => Answer::partial(content, request.range.expect("a range")),
    });
    let dir = tempfile::tempdir().expect("a folder");
    let model = single(&server, 300_000);
    let once = FetchOptions { retries: 1, ..options() };
    let error = fetch(&model, dir.path(), &once, &mut Silent).expect_err("gives up");
    assert!(matches!(error, FetchError::Status { status: 503, .. }), "{error:?}");
    assert_eq!(presence(&model, dir.path()), Presence::Partial(120_000));
    fetch(&model, dir.path(), &options(), &mut Silent).expect("goes on");
    assert_eq!(server.requests()[2].range, Some(120_000));
    assert_eq!(presence(&model, dir.path()), Presence::Installed);
}

#[test]
fn a_server_that_cannot_resume_is_asked_for_everything() {
    let server = Server::start(|request, content| match request.number {
        0 => Answer { send: 150_000, ..Answer::whole(content) },
        _ => Answer::whole(content), // whatever range was asked for
    });
    let dir = tempfile::tempdir().expect("a folder");
    let model = single(&server, 300_000);
    let mut watch = Watch::default();
    fetch(&model, dir.path(), &options(), &mut watch).expect("fetches");
    assert!(watch.notes.iter().any(|n| n.contains("cannot resume")), "{:?}", watch.notes);
    assert_eq!(presence(&model, dir.path()), Presence::Installed);
}

#[test]
fn a_server_that_sends_another_range_is_not_believed() {
    let server = Server::start(|request, content| match request.number {
        0 => Answer { send: 150_000, ..Answer::whole(content) },
        1 => Answer::partial(content, 7),
        _ => Answer::whole(content),
    });
    let dir = tempfile::tempdir().expect("a folder");
    let model = single(&server, 300_000);
    fetch(&model, dir.path(), &options(), &mut Silent).expect("fetches");
    assert_eq!(presence(&model, dir.path()), Presence::Installed);
}

#[test]
fn another_file_than_the_pinned_one_is_deleted() {
    let server = Server::start(|_, content| Answer::whole(content));
    let dir = tempfile::tempdir().expect("a folder");
    let mut model = single(&server, 300_000);
    model.files[0].sha256 = "0".repeat(64);
    let error = fetch(&model, dir.path(), &options(), &mut Silent).expect_err("refuses");
    assert!(matches!(&error, FetchError::Checksum { expected, .. } if *expected == "0".repeat(64)));
    assert!(error.to_string().contains("do not use it"), "{error}");
    assert_eq!(fs::read_dir(dir.path()).expect("there").count(), 0, "nothing is left");
}

#[test]
fn a_body_longer_than_the_file_is_cut_and_judged_by_its_checksum() {
    let server = Server::start(|_, content| Answer::whole(&[content, &[1; 5_000]].concat()));
    let dir = tempfile::tempdir().expect("a folder");
    fetch(&single(&server, 300_000), dir.path(), &options(), &mut Silent).expect("fetches");
}

#[test]
fn a_file_that_has_moved_says_so_at_once() {
    let server = Server::start(|_, _| Answer::status(404));
    let dir = tempfile::tempdir().expect("a folder");
    let error = fetch(&single(&server, 9_000), dir.path(), &options(), &mut Silent);
    let message = error.expect_err("is not there").to_string();
    assert!(message.contains("404") && message.contains("--url"), "{message}");
    assert_eq!(server.requests().len(), 1, "asking again would not help");
}

#[test]
fn a_server_that_falls_silent_is_given_up_and_what_came_is_kept() {
    let server = Server::start(|request, content| match request.range {
        None => Answer { send: 100_000, hang: Duration::from_secs(8), ..Answer::whole(content) },
        Some(from) => {
            Answer { send: 0, hang: Duration::from_secs(8), ..Answer::partial(content, from) }
        }
    });
    let dir = tempfile::tempdir().expect("a folder");
    let model = single(&server, 300_000);
    let impatient = FetchOptions { silence: Duration::from_millis(300), retries: 1, ..options() };
    let began = Instant::now();
    let error = fetch(&model, dir.path(), &impatient, &mut Silent).expect_err("gives up");
    assert!(matches!(error, FetchError::Stalled { kept: 100_000, .. }), "{error:?}");
    assert!(began.elapsed() < Duration::from_secs(6), "{:?}", began.elapsed());
    assert_eq!(presence(&model, dir.path()), Presence::Partial(100_000));
}

#[test]
fn a_slow_server_is_waited_for_as_long_as_it_sends() {
    let server = Server::start(|_, content| Answer {
        piece: 2_000,
        pause: Duration::from_millis(60),
        ..Answer::whole(content)
    });
    let dir = tempfile::tempdir().expect("a folder");
    let impatient = FetchOptions { silence: Duration::from_millis(500), retries: 0, ..options() };
    fetch(&single(&server, 30_000), dir.path(), &impatient, &mut Silent).expect("in time");
}

#[test]
fn no_server_and_no_name_are_network_errors_with_a_next_step() {
    let dir = tempfile::tempdir().expect("a folder");
    let unused = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a port");
    let mut model = plain(&format!("http://{unused}"), 9_000);
    let hasty = FetchOptions { retries: 0, ..options() };
    let error = fetch(&model, dir.path(), &hasty, &mut Silent).expect_err("nobody there");
    assert!(matches!(error, FetchError::Network { kept: 0, .. }), "{error:?}");
    assert!(error.to_string().contains("run the same command again"), "{error}");
    model.files[0].url = "not a url".into();
    assert!(fetch(&model, dir.path(), &hasty, &mut Silent).is_err());
}

#[test]
fn a_mirror_and_a_checksum_can_be_given() {
    let server = Server::start(|_, content| Answer::whole(content));
    let dir = tempfile::tempdir().expect("a folder");
    let mut model = model(&server, 9_000);
    let sha256 = model.files[0].sha256.to_uppercase();
    for file in &mut model.files {
        file.url = "http://unreachable.invalid/x".into();
    }
    model.files[0].sha256 = "0".repeat(64);
    let url = Some(format!("{}/m.onnx", server.base));
    let mirrored = FetchOptions { url: url.clone(), sha256: Some(sha256), ..options() };
    fetch(&model, dir.path(), &mirrored, &mut Silent).expect("fetches both files");
    assert_eq!(server.requests()[1].path, "/m.onnx.json");
    let wrong = FetchOptions { url, sha256: Some("abc".into()), ..options() };
    let error = fetch(&model, dir.path(), &wrong, &mut Silent).expect_err("is none");
    assert!(matches!(error, FetchError::BadChecksum(_)), "{error:?}");
}

#[test]
fn two_downloads_of_one_file_do_not_mix() {
    let server = Server::start(|_, content| Answer::whole(content));
    let dir = tempfile::tempdir().expect("a folder");
    let part = fs::File::create(dir.path().join("m.onnx.part")).expect("a file");
    part.lock().expect("the other download holds it");
    let error = fetch(&single(&server, 9_000), dir.path(), &options(), &mut Silent);
    assert!(matches!(error, Err(FetchError::Busy { .. })), "{error:?}");
}

#[test]
fn a_folder_that_cannot_be_one_is_an_error_about_that_folder() {
    let server = Server::start(|_, content| Answer::whole(content));
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("file");
    fs::write(&file, "x").expect("writable");
    let error = fetch(&single(&server, 9_000), &file.join("models"), &options(), &mut Silent);
    assert!(matches!(error, Err(FetchError::File { .. })), "{error:?}");
}

#[test]
fn verification_finds_what_is_missing_and_what_differs() {
    let server = Server::start(|_, content| Answer::whole(content));
    let dir = tempfile::tempdir().expect("a folder");
    let model = model(&server, 9_000);
    fetch(&model, dir.path(), &options(), &mut Silent).expect("fetches");
    let mut bytes = content("/m.onnx", 9_000);
    bytes[4_000] ^= 1;
    fs::write(dir.path().join("m.onnx"), &bytes).expect("writable");
    fs::remove_file(dir.path().join("m.onnx.json")).expect("removable");
    let checked = verify(&model, dir.path(), &mut Silent);
    assert!(matches!(checked[0].finding, Finding::Differs { .. }), "{:?}", checked[0]);
    assert_eq!(checked[1].finding, Finding::Missing);
    fetch(&model, dir.path(), &options(), &mut Silent).expect("repairs both");
    let checked = verify(&model, dir.path(), &mut Silent);
    assert!(checked.iter().all(|c| c.finding == Finding::Sound), "{checked:?}");
}

fn options() -> FetchOptions {
    FetchOptions { retry_pause: Duration::from_millis(5), ..FetchOptions::default() }
}

fn plain(base: &str, bytes: u64) -> Model {
    Model {
        name: "test".into(),
        kind: Kind::Voice,
        about: String::new(),
        licence: String::new(),
        files: vec![remote(base, "m.onnx", bytes)],
    }
}

fn single(server: &Server, bytes: usize) -> Model {
    server.serve("/m.onnx", bytes);
    plain(&server.base, bytes as u64)
}

fn model(server: &Server, bytes: usize) -> Model {
    server.serve("/m.onnx.json", 700);
    let mut model = single(server, bytes);
    model.files.push(remote(&server.base, "m.onnx.json", 700));
    model
}

fn remote(base: &str, name: &str, bytes: u64) -> RemoteFile {
    let sha256 = sha256(&content(&format!("/{name}"), bytes as usize));
    RemoteFile { name: name.into(), url: format!("{base}/{name}"), bytes, sha256 }
}

fn sha256(bytes: &[u8]) -> String {
    use sha2::Digest as _;
    sha2::Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect()
}

fn parts(dir: &Path) -> usize {
    let entries = fs::read_dir(dir).expect("readable").flatten();
    entries.filter(|e| e.file_name().to_string_lossy().ends_with(".part")).count()
}

#[derive(Default)]
struct Watch {
    done: Vec<u64>,
    notes: Vec<String>,
}

impl Progress for Watch {
    fn start(&mut self, _name: &str, _total: u64, _done: u64) {}
    fn at(&mut self, done: u64) {
        self.done.push(done);
    }
    fn note(&mut self, text: &str) {
        self.notes.push(text.to_owned());
    }
    fn finish(&mut self) {}
}
