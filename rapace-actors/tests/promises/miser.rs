//! A new incarnation that completes the handshake and then receives none of the calls that wait for it.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use nix::sys::signal::Signal;
use rapace::plugin::PluginEventKind;
use rapace::process::EndedBy;
use rapace::service::Service;
use rapace_session::transport::shm;
use rapace_session::{IncomingCall, RequestSink, ServiceResolver, Session, SessionConfig, Side};
use rapace_shm::ControlSocket;
use tokio::sync::mpsc;

use crate::journal::Pen;
use crate::roles::CAPACITY;
use crate::subject::SubjectService;
use crate::support::{Bench, Sent, event, in_time};

/// The path of a directory in which each process that receives nothing leaves a file.
pub(crate) const MISER: &str = "RAPACE_TEST_MISER";

const LIMIT: Duration = Duration::from_secs(1);

/// Keeps calls and begins none.
struct Hoard {
    calls: mpsc::UnboundedSender<IncomingCall>,
    window: u32,
}

impl ServiceResolver for Hoard {
    fn resolve(&self, _: &str) -> Result<(Arc<dyn RequestSink>, u32), String> {
        let calls = self.calls.clone();
        let window = self.window;
        Ok((Arc::new(Self { calls, window }), window))
    }
}

impl RequestSink for Hoard {
    fn deliver(&self, call: IncomingCall) -> Result<(), IncomingCall> {
        self.calls.send(call).map_err(|returned| returned.0)
    }
}

/// Receives up to two calls the first time, one the second, and returns the third time.
pub(crate) async fn hoard_twice(directory: &Path) {
    let window = ["first", "second"]
        .iter()
        .zip([2, 1])
        .find(|(name, _)| !directory.join(name).exists());
    let Some((name, window)) = window else {
        return;
    };
    std::fs::write(directory.join(name), "").expect("the directory is there");
    let socket = ControlSocket::from_stdin().expect("a host");
    let link = socket.join().await.expect("a segment");
    let endpoint = shm::endpoint(link, Side::Joiner);
    let (calls, mut taken) = mpsc::unbounded_channel();
    let mut config = SessionConfig::new("miser");
    config.provides.push(SubjectService::descriptor().offer());
    config.resolver = Arc::new(Hoard { calls, window });
    let _session = Session::establish(endpoint, config)
        .await
        .expect("a session");
    let mut kept = Vec::new();
    for _ in 0..window {
        kept.push(taken.recv().await.expect("the host calls"));
    }
    Pen::new().write(&format!("took {window}"));
    std::future::pending().await
}

#[tokio::test]
async fn a_successor_that_takes_nothing_is_replaced_and_no_call_is_lost() {
    let directory = tempfile::tempdir().expect("a directory");
    let bench = Bench::with(|spec| spec.env(MISER, directory.path()).start_timeout(LIMIT)).await;
    let mut events = bench.plugin.events();
    let first = Sent::new(bench.subject.note("first".to_owned()));
    let second = Sent::new(bench.subject.note("second".to_owned()));
    bench.journal.wait_for("took 2").await;
    bench.process().signal(Signal::SIGKILL);
    assert_eq!(first.outcome().await.unwrap(), 1);
    assert_eq!(second.outcome().await.unwrap(), 2);
    let ended_by = event(&mut events, |kind| match kind {
        PluginEventKind::Died(death) if death.incarnation.get() == 2 => {
            Some(death.ended_by.clone())
        }
        _ => None,
    });
    assert_eq!(ended_by.await, EndedBy::StartTimeout(LIMIT));
}

/// A call that has begun may take any time.
#[tokio::test]
async fn a_successor_that_is_busy_with_what_it_has_begun_is_left_alone() {
    let directory = tempfile::tempdir().expect("a directory");
    let capacity = directory.path().join("capacity");
    std::fs::write(&capacity, "2").expect("written");
    let spec = |spec: rapace::PluginSpec| spec.env(CAPACITY, &capacity).start_timeout(LIMIT);
    let bench = Bench::with(spec).await;
    let begun = Sent::new(bench.subject.gated_again("begun".to_owned()));
    bench.door.expect("begun").await;
    let waits = Sent::new(bench.subject.note("waits".to_owned()));
    std::fs::write(&capacity, "1").expect("written");
    bench.process().signal(Signal::SIGKILL);
    bench.door.expect("begun left").await;
    bench.door.expect("begun").await;
    // Longer than the start timeout; the host runs all the time.
    let pid = bench.plugin.pid();
    tokio::time::sleep(3 * LIMIT).await;
    assert_eq!(bench.plugin.pid(), pid);
    bench.door.open(1);
    assert_eq!(begun.outcome().await.unwrap(), "begun");
    assert_eq!(waits.outcome().await.unwrap(), 1);
    in_time(bench.plugin.ready()).await.expect("it answers");
}
