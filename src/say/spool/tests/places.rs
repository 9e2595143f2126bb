//! Which drops occupy a place, and how long.

use super::*;

/// A desk that takes everything in, and tells no ending until it is dropped.
fn patient_desk() -> (mpsc::Sender<Asked>, mpsc::UnboundedReceiver<Asked>) {
    let (asked, mut inbox) = mpsc::channel::<Asked>(16);
    let (seen, taken) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Some(asked) = inbox.recv().await {
            let claim = asked.claim.clone().expect("a name");
            let _ = asked.replies.send(accepted(&claim)).await;
            let _ = seen.send(asked);
        }
    });
    (asked, taken)
}

async fn next(taken: &mut mpsc::UnboundedReceiver<Asked>) -> Asked {
    let soon = Duration::from_secs(20);
    tokio::time::timeout(soon, taken.recv()).await.expect("in time").expect("a wish")
}

#[tokio::test]
async fn drops_that_wait_for_a_call_keep_no_place_from_what_is_dropped_next() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let (asked, mut taken) = patient_desk();
    let _spools = start(dir.path().into(), &SaySection::default(), asked).expect("it starts");
    let mut waiting = Vec::new();
    for n in 0..IN_HAND_MAX {
        drop_file(dir.path(), &format!("a-{n}"), &format!("words {n}"));
    }
    for _ in 0..IN_HAND_MAX {
        waiting.push(next(&mut taken).await);
    }
    drop_file(dir.path(), "b", "{\"text\":\"fire\",\"source\":\"system\"}");
    let alert = next(&mut taken).await;
    assert!(matches!(&alert.request, Request::Say(wish) if wish.text == "fire"));
    // Each is still told its ending.
    for asked in waiting.into_iter().chain([alert]) {
        let claim = asked.claim.clone().expect("a name");
        asked.replies.send(spoken(&claim)).await.expect("it is followed");
    }
    result(dir.path(), "b", "spoken").await;
    for n in 0..IN_HAND_MAX {
        result(dir.path(), &format!("a-{n}"), "spoken").await;
    }
}

#[tokio::test]
async fn what_a_drop_names_is_not_opened_before_it_is_let_in() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let (asked, heard) = desk(|_, claim| vec![accepted(claim), spoken(claim)]);
    let _spools = start(dir.path().into(), &SaySection::default(), asked).expect("it starts");
    drop_file(dir.path(), "chime", "{\"wav\":\"/nonexistent/chime.wav\"}");
    result(dir.path(), "chime", "spoken").await;
    assert_eq!(heard.lock().expect("no panic").len(), 1);
}
