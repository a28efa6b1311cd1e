//! Runs work on the plugins: counts it, kills plugins on schedule, and retries.
//!
//! - E1: a piece of work is a call, or an item of a stream when it is taken for the first time.
//! - E2: a kill that is due with a piece of work happens after the call was sent, or before the item is sent,
//!   and the work does not complete before its plugin has died and restarted.
//! - E3: a call that died with its plugin is sent again by rapace. A call that rapace gives up, since two
//!   incarnations died with it, is retried here, and so is a stream: up to twice per kill, since the first
//!   retry may still reach the dead process, and a few times more.
//! - E4: a stream that is retried starts from its beginning, and the items of the broken one are discarded.

mod kills;
mod meter;

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;
use std::time::{Duration, Instant};

use futures_util::future::join;
use futures_util::{Stream, StreamExt, poll, stream};
use rapace::{CallError, StreamError, Streaming};

use crate::error::BuildError;
use crate::plugin::PluginKind;
use crate::progress::Progress;
use crate::workshop::{Services, Workshop};

pub(crate) use kills::Chaos;
use meter::Meter;
pub use meter::Tally;

/// The plugins and their statistics.
#[derive(Clone)]
pub(crate) struct Engine {
    shared: Arc<Shared>,
}

struct Shared {
    workshop: Workshop,
    chaos: Chaos,
    progress: Progress,
    meters: [Meter; PluginKind::ALL.len()],
}

/// Why a piece of work was not done.
#[derive(Debug)]
pub(crate) enum Failure<E> {
    /// The service's own error: the content is at fault.
    Refused(E),
    /// The build cannot go on.
    Stopped(BuildError),
}

/// The timeout of a call. Pages and images take milliseconds; rapace detects and restarts a plugin that hangs
/// long before this.
pub(crate) const LONGEST: Duration = Duration::from_secs(300);

/// How many retries are allowed beyond the kills: plugins may also crash by themselves.
const PATIENCE: u32 = 2;

impl Engine {
    pub(crate) fn new(workshop: Workshop, chaos: Chaos, progress: Progress) -> Self {
        let shared = Shared {
            workshop,
            chaos,
            progress,
            meters: Default::default(),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    pub(crate) fn services(&self) -> &Services {
        &self.shared.workshop.services
    }

    /// Returns how many kills were carried out.
    pub(crate) fn kills(&self) -> u32 {
        self.shared.chaos.done()
    }

    /// Sets how many pieces of work a plugin will be given from now on; if none, another one takes over its
    /// kills.
    pub(crate) fn expect(&self, kind: PluginKind, pieces: usize, instead: PluginKind) {
        let pieces = pieces as u64;
        self.shared.progress.expect(pieces);
        self.shared
            .chaos
            .fix(kind, self.meter(kind).pieces(), pieces, instead);
    }

    pub(crate) fn progress(&self) -> &Progress {
        &self.shared.progress
    }

    /// Makes a call; `call` makes it again for each retry.
    pub(crate) async fn ask<T, E, F>(
        &self,
        kind: PluginKind,
        call: impl Fn() -> F,
    ) -> Result<T, Failure<E>>
    where
        E: std::fmt::Display,
        F: Future<Output = Result<T, CallError<E>>>,
    {
        let meter = self.meter(kind);
        let mut due = self.shared.chaos.reach(kind, meter.piece());
        let started = Instant::now();
        let mut attempts = 0;
        let result = loop {
            match self.struck(kind, std::mem::take(&mut due), call()).await {
                Err(CallError::PluginDied(_) | CallError::Poisoned(_))
                    if attempts < self.patience() =>
                {
                    attempts += 1;
                    meter.asked_again();
                }
                other => break other,
            }
        };
        meter.settled(
            started.elapsed(),
            !matches!(result, Ok(_) | Err(CallError::Handler(_))),
        );
        self.shared.progress.done(1);
        result.map_err(|error| failure(kind, error))
    }

    /// Opens a stream of `items`, with retries, and returns its results.
    pub(crate) async fn stream<I, O, E, F>(
        &self,
        kind: PluginKind,
        items: Arc<[I]>,
        open: impl Fn(Streaming<I>) -> F,
    ) -> Result<Vec<O>, Failure<E>>
    where
        I: Clone + Send + Sync + 'static,
        E: std::fmt::Display,
        F: Future<Output = Result<Streaming<O>, CallError<E>>>,
    {
        let meter = self.meter(kind);
        let started = Instant::now();
        let taken = Arc::new(AtomicU64::new(0));
        let mut attempts = 0;
        let result = loop {
            meter.stream();
            let source = Streaming::new(self.source(kind, Arc::clone(&items), Arc::clone(&taken)));
            match collect(open(source)).await {
                Err(Broken::Lost(_)) if attempts < self.patience() => {
                    attempts += 1;
                    meter.asked_again();
                }
                Err(Broken::Lost(reason)) => {
                    let name = kind.name();
                    break Err(Failure::Stopped(BuildError::Plugin { name, reason }));
                }
                Err(Broken::Call(error)) => break Err(failure(kind, error)),
                Ok(items) => break Ok(items),
            }
        };
        meter.settled(
            started.elapsed(),
            matches!(result, Err(Failure::Stopped(_))),
        );
        result
    }

    /// Returns the items as a stream; each is a piece of work when it is taken for the first time (E1).
    fn source<I: Clone + Send + Sync + 'static>(
        &self,
        kind: PluginKind,
        items: Arc<[I]>,
        taken: Arc<AtomicU64>,
    ) -> impl Stream<Item = I> + Send + 'static {
        let engine = self.clone();
        let count = items.len();
        stream::iter(0..count).then(move |at| {
            let engine = engine.clone();
            let item = items[at].clone();
            let piece = at as u64;
            let is_new = taken.fetch_max(piece + 1, Ordering::Relaxed) <= piece;
            async move {
                if is_new {
                    engine.shared.progress.done(1);
                }
                let due = engine.shared.chaos.reach(kind, piece);
                if due > 0 {
                    engine.shared.chaos.kill_times(kind, due).await;
                }
                item
            }
        })
    }

    /// Runs a call, and kills its plugin if kills are due (E2).
    async fn struck<T>(&self, kind: PluginKind, due: u32, call: impl Future<Output = T>) -> T {
        let mut call = pin!(call);
        if due == 0 {
            return call.await;
        }
        // The first poll sends the request.
        match poll!(&mut call) {
            Poll::Ready(result) => {
                self.shared.chaos.kill_times(kind, due).await;
                result
            }
            Poll::Pending => join(call, self.shared.chaos.kill_times(kind, due)).await.0,
        }
    }

    /// Waits for pending kills, and stops the plugins.
    pub(crate) async fn close(&self) {
        self.shared.chaos.settle().await;
        self.shared.workshop.stop().await;
    }

    /// Returns statistics of each plugin.
    pub(crate) fn tallies(&self) -> Vec<Tally> {
        let plugin = |kind: PluginKind| {
            self.shared
                .workshop
                .plugins
                .as_ref()
                .map(|all| all[kind as usize].stats())
        };
        PluginKind::ALL
            .map(|kind| self.meter(kind).tally(kind, plugin(kind)))
            .into()
    }

    fn meter(&self, kind: PluginKind) -> &Meter {
        &self.shared.meters[kind as usize]
    }

    fn patience(&self) -> u32 {
        self.shared
            .chaos
            .kills()
            .saturating_mul(2)
            .saturating_add(PATIENCE)
    }
}

/// Why a stream failed.
enum Broken<E> {
    /// The plugin died; a retry may succeed.
    Lost(String),
    Call(CallError<E>),
}

/// Opens a stream and collects its results.
async fn collect<O, E>(
    open: impl Future<Output = Result<Streaming<O>, CallError<E>>>,
) -> Result<Vec<O>, Broken<E>>
where
    E: std::fmt::Display,
{
    let mut items = match open.await {
        Ok(items) => items,
        Err(
            error @ (CallError::PluginDied(_) | CallError::NotBegun(_) | CallError::Poisoned(_)),
        ) => {
            return Err(Broken::Lost(error.to_string()));
        }
        Err(error) => return Err(Broken::Call(error)),
    };
    let mut all = Vec::new();
    while let Some(item) = items.next().await {
        match item {
            Ok(item) => all.push(item),
            Err(StreamError::SessionEnded(reason)) => return Err(Broken::Lost(reason.to_string())),
            Err(error) => return Err(Broken::Call(CallError::Protocol(error.to_string()))),
        }
    }
    Ok(all)
}

fn failure<E: std::fmt::Display>(kind: PluginKind, error: CallError<E>) -> Failure<E> {
    match error {
        CallError::Handler(error) => Failure::Refused(error),
        other => Failure::Stopped(BuildError::Plugin {
            name: kind.name(),
            reason: other.to_string(),
        }),
    }
}
