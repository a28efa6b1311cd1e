//! A plugin violates the session's protocol.

use std::path::Path;
use std::sync::Arc;

use nix::sys::signal::Signal;
use rapace::PluginSpec;
use rapace::plugin::PluginEventKind;
use rapace::process::{EndedBy, ExitReport};
use rapace::service::Service;
use rapace_session::transport::shm;
use rapace_session::{
    CallId, ChannelId, Frame, FrameType, Header, IncomingCall, Lane, RequestSink, ServiceResolver,
    Session, SessionConfig, Side,
};
use rapace_shm::ControlSocket;
use tokio::sync::mpsc;

use crate::processes::Process;
use crate::subject::{Note, SubjectService};
use crate::support::{Bench, Sent, death, event, in_time};

/// The path of a file that exists once the plugin has misbehaved.
pub(crate) const RUDE: &str = "RAPACE_TEST_RUDE";

/// Set if it only closes the session.
const CLOSES: &str = "RAPACE_TEST_CLOSES";

/// Set if it answers its first call against the rules.
const ANSWERS: &str = "RAPACE_TEST_ANSWERS";

/// Calls that the plugin receives first.
const CALLS: usize = 6;

/// Receives calls and begins none.
struct Pile(mpsc::UnboundedSender<IncomingCall>);

impl ServiceResolver for Pile {
    fn resolve(&self, _: &str) -> Result<(Arc<dyn RequestSink>, u32), String> {
        Ok((Arc::new(Self(self.0.clone())), 64))
    }
}

impl RequestSink for Pile {
    fn deliver(&self, call: IncomingCall) -> Result<(), IncomingCall> {
        self.0.send(call).map_err(|returned| returned.0)
    }
}

/// Misbehaves the first time: answers a call that nobody made, or just hangs up and stays.
pub(crate) async fn misbehave(once: &Path) {
    std::fs::write(once, "").expect("the directory is there");
    let socket = ControlSocket::from_stdin().expect("a host");
    let link = socket.join().await.expect("a segment");
    let endpoint = shm::endpoint(link, Side::Joiner);
    let transport = Arc::clone(&endpoint.transport);
    let (pile, mut taken) = mpsc::unbounded_channel();
    let mut config = SessionConfig::new("rude");
    config.provides.push(SubjectService::descriptor().offer());
    config.resolver = Arc::new(Pile(pile));
    let session = Session::establish(endpoint, config)
        .await
        .expect("a session");
    let mut calls = Vec::new();
    while calls.len() < CALLS {
        calls.push(taken.recv().await.expect("the host calls"));
    }
    if std::env::var_os(CLOSES).is_some() {
        session.close("enough");
        return std::future::pending().await;
    }
    let mut header = Header::new(FrameType::Reply, ChannelId(1));
    if std::env::var_os(ANSWERS).is_some() {
        // More credits than were used.
        header.credits = 1000;
        header.call = CallId {
            index: 0,
            generation: 1,
        };
    } else {
        header.call = CallId {
            index: 1000,
            generation: 7,
        };
    }
    transport
        .send(&Frame::bare(header), Lane::Priority)
        .expect("there is room");
    std::future::pending().await
}

/// Calls it as often as it receives calls, and returns its exit report. The session ends before the process
/// does; whether a call had begun is certain only after both.
async fn end_of(change: impl FnOnce(PluginSpec) -> PluginSpec) -> ExitReport {
    let directory = tempfile::tempdir().unwrap();
    let rude = directory.path().join("rude");
    let bench = Bench::with(|spec| change(spec.env(RUDE, rude))).await;
    let mut events = bench.plugin.events();
    let mut asked = Vec::new();
    for number in 0..CALLS - 2 {
        asked.push(Sent::new(bench.subject.note(format!("note {number}"))));
    }
    let streaming = Sent::new(bench.subject.count_up());
    let text = "told".to_owned();
    bench.subject.tell(Note { text }).await.unwrap();
    for asked in asked {
        asked.outcome().await.expect("it had not begun");
    }
    streaming.outcome().await.expect("nor had this");
    assert_eq!(
        in_time(bench.subject.note("last".to_owned()))
            .await
            .unwrap(),
        6
    );
    let lines = [
        "#1 note 0",
        "#1 note 1",
        "#1 note 2",
        "#1 note 3",
        "#1 told",
        "#1 last",
    ];
    assert_eq!(bench.journal.lines(), lines);
    event(&mut events, |kind| match kind {
        PluginEventKind::Died(death) => Some(death.clone()),
        _ => None,
    })
    .await
}

fn assert_fault(death: &ExitReport, part: &str) {
    let EndedBy::Fault(what) = &death.ended_by else {
        panic!("{death}");
    };
    assert!(what.contains(part), "{part:?} is not in {what}");
    assert!(
        death.to_string().contains("broke a rule of the session"),
        "{death}"
    );
}

#[tokio::test]
async fn a_plugin_that_breaks_a_rule_is_killed_and_what_it_had_not_begun_goes_on() {
    assert_fault(&end_of(|spec| spec).await, "no call");
}

#[tokio::test]
async fn a_plugin_that_hangs_up_and_stays_is_killed_and_what_it_had_not_begun_goes_on() {
    let death = end_of(|spec| spec.env(CLOSES, "1")).await;
    assert_fault(
        &death,
        "it was still there 2s after the session: the peer closed the session: enough",
    );
}

/// The others had not begun. This one had, and is treated as such.
#[tokio::test]
async fn a_call_whose_answer_breaks_a_rule_is_told_of_the_death_unless_it_is_idempotent() {
    for idempotent in [false, true] {
        let directory = tempfile::tempdir().unwrap();
        let rude = directory.path().join("rude");
        let bench = Bench::with(|spec| spec.env(RUDE, rude).env(ANSWERS, "1")).await;
        let subject = &bench.subject;
        let text = || "wrong".to_owned();
        let (mut once, mut again) = (None, None);
        match idempotent {
            false => once = Some(Sent::new(subject.note(text()))),
            true => again = Some(Sent::new(subject.echo(text()))),
        }
        let others = (1..CALLS).map(|_| Sent::new(subject.note("behind".to_owned())));
        for other in others.collect::<Vec<_>>() {
            other.outcome().await.expect("it had not begun");
        }
        if let Some(once) = once {
            assert_fault(&death(once.outcome().await), "more credits");
        }
        if let Some(again) = again {
            assert_eq!(again.outcome().await.unwrap(), "wrong");
        }
    }
}

/// The plugin's own child inherits its stdin, the control socket, and its output; and outlives the plugin.
#[tokio::test]
async fn a_grandchild_that_holds_everything_open_hides_no_death() {
    let bench = Bench::new().await;
    let grandchild = Process::find(Some(bench.subject.leave_a_child().await.unwrap()));
    let begun = Sent::new(bench.subject.gated("begun".to_owned()));
    bench.door.expect("begun").await;
    let waits = Sent::new(bench.subject.note("waits".to_owned()));
    bench.process().signal(Signal::SIGKILL);
    assert_eq!(death(begun.outcome().await).ended_by, EndedBy::Itself);
    assert_eq!(waits.outcome().await.unwrap(), 1);
    grandchild.signal(Signal::SIGKILL);
}
