//! A host and a plugin that were built from different definitions of one service: only the method that was
//! called can run.

use std::path::Path;
use std::sync::Arc;

use futures_util::StreamExt;
use rapace::plugin::PluginServer;
use rapace::process::Incarnation;
use rapace::service::Service;
use rapace::supervision::{Down, DownReason};
use rapace::{CallError, Plugin, PluginSpec, Proxy, Streaming, TryTellError, TypedProxy};
use rapace_codec::{EncodeError, Writer};
use rapace_session::transport::memory;
use rapace_session::{
    Encode, IncomingCall, RequestSink, ServiceOffer, ServiceResolver, Session, SessionConfig,
    Status,
};

use crate::journal::{JOURNAL, Journal, Pen};
use crate::support::{Sent, in_time, role};

/// The definition that the host was built from, and the plugin's first build.
pub(crate) mod first {
    use rapace::Streaming;

    #[rapace::service]
    pub trait Ops {
        async fn archive(&mut self, id: u32) -> String;
        async fn delete(&mut self, id: u32) -> String;
        #[rapace(idempotent)]
        async fn settle(&mut self, id: u32) -> String;
        async fn list(&mut self, kind: u32) -> String;
        async fn purge(&mut self) -> String;
        async fn watch(&mut self, from: u32) -> Streaming<u32>;
        /// Never returns.
        async fn block(&mut self) -> String;
    }

    /// What the host provides.
    #[rapace::service]
    pub trait Desk {
        async fn sign(&mut self, what: String) -> String;
        async fn burn(&mut self, what: String) -> String;
    }
}

/// Another build: some methods have moved, one takes other arguments, one is missing, one is new.
pub(crate) mod second {
    use rapace::Streaming;

    #[rapace::service]
    pub trait Ops {
        async fn watch(&mut self, from: u32) -> Streaming<u32>;
        async fn delete(&mut self, id: u32) -> String;
        async fn archive(&mut self, id: u32) -> String;
        async fn list(&mut self, kind: String) -> String;
        async fn undo(&mut self, id: u32) -> String;
        #[rapace(idempotent)]
        async fn settle(&mut self, id: u32) -> String;
        async fn sign_and_burn(&mut self, what: String) -> (String, String);
        async fn block(&mut self) -> String;
    }

    #[rapace::service]
    pub trait Desk {
        async fn burn(&mut self, what: String) -> String;
        async fn sign(&mut self, what: String) -> String;
    }
}

/// The first build in another order.
pub(crate) mod shuffled {
    use rapace::Streaming;

    #[rapace::service]
    pub trait Ops {
        async fn block(&mut self) -> String;
        async fn watch(&mut self, from: u32) -> Streaming<u32>;
        async fn delete(&mut self, id: u32) -> String;
        async fn archive(&mut self, id: u32) -> String;
        async fn purge(&mut self) -> String;
        async fn list(&mut self, kind: u32) -> String;
        #[rapace(idempotent)]
        async fn settle(&mut self, id: u32) -> String;
    }
}

/// The path of a file that names the plugin's build.
pub(crate) const BUILD: &str = "RAPACE_TEST_BUILD";

struct Worker {
    pen: Pen,
    settles: bool,
    desk: Option<second::DeskProxy>,
}

impl Worker {
    fn did(&self, what: &str, id: u32) -> String {
        let did = format!("{what} {id}");
        self.pen.write(&did);
        did
    }

    async fn settle(&self, id: u32) -> String {
        self.pen.write(&format!("settling {id}"));
        if !self.settles {
            std::future::pending::<()>().await;
        }
        format!("settled {id}")
    }

    async fn block(&self) -> String {
        self.pen.write("blocked");
        std::future::pending().await
    }
}

macro_rules! common {
    () => {
        async fn archive(&mut self, id: u32) -> String {
            self.did("archived", id)
        }

        async fn delete(&mut self, id: u32) -> String {
            self.did("deleted", id)
        }

        async fn settle(&mut self, id: u32) -> String {
            Worker::settle(self, id).await
        }

        async fn watch(&mut self, from: u32) -> Streaming<u32> {
            Streaming::iter(from..from + 3)
        }

        async fn block(&mut self) -> String {
            Worker::block(self).await
        }
    };
}

impl first::Ops for Worker {
    common!();

    async fn list(&mut self, kind: u32) -> String {
        self.did("listed", kind)
    }

    async fn purge(&mut self) -> String {
        self.did("purged", 0)
    }
}

impl shuffled::Ops for Worker {
    common!();

    async fn list(&mut self, kind: u32) -> String {
        self.did("listed", kind)
    }

    async fn purge(&mut self) -> String {
        self.did("purged", 0)
    }
}

impl second::Ops for Worker {
    common!();

    async fn list(&mut self, kind: String) -> String {
        format!("listed {kind}")
    }

    async fn undo(&mut self, id: u32) -> String {
        self.did("undone", id)
    }

    async fn sign_and_burn(&mut self, what: String) -> (String, String) {
        let desk = self.desk.as_ref().expect("it has a host");
        let signed = desk.sign(what.clone()).await.expect("the host signs");
        let burnt = desk.burn(what).await.expect("the host burns");
        (signed, burnt)
    }
}

/// The plugin, in the build that the file names.
pub(crate) fn main() -> PluginServer {
    let file = std::env::var_os(BUILD).expect("a file");
    let build = std::fs::read_to_string(file).expect("it is there");
    let worker = |settles| Worker {
        pen: Pen::new(),
        settles,
        desk: None,
    };
    let mut main = PluginServer::new();
    match &*build {
        "first" => main.service(first::OpsServer::new(worker(false))),
        "shuffled" => main.service(shuffled::OpsServer::new(worker(true))),
        "second" => {
            let desk = Some(main.host::<second::DeskProxy>());
            let worker = Worker {
                desk,
                ..worker(true)
            };
            main.service(second::OpsServer::new(worker))
        }
        other => panic!("there is no build {other:?}"),
    }
}

struct Clerk;

impl first::Desk for Clerk {
    async fn sign(&mut self, what: String) -> String {
        format!("signed {what}")
    }

    async fn burn(&mut self, what: String) -> String {
        format!("burnt {what}")
    }
}

struct Works {
    directory: tempfile::TempDir,
    journal: Journal,
}

impl Works {
    fn new(build: &str) -> Self {
        let works = Self {
            directory: tempfile::tempdir().unwrap(),
            journal: Journal::new(),
        };
        works.build(build);
        works
    }

    fn file(&self) -> std::path::PathBuf {
        self.directory.path().join("build")
    }

    /// Switches the program to another build.
    fn build(&self, build: &str) {
        let new: &Path = &self.directory.path().join("new");
        std::fs::write(new, build).unwrap();
        std::fs::rename(new, self.file()).unwrap();
    }

    fn spec(&self) -> PluginSpec {
        let desk = first::DeskServer::new(Clerk);
        let (_, served) = Proxy::serve(desk, 8, rapace::OnPanic::Continue);
        role("ops")
            .env(BUILD, self.file())
            .env(JOURNAL, self.journal.path())
            .provides(served)
    }

    async fn start(&self) -> (Plugin, first::OpsProxy) {
        let plugin = in_time(self.spec().start()).await.expect("it starts");
        let ops = plugin.proxy();
        (plugin, ops)
    }
}

fn assert_unimplemented<T: std::fmt::Debug, E: std::fmt::Debug + std::fmt::Display>(
    result: &Result<T, CallError<E>>,
    part: &str,
) {
    let Err(error @ CallError::Unimplemented(_)) = result else {
        panic!("{result:?}");
    };
    assert!(
        error.to_string().contains(part),
        "{part:?} is not in {error}"
    );
    assert!(error.may_be_retried() && !error.may_work_later());
}

const GONE: &str = "has no method `purge`; it has: watch, delete, archive, list, undo, settle";

#[tokio::test]
async fn a_method_is_found_by_its_name_and_one_that_differs_is_refused_when_it_is_called() {
    let works = Works::new("second");
    let (_plugin, ops) = works.start().await;
    assert_unimplemented(&in_time(ops.purge()).await, GONE);
    assert_eq!(in_time(ops.archive(7)).await.unwrap(), "archived 7");
    assert_eq!(in_time(ops.delete(8)).await.unwrap(), "deleted 8");
    assert_unimplemented(&in_time(ops.list(9)).await, "`Ops::list` is another method");
    let watched = in_time(ops.watch(3)).await.unwrap();
    let watched: Vec<_> = in_time(watched.map(Result::unwrap).collect()).await;
    assert_eq!(watched, [3, 4, 5]);
    assert_eq!(works.journal.lines(), ["#1 archived 7", "#1 deleted 8"]);
}

#[tokio::test]
async fn every_face_of_a_proxy_calls_the_method_that_it_names() {
    let works = Works::new("second");
    let (_plugin, ops) = works.start().await;
    in_time(ops.tell(first::Archive { id: 1 })).await.unwrap();
    in_time(ops.try_tell(first::Archive { id: 2 }))
        .await
        .unwrap();
    let actor = ops.actor_ref();
    in_time(actor.tell(first::Archive { id: 3 }).send())
        .await
        .unwrap();
    let archived = in_time(actor.ask(first::Archive { id: 4 }).send()).await;
    assert_eq!(archived.unwrap(), "archived 4");
    let recipient = ops.recipient::<first::Archive>();
    in_time(recipient.tell(first::Archive { id: 5 }).send())
        .await
        .unwrap();
    // Tells are handled in order, so this one comes after them.
    works.journal.wait_for("archived 5").await;
    assert_eq!(in_time(ops.archive(6)).await.unwrap(), "archived 6");
    let lines = works.journal.lines();
    assert_eq!(lines.len(), 6, "{lines:?}");
    assert!(
        lines.iter().all(|line| line.contains("archived")),
        "{lines:?}"
    );

    let told = in_time(ops.tell(first::Purge {})).await;
    assert_unimplemented(&told, GONE);
    match in_time(ops.try_tell(first::Purge {})).await {
        Err(TryTellError::Refused(CallError::Unimplemented(what))) => {
            assert!(what.contains(GONE), "{what}");
        }
        other => panic!("{other:?}"),
    }
    let asked = in_time(actor.ask(first::Purge {}).send()).await;
    match asked {
        Err(kameo::error::SendError::HandlerError(error)) => {
            assert_unimplemented(&Err::<(), _>(error), GONE);
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_plugin_calls_the_method_of_its_host_that_it_names() {
    let works = Works::new("second");
    let (plugin, _) = works.start().await;
    let ops: second::OpsProxy = plugin.proxy();
    let both = in_time(ops.sign_and_burn("it".to_owned())).await.unwrap();
    assert_eq!(both, ("signed it".to_owned(), "burnt it".to_owned()));
}

#[tokio::test]
async fn expected_methods_may_have_changed_places_and_nothing_else() {
    let works = Works::new("shuffled");
    let spec = works.spec().requires::<first::OpsProxy>();
    let plugin = in_time(spec.start()).await.unwrap();
    let ops: first::OpsProxy = plugin.proxy();
    assert_eq!(in_time(ops.archive(7)).await.unwrap(), "archived 7");
    assert_eq!(in_time(ops.purge()).await.unwrap(), "purged 0");
    works.build("second");
    let spec = works.spec().requires::<first::OpsProxy>();
    let Down { reason, .. } = in_time(spec.start()).await.unwrap_err();
    let DownReason::StartFailed(_, error) = reason else {
        panic!("{reason:?}");
    };
    let error = error.to_string();
    for part in [
        "different on the two sides: list;",
        "missing on the other side: purge;",
    ] {
        assert!(error.contains(part), "{part:?} is not in {error}");
    }
}

/// The kept frames hold the numbers of the build that died.
#[tokio::test]
async fn what_is_sent_again_to_another_build_runs_the_method_that_was_called() {
    let works = Works::new("first");
    let (plugin, ops) = works.start().await;
    let settling = Sent::new(ops.settle(1));
    works.journal.wait_for("settling 1").await;
    let archived = Sent::new(ops.archive(2));
    let deleted = Sent::new(ops.delete(3));
    let purged = Sent::new(ops.purge());
    let listed = Sent::new(ops.list(4));
    in_time(ops.tell(first::Purge {})).await.unwrap();
    in_time(ops.tell(first::Archive { id: 5 })).await.unwrap();
    works.build("second");
    plugin.kill();
    assert_eq!(settling.outcome().await.unwrap(), "settled 1");
    assert_eq!(archived.outcome().await.unwrap(), "archived 2");
    assert_eq!(deleted.outcome().await.unwrap(), "deleted 3");
    assert_unimplemented(&purged.outcome().await, GONE);
    assert_unimplemented(&listed.outcome().await, "`Ops::list` is another method");
    assert_eq!(plugin.incarnation(), Some(Incarnation::FIRST.next()));
    works.journal.wait_for("archived 5").await;
    assert_eq!(
        works.journal.lines(),
        [
            "#1 settling 1",
            "#2 settling 1",
            "#2 archived 2",
            "#2 deleted 3",
            "#2 archived 5",
        ]
    );
}

/// Answers with the name of the called method, by its own list.
struct Named(Vec<String>);

struct Text(String);

impl Encode for Text {
    fn encode(&self, writer: &mut Writer<'_>) -> Result<(), EncodeError> {
        writer.write(&self.0)
    }
}

impl RequestSink for Named {
    fn deliver(&self, call: IncomingCall) -> Result<(), IncomingCall> {
        let name = Text(self.0[call.method() as usize].clone());
        tokio::spawn(async move {
            if let Some(call) = call.begin() {
                call.reply(Status::Ok, &name).await;
            }
        });
        Ok(())
    }
}

struct One(Arc<Named>);

impl ServiceResolver for One {
    fn resolve(&self, _: &str) -> Result<(Arc<dyn RequestSink>, u32), String> {
        Ok((Arc::clone(&self.0) as Arc<dyn RequestSink>, 8))
    }
}

/// Makes two proxies over one channel to a peer with these methods.
async fn over(theirs: ServiceOffer, listed: bool) -> (first::OpsProxy, second::OpsProxy) {
    let (a, b) = memory::pair(memory::MemoryConfig::default());
    let mut config = SessionConfig::new("peer");
    let names = theirs.methods.iter().map(|method| method.name.clone());
    config.resolver = Arc::new(One(Arc::new(Named(names.collect()))));
    if listed {
        config.provides.push(theirs);
    }
    let ours = Session::establish(a, SessionConfig::new("we"));
    let (session, _peer) = tokio::try_join!(ours, Session::establish(b, config)).unwrap();
    let channel = in_time(session.open("Ops")).await.unwrap();
    (
        first::OpsProxy::from_proxy(Proxy::from_channel(channel.clone())),
        second::OpsProxy::from_proxy(Proxy::from_channel(channel)),
    )
}

#[tokio::test]
async fn a_proxy_over_a_channel_calls_the_method_that_it_names() {
    let (ops, other) = over(second::OpsService::descriptor().offer(), true).await;
    for _ in 0..2 {
        assert_eq!(in_time(ops.archive(7)).await.unwrap(), "archive");
        assert_eq!(in_time(other.archive(7)).await.unwrap(), "archive");
        assert_unimplemented(&in_time(ops.purge()).await, GONE);
        assert_eq!(in_time(other.undo(7)).await.unwrap(), "undo");
    }
}

#[tokio::test]
async fn a_proxy_over_a_channel_calls_nothing_that_its_peer_does_not_list() {
    let (ops, _) = over(first::OpsService::descriptor().offer(), false).await;
    let result = in_time(ops.archive(7)).await;
    assert_unimplemented(&result, "its hello does not list `Ops`");
}
