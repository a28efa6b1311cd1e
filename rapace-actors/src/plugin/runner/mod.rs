//! One incarnation of a plugin, from the spawn of its process to the settling of its calls.
//!
//! - I1: the runner ends only when the process is gone, so two incarnations never overlap.
//! - I2: everything that the process had published is received before its calls are sorted. They are sorted as
//!   soon as it can publish nothing more, which for a large process is long before I1.
//! - I3: every way to end, a panic included, yields one [`Ended`], after the route has been closed to this
//!   incarnation.
//! - I4: nothing that the process does or fails to do keeps the runner from watching it, and no order waits for
//!   the process.
//! - I5: the control socket stays open until the process is gone, or turned out to be unkillable. A hang-up
//!   tells the process that its host is gone, and it has only a moment to exit then; so until that point only
//!   the shutdown timeouts count.

mod end;
mod handshake;
mod order;
mod report;
mod start;
mod watchdog;

use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use rapace_codec::panic_message;
use rapace_session::{EndReason, Session, Wait};
use tokio::sync::mpsc;

use self::end::unreachable;
use self::handshake::{Handshake, LEAVE, NOTICE};
pub(crate) use self::order::Order;
use self::order::next;
pub(crate) use self::report::{Ended, Report};
use self::start::{Offered, Runner, start};
use self::watchdog::Watchdog;
use super::spec::PluginSpec;
use crate::process::{
    Allowance, DrainOutcome, EndedBy, ExitCause, Incarnation, SpawnError, Threads, within,
};
use crate::route::PluginRoute;
use crate::supervision::StartError;

/// Runs one incarnation from its start to its end.
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
            // I4: an order that comes before there is a process prevents its start.
            biased;
            _ = next(&mut orders) => Err(StartError::Spawn(SpawnError::given_up(&spec.command))),
            started = start(&spec, incarnation, &mut allowance) => started,
        };
        match started {
            Ok((runner, offered)) => {
                let offered = (offered, allowance);
                runner.live(offered, &route, orders, &report).await
            }
            Err(error) => Ended::NotStarted(error),
        }
    };
    let ended = AssertUnwindSafe(work).catch_unwind().await;
    report(Report::Ended(ended.unwrap_or_else(|panic| {
        // Dropping its handle killed the process, and the session has settled its calls.
        route.set_away();
        let why = format!("its host failed: {}", panic_message(panic));
        Ended::NotStarted(StartError::Refused(why.into()))
    })));
}

impl Runner {
    async fn live(
        mut self,
        (offered, mut allowance): (Offered, Allowance),
        route: &PluginRoute,
        mut orders: mpsc::UnboundedReceiver<Order>,
        report: &(impl Fn(Report) + Sync),
    ) -> Ended {
        report(Report::Spawned {
            pid: self.process.pid(),
        });
        let (unsettled, mut left_unsettled) = mpsc::unbounded_channel();
        let (waits, mut waiting) = mpsc::unbounded_channel();
        let handshake = Handshake {
            spec: &self.spec,
            incarnation: self.incarnation,
            route,
            unsettled,
            waits,
        };
        let shaken = tokio::select! {
            biased;
            order = next(&mut orders) => Err(order),
            shaken = handshake.with(&mut self.process, offered, &mut allowance) => Ok(shaken),
        };
        let ready = match shaken {
            Ok(Ok((ready, socket))) => {
                self.socket = Some(socket);
                ready
            }
            Ok(Err(unready)) => return self.unready(unready, report).await,
            Err(order) => {
                let ended_by = self.carry_out(order, &mut orders, unreachable()).await;
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
            let mut watch = pin!(async {
                tokio::select! {
                    biased;
                    ended_by = self.watch(route, &session, &mut orders, &leaving, &mut early) => ended_by,
                    never = report_waits(&mut waiting, report) => match never {},
                }
            });
            tokio::select! {
                // Callers first: setting up the watchdog takes longer than waking them.
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
            // It waits only for the session.
            opening.await;
        }
        route.set_away(); // I3
        let left = left_unsettled.recv().await.unwrap_or_default();
        let (exit, mut process) = self.record_exit(cause, ended_by, true).await;
        route.record_exit(&exit, left);
        // Callers first: starting the next process takes longer than waking them.
        tokio::task::yield_now().await;
        process.wait().await; // I1
        Ended::Died { exit }
    }

    /// Waits until something ends the incarnation. `leaving` is set once it accepts no new calls; `early` is
    /// set to how it ended, if it is dead but not yet reaped.
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
        let mut watchdog = Watchdog::new(self.spec.unresponsive_after, session.clone());
        let order = tokio::select! {
            biased;
            _ = self.process.wait() => {
                session.peer_died();
                return EndedBy::Itself;
            }
            cause = exit(session, &threads) => {
                *early = Some(cause);
                session.peer_died();
                return EndedBy::Itself;
            }
            order = next(orders) => order,
            reason = session.ended() => {
                route.set_away();
                return self.after_session(reason, orders, &threads, early).await;
            }
            silent = watchdog.stops(pid) => return EndedBy::Unresponsive(silent),
        };
        leaving.store(true, Ordering::Relaxed);
        route.set_away();
        let drain = async {
            session.drain();
            DrainOutcome::Leaving
        };
        self.carry_out(order, orders, drain).await
    }

    /// After the session's end: waits for the process to exit, then stops it.
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
        self.carry_out(order, orders, unreachable()).await
    }
}

/// Reports waits that have become long. Never returns.
async fn report_waits(
    waiting: &mut mpsc::UnboundedReceiver<Wait>,
    report: &(impl Fn(Report) + Sync),
) -> Infallible {
    while let Some(wait) = waiting.recv().await {
        report(Report::Waiting(wait));
    }
    // The session is gone.
    std::future::pending().await
}

/// Waits until no thread of the process runs any more. That can be observed once the plugin has reported that it is
/// ready.
async fn exit(session: &Session, threads: &Threads) -> ExitCause {
    session.peer_ready().await;
    threads.end().await
}

/// Returns when a process has received none of the calls kept for it for all of `limit`, and has begun none
/// that it received: it will not become ready. A call that has begun may take any time. Never returns once no
/// kept call is left.
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

#[cfg(test)]
mod tests {
    use super::*;

    /// I3
    #[tokio::test]
    async fn a_runner_that_panics_leaves_no_process_and_says_so() {
        let spec = PluginSpec::new("any", "/bin/sleep").arg("600");
        let route = Arc::new(PluginRoute::new("any".into()));
        let (_orders, taken) = mpsc::unbounded_channel();
        let (reports, mut received) = mpsc::unbounded_channel();
        let report = move |report| match report {
            Report::Spawned { pid } => panic!("as process {pid}"),
            other => reports.send(other).unwrap(),
        };
        run(Arc::new(spec), Incarnation::FIRST, route, taken, report).await;
        let Some(Report::Ended(Ended::NotStarted(error))) = received.recv().await else {
            panic!("no end was reported");
        };
        let text = error.to_string();
        let pid = text.strip_prefix("its host failed: as process ").unwrap();
        // Only its own runtime reaps it, so the process id is still its own.
        let status = format!("/proc/{pid}/status");
        let alive = || std::fs::read_to_string(&status).is_ok_and(|it| !it.contains("State:\tZ"));
        while alive() {
            tokio::task::yield_now().await;
        }
    }
}
