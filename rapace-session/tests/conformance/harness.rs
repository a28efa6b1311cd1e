//! Two sessions over a given transport, and services that the test controls.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;

use rapace_codec::{Wire, Writer};
use rapace_session::transport::{memory, shm};
use rapace_session::{
    CallOptions, Channel, Encode, Endpoint, IncomingCall, MessageBody, Reply, RequestSink,
    RunningCall, ServiceResolver, Session, SessionConfig, Side, Status,
};
use rapace_shm::{Link, SegmentConfig, SizeClass, Trust};
use tokio::sync::mpsc;

/// The timeout of a scenario.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

/// A transport.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Memory,
    Shm,
    Untrusted,
}

/// The sizes of a transport; small sizes reach their limits soon.
#[derive(Clone)]
pub(super) struct Sizes {
    pub(super) ring: u32,
    pub(super) call_table: u32,
    pub(super) classes: Vec<SizeClass>,
}

impl Default for Sizes {
    fn default() -> Self {
        let config = SegmentConfig::default();
        Self {
            ring: config.ring_capacity,
            call_table: config.call_table,
            classes: config.classes,
        }
    }
}

impl Kind {
    pub(super) fn pair(self) -> (Endpoint, Endpoint) {
        self.pair_of(&Sizes::default())
    }

    pub(super) fn pair_of(self, sizes: &Sizes) -> (Endpoint, Endpoint) {
        let trust = match self {
            Self::Memory => {
                let largest = sizes.classes.last().expect("a class");
                return memory::pair(memory::MemoryConfig {
                    capacity: sizes.ring as usize,
                    call_table: sizes.call_table,
                    max_payload: largest.slot_size as usize,
                });
            }
            Self::Shm => Trust::Trusted,
            Self::Untrusted => Trust::Untrusted,
        };
        let config = SegmentConfig::default()
            .with_ring_capacity(sizes.ring)
            .with_call_table(sizes.call_table)
            .with_classes(sizes.classes.clone())
            .with_trust(trust);
        let (a, b) = Link::pair(&config).expect("a pair of links");
        (
            shm::endpoint(a, Side::Creator),
            shm::endpoint(b, Side::Joiner),
        )
    }
}

/// Runs a scenario. A scenario that hangs fails. One that never yields ends the whole process,
/// since no timeout would fire.
pub(super) fn run<F: Future<Output = ()>>(threads: usize, scenario: impl FnOnce() -> F) {
    let (done, watched) = std::sync::mpsc::channel::<()>();
    std::thread::spawn(move || {
        if watched.recv_timeout(2 * PATIENCE) == Err(RecvTimeoutError::Timeout) {
            eprintln!("a scenario spins without letting others run");
            std::process::abort();
        }
    });
    let mut builder = if threads == 1 {
        tokio::runtime::Builder::new_current_thread()
    } else {
        tokio::runtime::Builder::new_multi_thread()
    };
    let runtime = builder
        .worker_threads(threads)
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        tokio::time::timeout(PATIENCE, scenario())
            .await
            .expect("the scenario hangs");
    });
    drop(done);
}

/// Makes a test of each scenario, transport and number of threads.
macro_rules! scenarios {
    ($($(#[$attribute:meta])* $name:ident),* $(,)?) => {
        scenarios!(@ memory, Memory, 1, $($(#[$attribute])* $name),*);
        scenarios!(@ memory_threads, Memory, 2, $($(#[$attribute])* $name),*);
        scenarios!(@ shm, Shm, 1, $($(#[$attribute])* $name),*);
        scenarios!(@ shm_threads, Shm, 2, $($(#[$attribute])* $name),*);
        scenarios!(@ untrusted, Untrusted, 1, $($(#[$attribute])* $name),*);
    };
    (@ $module:ident, $kind:ident, $threads:literal, $($(#[$attribute:meta])* $name:ident),*) => {
        mod $module {
            $(
                #[test]
                $(#[$attribute])*
                fn $name() {
                    use crate::conformance::harness::{Kind, run};
                    run($threads, || super::$name(Kind::$kind));
                }
            )*
        }
    };
}
pub(super) use scenarios;

/// A value that can be sent.
pub(super) struct Value<T>(pub(super) T);

impl<T: Wire> Encode for Value<T> {
    fn encode(&self, writer: &mut Writer<'_>) -> Result<(), rapace_codec::EncodeError> {
        writer.write(&self.0)
    }
}

/// Decodes the value in a payload.
pub(super) fn value<T: Wire>(body: &MessageBody) -> T {
    let mut reader = body.reader();
    let value = reader.read().expect("a value");
    reader.finish().expect("nothing behind it");
    value
}

/// Decodes the value of a reply that is no error.
pub(super) fn answer<T: Wire>(reply: &Reply) -> T {
    assert!(!reply.is_error);
    value(&reply.body)
}

/// The calls that arrived, in order, for the test to take.
pub(super) type Inbox = mpsc::UnboundedReceiver<IncomingCall>;

/// The services of one side.
#[derive(Default)]
pub(super) struct Services {
    sinks: HashMap<String, (Arc<dyn RequestSink>, u32)>,
}

struct Outlet(mpsc::UnboundedSender<IncomingCall>);

impl RequestSink for Outlet {
    fn deliver(&self, call: IncomingCall) -> Result<(), IncomingCall> {
        self.0.send(call).map_err(|refused| refused.0)
    }
}

impl ServiceResolver for Services {
    fn resolve(&self, service: &str) -> Result<(Arc<dyn RequestSink>, u32), String> {
        self.sinks
            .get(service)
            .cloned()
            .ok_or_else(|| format!("no service `{service}`"))
    }
}

impl Services {
    /// Adds a service whose calls the test takes itself.
    pub(super) fn inbox(&mut self, name: &str, window: u32) -> Inbox {
        let (outlet, inbox) = mpsc::unbounded_channel();
        self.sinks
            .insert(name.into(), (Arc::new(Outlet(outlet)), window));
        inbox
    }

    /// Adds a service that handles its calls concurrently.
    pub(super) fn serve<F, Fut>(&mut self, name: &str, window: u32, handler: F)
    where
        F: Fn(RunningCall) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        let mut inbox = self.inbox(name, window);
        tokio::spawn(async move {
            while let Some(call) = inbox.recv().await {
                if let Some(call) = call.begin() {
                    tokio::spawn(handler(call));
                }
            }
        });
    }

    /// Makes the configuration of a session with these services.
    pub(super) fn config(self, name: &str) -> SessionConfig {
        let mut config = SessionConfig::new(name);
        config.resolver = Arc::new(self);
        config
    }
}

/// Replies to a call with its arguments.
pub(super) async fn echo<T: Wire>(mut call: RunningCall) {
    let arguments = call.take_arguments().expect("arguments");
    let value: T = value(&arguments);
    drop(arguments);
    call.reply(Status::Ok, &Value(value)).await;
}

/// Establishes a host without services and a plugin with these services.
pub(super) async fn host_of(kind: Kind, services: Services) -> (Session, Session) {
    connect(
        kind.pair(),
        SessionConfig::new("host"),
        services.config("plugin"),
    )
    .await
}

/// Establishes both sessions.
pub(super) async fn connect(
    (a, b): (Endpoint, Endpoint),
    host: SessionConfig,
    plugin: SessionConfig,
) -> (Session, Session) {
    tokio::try_join!(Session::establish(a, host), Session::establish(b, plugin))
        .expect("a handshake")
}

/// Calls a method and decodes its result.
pub(super) async fn ask<A: Wire, R: Wire>(channel: &Channel, method: u32, argument: A) -> R {
    let reply = channel
        .call(method, &Value(argument), &CallOptions::default())
        .await
        .expect("an answer");
    answer(&reply)
}

/// Yields until `condition` holds. A condition that never holds is a hang.
pub(super) async fn until(mut condition: impl FnMut() -> bool) {
    while !condition() {
        tokio::task::yield_now().await;
    }
}

/// Polls a future once, and returns whether it is pending.
pub(super) fn waits<F: Future + Unpin>(future: &mut F) -> bool {
    futures_util::FutureExt::now_or_never(future).is_none()
}

/// Default options.
pub(super) fn plain() -> CallOptions {
    CallOptions::default()
}

/// Begins the next call and replies with `value`.
pub(super) async fn answer_next<T: Wire>(inbox: &mut Inbox, value: T) {
    let call = inbox
        .recv()
        .await
        .expect("a call")
        .begin()
        .expect("a wanted call");
    call.reply(Status::Ok, &Value(value)).await;
}
