//! The slots of returned buffers, and of replies that are encoded and not sent yet.

use rapace_session::{Session, Status};

use super::harness::*;
use super::returned::{LEN, attachments, back, copied, give, numbered, same, unless_memory};

scenarios!(
    an_answer_holds_nothing_of_its_request,
    nothing_is_left_of_it_when_all_users_are_gone,
    an_answer_for_a_caller_that_left_leaves_nothing,
    an_answer_that_is_encoded_again_still_returns_its_buffer,
);

/// Waits until no slot of this side is in use.
async fn all_free(session: &Session) {
    let free = || {
        let stats = session.link_stats();
        stats.is_none_or(|stats| {
            let mut classes = stats.classes.iter().chain([&stats.fragments]);
            classes.all(|class| class.free == class.total)
        })
    };
    until(free).await;
}

/// Slots in use of the first class that has any, on this side and with the peer; `None` if no slot
/// is in use.
fn in_use(session: &Session) -> Option<(u32, u32)> {
    let classes = session.link_stats()?.classes;
    let used = classes.iter().map(|class| (class.held, class.in_flight));
    used.into_iter().find(|used| *used != (0, 0))
}

/// The expected value of [`in_use`].
fn of(kind: Kind, held: u32, in_flight: u32) -> Option<(u32, u32)> {
    (kind != Kind::Memory).then_some((held, in_flight))
}

async fn an_answer_holds_nothing_of_its_request(kind: Kind) {
    let mut services = Services::default();
    let mut inbox = services.inbox("Keep", 4);
    let (host, _plugin) = host_of(kind, services).await;
    let channel = host.open("Keep").await.unwrap();
    let sent = vec![numbered(&host, LEN).await];
    let call = tokio::spawn(async move { back(&channel, sent).await });
    let mut running = inbox.recv().await.unwrap().begin().unwrap();
    let given = Value(attachments(&mut running));
    let answer = running.encode(Status::Ok, &given).await;
    assert_eq!(in_use(&host), of(kind, 0, 1));
    drop(given);
    // The slot returns before the reply is sent, so the caller can send it again.
    assert_eq!(in_use(&host), of(kind, 1, 0));
    answer.send().await;
    drop(call.await.unwrap());
    all_free(&host).await;
}

async fn nothing_is_left_of_it_when_all_users_are_gone(kind: Kind) {
    let mut services = Services::default();
    let mut inbox = services.inbox("Keep", 4);
    let (host, _plugin) = host_of(kind, services).await;
    let channel = host.open("Keep").await.unwrap();
    let sent = vec![numbered(&host, LEN).await];
    let call = tokio::spawn(async move { back(&channel, sent).await });
    let mut running = inbox.recv().await.unwrap().begin().unwrap();
    let kept = attachments(&mut running);
    give(running, Status::Ok, kept.clone()).await;
    let got = call.await.unwrap();
    // The plugin's handle and ours are the same slot.
    assert_eq!(in_use(&host), of(kind, 0, 1));
    drop(kept);
    assert_eq!(in_use(&host), of(kind, 1, 0));
    drop(got);
    all_free(&host).await;
}

async fn an_answer_for_a_caller_that_left_leaves_nothing(kind: Kind) {
    let mut services = Services::default();
    let mut inbox = services.inbox("Busy", 4);
    let (host, plugin) = host_of(kind, services).await;
    let channel = host.open("Busy").await.unwrap();
    let sent = vec![numbered(&host, LEN).await];
    let call = tokio::spawn(async move { back(&channel, sent).await });
    let mut running = inbox.recv().await.unwrap().begin().unwrap();
    let given = Value(attachments(&mut running));
    let answer = running.encode(Status::Ok, &given).await;
    call.abort();
    assert!(call.await.unwrap_err().is_cancelled());
    answer.send().await;
    until(|| host.metrics().late == 1).await;
    drop(given);
    all_free(&host).await;
    all_free(&plugin).await;
    assert_eq!((host.end_reason(), host.calls_under_way()), (None, 0));
}

async fn an_answer_that_is_encoded_again_still_returns_its_buffer(kind: Kind) {
    let (mut ours, mut theirs) = (Services::default(), Services::default());
    let mut notes = ours.inbox("Note", 4);
    let mut inbox = theirs.inbox("Busy", 4);
    let (host, plugin) = connect(kind.pair(), ours.config("host"), theirs.config("plugin")).await;
    let channel = host.open("Busy").await.unwrap();
    let sent = numbered(&host, LEN).await;
    let given = vec![sent.clone()];
    let call = tokio::spawn(async move { back(&channel, given).await });
    let mut running = inbox.recv().await.unwrap().begin().unwrap();
    let own = numbered(&plugin, 3000).await;
    let mut blobs = attachments(&mut running);
    blobs.insert(0, own.clone());
    blobs.push(own.slice(..10));
    let result = Value(blobs);
    let answer = running.encode(Status::Ok, &result).await;
    let before = unless_memory(kind, 10);
    assert_eq!(plugin.bytes_copied(), before, "one slot, one buffer");
    let note = plugin.open("Note").await.unwrap();
    note.tell(0, &Value(own.clone()), &plain()).await.unwrap();
    let note = notes.recv().await.unwrap();
    answer.send().await;
    let got = call.await.unwrap();
    assert!(got[0] == own && same(&got[1], &sent) && got[2] == own.slice(..10));
    let again = unless_memory(kind, 3000);
    assert_eq!(copied([&host, &plugin]), [0, before + again]);
    drop(note);
}
