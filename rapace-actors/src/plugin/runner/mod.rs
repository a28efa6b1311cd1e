//! One incarnation of a plugin, from the spawn of its process to the burial of its calls.
//!
//! - I1: the runner ends only when the process is gone, so two incarnations never overlap.
//! - I2: what the process had published is received before its calls are sorted. Its calls are sorted as soon as it
//!   can publish nothing more, which is earlier than I1 if it was large.
//! - I3: every way to end, a panic too, gives one [`Ended`], after the route has stopped leading here.
//! - I4: nothing that the process does or leaves undone keeps the runner from watching it, and no
//!   order waits for it.
//! - I5: the control socket stays open until the process is gone, or was found not to go: to the process a hang-up says
//!   that nobody watches over it any more, and it has no more than a moment then. So while this runs, its clock alone counts.

mod handshake;
mod pulse;

use std::os::fd::OwnedFd;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use rapace_codec::panic_message;
use rapace_session::{EndReason, Session};
use rapace_shm::{ControlSocket, EstablishError, Invited, SocketHold};
use tokio::sync::mpsc;

use self::handshake::{Handshake, Unready};
use self::pulse::Pulse;
use super::spec::PluginSpec;
use crate::process::{
    Allowance, Death, DeathReport, DrainOutcome, EndedBy, ExitCause, Incarnation, Leash, Output,
    PluginProcess, Rung, SpawnError, Spawned, StopError, StopLadder, Stopped, Threads, hanging,
    queue, refused, within,
};
use crate::route::PluginRoute;
use crate::supervision::StartError;

/// What a runner is told.
#[derive(Debug)]
pub(crate) enum Order {
    /// Take the process down as requested.
    Stop {
        /// How.
        ladder: StopLadder,
        /// No other process is to follow.
        for_good: bool,
    },
    /// SIGKILL, as a crash would: what follows is the restart policy's.
    Kill,
}

/// Waits for an order. When nobody gives any more, nobody wants the plugin.
async fn next(orders: &mut mpsc::UnboundedReceiver<Order>) -> Order {
    let order = orders.recv().await;
    order.unwrap_or_else(|| Order::Stop {
        ladder: StopLadder::at_once(),
        for_good: true,
    })
}

/// How an incarnation ended.
#[derive(Debug)]
pub(crate) enum Ended {
    /// There was no process, or the two sides do not agree.
    NotStarted(StartError),
    /// The process is gone.
    Died {
        /// The whole story.
        death: Death,
    },
}

/// What a runner reports, in this order, each at most once. A process may stay that was never ready.
#[derive(Debug)]
pub(crate) enum Report {
    /// There is a process.
    Spawned { pid: u32 },
    /// It answers.
    Ready,
    /// It was to end, and cannot be ended.
    Stays(Arc<StopError>),
    /// It is gone.
    Ended(Ended),
}

/// Time for a process to leave after its session has ended.
const LEAVE: Duration = Duration::from_secs(2);
/// Time for the session to notice a death and to drain what was published.
const NOTICE: Duration = Duration::from_secs(2);

/// Runs one incarnation to its end.
pub(crate) async fn run(
    spec: Arc<PluginSpec>,
    incarnation: Incarnation,
    route: Arc<PluginRoute>,
    mut orders: mpsc::UnboundedReceiver<Order>,
    report: impl Fn(Report) + Send + Sync,
) {
    let work = async {
        let mut allowance = Allowance::new(spec.start_timeout);
        let started = tokio::select! {
            // I4: whatever is ordered, a process that is not there yet never runs.
            biased;
            _ = next(&mut orders) => Err(StartError::Spawn(SpawnError::given_up(&spec.command))),
            started = start(&spec, incarnation, &mut allowance) => started,
        };
        match started {
            Ok((runner, invited)) => {
                let invited = (invited, allowance);
                runner.live(invited, &route, orders, &report).await
            }
            Err(error) => Ended::NotStarted(error),
        }
    };
    let ended = AssertUnwindSafe(work).catch_unwind().await;
    report(Report::Ended(ended.unwrap_or_else(|panic| {
        // The process went with its handle, and whoever waited for it was told by the session.
        route.set_away();
        let why = format!("its host failed: {}", panic_message(panic));
        Ended::NotStarted(StartError::Refused(why.into()))
    })));
}

struct Runner {
    spec: Arc<PluginSpec>,
    incarnation: Incarnation,
    process: PluginProcess,
    output: Output,
    born: Instant,
    /// I5
    socket: Option<SocketHold>,
    /// Whether it was asked to end for good.
    for_good: bool,
    /// That it does not go, if a stop has found that out.
    stays: Option<StopError>,
}

/// What was sent to the process before it ran, unless that failed.
type Invitation = Result<Invited, EstablishError>;

async fn start(
    spec: &Arc<PluginSpec>,
    incarnation: Incarnation,
    allowance: &mut Allowance,
) -> Result<(Runner, Invitation), StartError> {
    if spec.namesake {
        return Err(StartError::namesake());
    }
    spec.check()
        .map_err(|refused| StartError::Refused(refused.to_string().into()))?;
    spec.check_limits()
        .map_err(|why| StartError::Refused(why.into()))?;
    spec.check_segment()
        .map_err(|why| StartError::Refused(why.into()))?;
    let (socket, theirs) = ControlSocket::pair()
        .map_err(|error| StartError::os("making the control socket", error))?;
    let leash = Leash::new().map_err(|error| StartError::os("making its leash", refused(error)))?;
    socket.leash(leash.worn())?;
    let spawned = execute(spec, theirs, leash, allowance).await;
    let Spawned {
        process,
        stdout,
        stderr,
    } = spawned.map_err(StartError::Spawn)?;
    let output = Output::forward(&spec.name, incarnation, stdout, stderr)
        .map_err(|error| StartError::os("watching its output", error))?;
    let runner = Runner {
        spec: Arc::clone(spec),
        incarnation,
        process,
        output,
        born: Instant::now(),
        socket: None,
        for_good: false,
        stays: None,
    };
    // While the kernel loads the program.
    let invited = socket.invite(&spec.segment);
    Ok((runner, invited))
}

/// Has the program executed. To wait for other starts takes none of the time that this one has.
async fn execute(
    spec: &PluginSpec,
    control: OwnedFd,
    leash: Leash,
    allowance: &mut Allowance,
) -> Result<Spawned, SpawnError> {
    let (command, limit) = (&spec.command, spec.start_timeout);
    let mut queued = queue(command, control, leash)?;
    if within(limit, queued.begun()).await.is_none() {
        return Err(SpawnError::held_up(command, limit, hanging()));
    }
    match allowance.within(queued.started()).await {
        Some(started) => started,
        None => Err(SpawnError::hangs(command, limit)),
    }
}

impl Runner {
    async fn live(
        mut self,
        (invited, mut allowance): (Invitation, Allowance),
        route: &PluginRoute,
        mut orders: mpsc::UnboundedReceiver<Order>,
        report: &(impl Fn(Report) + Sync),
    ) -> Ended {
        report(Report::Spawned {
            pid: self.process.pid(),
        });
        let (adopt, mut orphans) = mpsc::unbounded_channel();
        let handshake = Handshake {
            spec: &self.spec,
            incarnation: self.incarnation,
            route,
            adopt,
        };
        let shaken = tokio::select! {
            biased;
            order = next(&mut orders) => Err(order),
            shaken = handshake.with(&mut self.process, invited, &mut allowance) => Ok(shaken),
        };
        let ready = match shaken {
            Ok(Ok((ready, socket))) => {
                self.socket = Some(socket);
                ready
            }
            Ok(Err(unready)) => return self.unready(unready, report).await,
            Err(order) => {
                let ended_by = self.obey(order, &mut orders, unreachable()).await;
                return self.died(ended_by, report).await;
            }
        };
        let session = ready.session.clone();
        let leaving = AtomicBool::new(false);
        let mut opening = pin!(async {
            if route.redeliver(&ready).await
                && !leaving.load(Ordering::Relaxed)
                && route.set_ready(ready)
            {
                report(Report::Ready);
            }
        });
        let mut opened = false;
        let mut early = None;
        let limit = self.spec.start_timeout;
        let ended_by = {
            // I4
            let mut watch = pin!(self.watch(route, &session, &mut orders, &leaving, &mut early));
            tokio::select! {
                // Callers first: setting up the watch takes longer than letting them through.
                biased;
                () = &mut opening => {
                    opened = true;
                    tokio::task::yield_now().await;
                    watch.await
                }
                ended_by = &mut watch => ended_by,
                () = takes_nothing(route, &session, &leaving, limit) => EndedBy::StartTimeout(limit),
            }
        };
        let cause = match early {
            Some(cause) => cause,
            None => self.reap(report).await,
        };
        // I2: the reader drains the ring before it ends the session.
        if within(NOTICE, session.ended()).await.is_none() {
            session.abort(EndReason::PeerGone);
        }
        if !opened {
            // It waits for nothing but the session.
            opening.await;
        }
        route.set_away(); // I3
        let left = orphans.recv().await.unwrap_or_default();
        let (death, mut process) = self.bury(cause, ended_by, true).await;
        route.bury(&death, left);
        // Callers first: to start the next process takes longer than to tell them.
        tokio::task::yield_now().await;
        process.wait().await; // I1
        Ended::Died { death }
    }

    async fn unready(mut self, unready: Unready, report: &(impl Fn(Report) + Sync)) -> Ended {
        match unready {
            Unready::Exited => self.died(EndedBy::Itself, report).await,
            Unready::TimedOut => {
                let limit = self.spec.start_timeout;
                self.died(EndedBy::StartTimeout(limit), report).await
            }
            Unready::Refused(why) => {
                self.reap(report).await;
                let tail = self.output.finish().await;
                Ended::NotStarted(match why {
                    StartError::Refused(why) if !tail.is_empty() => {
                        StartError::Refused(format!("{why}; the end of its stderr:{tail}").into())
                    }
                    why => why,
                })
            }
        }
    }

    /// The end of a process that nobody had called yet.
    async fn died(mut self, ended_by: EndedBy, report: &(impl Fn(Report) + Sync)) -> Ended {
        let cause = self.reap(report).await;
        let (death, _) = self.bury(cause, ended_by, false).await;
        Ended::Died { death }
    }

    /// Waits for whatever ends the incarnation. `leaving` is set as soon as it takes no new calls, `early` to how
    /// it ended if it is dead but still there.
    async fn watch(
        &mut self,
        route: &PluginRoute,
        session: &Session,
        orders: &mut mpsc::UnboundedReceiver<Order>,
        leaving: &AtomicBool,
        early: &mut Option<ExitCause>,
    ) -> EndedBy {
        let pid = self.process.pid();
        let threads = self.process.threads();
        let mut pulse = Pulse::new(self.spec.stuck_after, session.clone());
        let order = tokio::select! {
            biased;
            _ = self.process.wait() => {
                session.peer_died();
                return EndedBy::Itself;
            }
            cause = death(session, &threads) => {
                *early = Some(cause);
                session.peer_died();
                return EndedBy::Itself;
            }
            order = next(orders) => order,
            reason = session.ended() => {
                route.set_away();
                return self.after_session(reason, orders, &threads, early).await;
            }
            silent = pulse.stops(pid) => return EndedBy::Stuck(silent),
        };
        leaving.store(true, Ordering::Relaxed);
        route.set_away();
        let drain = async {
            session.drain();
            DrainOutcome::Leaving
        };
        self.obey(order, orders, drain).await
    }

    /// The session is over and the process is not: it leaves by itself, or is made to.
    async fn after_session(
        &mut self,
        reason: EndReason,
        orders: &mut mpsc::UnboundedReceiver<Order>,
        threads: &Threads,
        early: &mut Option<ExitCause>,
    ) -> EndedBy {
        if let EndReason::PeerFault(what) = reason {
            return EndedBy::Fault(what.into());
        }
        let order = tokio::select! {
            biased;
            _ = self.process.wait() => return EndedBy::Itself,
            cause = threads.end() => {
                *early = Some(cause);
                return EndedBy::Itself;
            }
            order = next(orders) => order,
            () = tokio::time::sleep(LEAVE) => {
                let what = format!("it was still there {LEAVE:?} after the session: {reason}");
                return EndedBy::Fault(what.into());
            }
        };
        self.obey(order, orders, unreachable()).await
    }

    async fn obey(
        &mut self,
        order: Order,
        orders: &mut mpsc::UnboundedReceiver<Order>,
        drain: impl Future<Output = DrainOutcome>,
    ) -> EndedBy {
        match order {
            // As every process that is left.
            Order::Kill => EndedBy::Killed,
            Order::Stop { ladder, for_good } => {
                self.for_good = for_good;
                let stopped = tokio::select! {
                    biased;
                    stopped = ladder.stop(&mut self.process, drain) => stopped,
                    // Every further order is to kill, or that nobody wants the plugin.
                    _ = orders.recv() => StopLadder::at_once().stop(&mut self.process, unreachable()).await,
                };
                EndedBy::Request(self.rung(stopped))
            }
        }
    }

    fn rung(&mut self, stopped: Result<Stopped, StopError>) -> Rung {
        match stopped {
            Ok(stopped) => stopped.rung,
            Err(stays) => {
                self.stays = Some(stays);
                Rung::Kill
            }
        }
    }

    /// Makes sure that the process is gone (I1), and says so if it does not go.
    async fn reap(&mut self, report: &(impl Fn(Report) + Sync)) -> ExitCause {
        if let Some(cause) = self.process.try_wait() {
            return cause;
        }
        let (pid, waited) = (self.process.pid(), self.spec.stop.kill);
        let stays = match self.stays.take() {
            Some(known) => known,
            None => match self.process.kill() {
                Err(source) => StopError::Signal { pid, source },
                Ok(()) => match within(waited, self.process.wait()).await {
                    Some(cause) => return cause,
                    None => StopError::Unkillable { pid, waited },
                },
            },
        };
        report(Report::Stays(Arc::new(stays)));
        // I5: what we cannot end may still end itself.
        self.socket = None;
        self.process.wait().await
    }

    /// Tells the story; the process may still have to be waited for.
    async fn bury(
        self,
        cause: ExitCause,
        ended_by: EndedBy,
        connected: bool,
    ) -> (Death, PluginProcess) {
        let lived = self.born.elapsed();
        let stderr = self.output.finish().await;
        let death = Death::new(DeathReport {
            plugin: Arc::clone(&self.spec.name),
            incarnation: self.incarnation,
            cause,
            ended_by,
            for_good: self.for_good,
            lived,
            connected,
            stderr,
        });
        (death, self.process)
    }
}

/// Waits until no thread of the process runs any more, which can be known once it has settled.
async fn death(session: &Session, threads: &Threads) -> ExitCause {
    session.peer_settled().await;
    threads.end().await
}

/// Ends when a process has taken none of the calls that were kept for it in all of `limit`, and has begun none that it
/// took before: then it will not become ready. What it has begun may take as long as it takes. Never, if it is to take
/// none any more.
async fn takes_nothing(
    route: &PluginRoute,
    session: &Session,
    leaving: &AtomicBool,
    limit: Duration,
) {
    let look = (limit / 16).clamp(Duration::from_millis(1), Duration::from_millis(250));
    loop {
        let waiting = route.waiting();
        let moves = async {
            while route.waiting() == waiting && !session.is_served() {
                tokio::time::sleep(look).await;
            }
        };
        let moved = within(limit, moves).await.is_some();
        if !moved && !leaving.load(Ordering::Relaxed) && session.end_reason().is_none() {
            return;
        }
        tokio::time::sleep(look).await;
    }
}

/// What a process is told that has no session.
async fn unreachable() -> DrainOutcome {
    DrainOutcome::Unreachable
}

#[cfg(test)]
mod tests {
    use super::*;

    /// I3
    #[tokio::test]
    async fn a_runner_that_panics_leaves_no_process_and_says_so() {
        let spec = PluginSpec::new("any", "/bin/sleep").arg("600");
        let route = Arc::new(PluginRoute::new("any".into()));
        let (_orders, taken) = mpsc::unbounded_channel();
        let (news, mut told) = mpsc::unbounded_channel();
        let report = move |report| match report {
            Report::Spawned { pid } => panic!("as process {pid}"),
            other => news.send(other).unwrap(),
        };
        run(Arc::new(spec), Incarnation::FIRST, route, taken, report).await;
        let Some(Report::Ended(Ended::NotStarted(error))) = told.recv().await else {
            panic!("no end was reported");
        };
        let text = error.to_string();
        let pid = text.strip_prefix("its host failed: as process ").unwrap();
        // Only its own runtime collects it, so the number is still its own.
        let status = format!("/proc/{pid}/status");
        let alive = || std::fs::read_to_string(&status).is_ok_and(|it| !it.contains("State:\tZ"));
        while alive() {
            tokio::task::yield_now().await;
        }
    }
}
