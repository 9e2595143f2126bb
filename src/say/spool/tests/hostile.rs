//! Who may drop is not who may write for the line.

use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

use super::*;

fn spool_in(dir: &Path) -> Maildir {
    Maildir::open(dir.into(), None).expect("it opens")
}

#[test]
fn a_result_is_written_through_no_link_that_somebody_planted() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let private = dir.path().join("authorized_keys");
    std::fs::write(&private, "ours").expect("it is written");
    let spool = spool_in(&dir.path().join("spool"));
    // Members of a group that may drop may write in these two.
    for planted in ["tmp/.kettle.result", "done/kettle.json"] {
        symlink(&private, dir.path().join("spool").join(planted)).expect("a link");
    }
    spool.accepted("kettle", &accepted("spool-1"));
    spool.finished("kettle", Some(&spoken("spool-1")));
    assert_eq!(std::fs::read_to_string(&private).expect("it is there"), "ours");
    let told = dir.path().join("spool/done/kettle.json");
    assert!(told.symlink_metadata().expect("a result").is_file(), "the result itself");
    assert!(std::fs::read_to_string(told).expect("it is there").contains("spoken"));
}

#[test]
fn a_result_that_a_crash_left_half_written_keeps_none_from_being_written() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let spool = spool_in(dir.path());
    std::fs::write(dir.path().join("cur/.kettle.result"), "{\"repl").expect("it is written");
    spool.finished("kettle", Some(&spoken("spool-1")));
    let told = std::fs::read_to_string(dir.path().join("done/kettle.json")).expect("a result");
    assert!(told.contains("spoken"), "{told}");
    assert!(!dir.path().join("cur/.kettle.result").exists());
}

#[test]
fn who_may_drop_by_the_groups_mode_may_not_write_where_results_are_made() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let mode = |part: &str| {
        let meta = dir.path().join(part).metadata().expect("it is there");
        meta.permissions().mode() & 0o7777
    };
    std::fs::create_dir(dir.path().join("cur")).expect("it is made");
    std::fs::set_permissions(dir.path().join("cur"), std::fs::Permissions::from_mode(0o777))
        .expect("it is ours");
    // Our own group is one that we may give it to.
    let ours = dir.path().metadata().expect("it is there").gid();
    Maildir::open(dir.path().into(), Some(ours)).expect("it opens");
    assert_eq!(["tmp", "new", "cur", "done"].map(mode), [0o1770, 0o1770, 0o700, 0o1770]);
    let alone = dir.path().join("alone");
    spool_in(&alone);
    for part in ["tmp", "new", "cur", "done"] {
        assert_eq!(mode(&format!("alone/{part}")), 0o700, "{part}");
    }
}

#[test]
fn a_directory_that_leads_elsewhere_or_is_somebody_elses_is_no_spool() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let elsewhere = dir.path().join("elsewhere");
    std::fs::create_dir(&elsewhere).expect("it is made");
    for part in ["tmp", "new", "cur", "done"] {
        let root = dir.path().join(format!("with-{part}"));
        std::fs::create_dir(&root).expect("it is made");
        symlink(&elsewhere, root.join(part)).expect("a link");
        let refused = Maildir::open(root, None).expect_err("a link is no directory");
        assert!(refused.to_string().contains(&format!("with-{part}/{part}")), "{refused}");
    }
    symlink(&elsewhere, dir.path().join("link")).expect("a link");
    assert!(Maildir::open(dir.path().join("link"), None).is_err());
    // Only root can make somebody else's.
    let theirs = dir.path().join("theirs");
    std::fs::create_dir(&theirs).expect("it is made");
    if std::os::unix::fs::chown(&theirs, Some(65_531), None).is_ok() {
        let refused = Maildir::open(theirs, None).expect_err("it is not ours");
        assert!(refused.to_string().contains("65531"), "{refused}");
    }
}

#[tokio::test]
async fn an_alias_that_is_somebody_elses_does_not_keep_the_line_closed() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let alias = dir.path().join("alias");
    std::fs::create_dir(&alias).expect("it is made");
    symlink("/tmp", alias.join("done")).expect("a link");
    let (asked, heard) = desk(|_, claim| vec![accepted(claim), spoken(claim)]);
    let say = SaySection { alias: Some(alias.clone()), ..SaySection::default() };
    let root = dir.path().join("spool");
    let _spools = start(root.clone(), &say, asked).expect("it starts");
    drop_file(&root, "kettle", "the kettle boils");
    result(&root, "kettle", "spoken").await;
    assert_eq!(heard.lock().expect("no panic").len(), 1);
}

#[test]
fn a_file_of_lines_is_left_alone_while_it_is_a_strangers() {
    const STRANGER: u32 = 65_532;
    let dir = tempfile::tempdir().expect("a temporary directory");
    let (path, mark) = (dir.path().join("queue"), dir.path().join("lines.json"));
    let ours = peer::permit(&SaySection::default());
    let is_root = ours.owner == 0;
    // Only root can make somebody else's file; for others the line is somebody else's.
    let permit = if is_root { ours.clone() } else { Permit { owner: STRANGER, ..ours.clone() } };
    let owned_by = |uid| is_root.then(|| std::os::unix::fs::chown(&path, Some(uid), Some(uid)));
    let mut file = LineFile::open(path.clone(), mark.clone(), permit.clone());
    append(&path, "I am a stranger\n");
    owned_by(STRANGER).transpose().expect("we are root");
    assert!(file.look().is_empty() && file.look().is_empty());
    // Named, or with a file of the line's own user, it is heard.
    let named = Permit { uids: vec![path.metadata().expect("it is there").uid()], ..permit };
    let mut file = LineFile::open(path.clone(), mark.clone(), named);
    assert_eq!(file.look().len(), 1);
    owned_by(0).transpose().expect("we are root");
    let mut file = LineFile::open(path, mark, ours);
    assert_eq!(file.look().len(), 1);
}
