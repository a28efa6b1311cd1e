//! The end of one incarnation's process: stopping it, waiting for it, and recording how it ended.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::handshake::Unready;
use super::order::Order;
use super::report::{Ended, Report};
use super::start::Runner;
use crate::process::{
    DrainOutcome, EndedBy, ExitCause, ExitDetails, ExitReport, PluginProcess, ShutdownStage,
    ShutdownTimeouts, StopError, Stopped, within,
};
use crate::supervision::StartError;

impl Runner {
    pub(super) async fn unready(
        mut self,
        unready: Unready,
        report: &(impl Fn(Report) + Sync),
    ) -> Ended {
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

    /// Ends a process that no caller has reached yet.
    pub(super) async fn died(
        mut self,
        ended_by: EndedBy,
        report: &(impl Fn(Report) + Sync),
    ) -> Ended {
        let cause = self.reap(report).await;
        let (exit, _) = self.record_exit(cause, ended_by, false).await;
        Ended::Died { exit }
    }

    pub(super) async fn carry_out(
        &mut self,
        order: Order,
        orders: &mut mpsc::UnboundedReceiver<Order>,
        drain: impl Future<Output = DrainOutcome>,
    ) -> EndedBy {
        match order {
            // As with every process that remains.
            Order::Kill => EndedBy::Killed,
            Order::Stop { timeouts, for_good } => {
                self.for_good = for_good;
                let stopped = tokio::select! {
                    biased;
                    stopped = timeouts.stop(&mut self.process, drain) => stopped,
                    // Any further order is to kill, or the order channel closed.
                    _ = orders.recv() => ShutdownTimeouts::at_once().stop(&mut self.process, unreachable()).await,
                };
                EndedBy::Request(self.stage(stopped))
            }
        }
    }

    fn stage(&mut self, stopped: Result<Stopped, StopError>) -> ShutdownStage {
        match stopped {
            Ok(stopped) => stopped.stage,
            Err(stays) => {
                self.stays = Some(stays);
                ShutdownStage::Kill
            }
        }
    }

    /// Waits until the process is gone (I1), and reports if it cannot be ended.
    pub(super) async fn reap(&mut self, report: &(impl Fn(Report) + Sync)) -> ExitCause {
        if let Some(cause) = self.process.try_wait() {
            return cause;
        }
        let (pid, waited) = (self.process.pid(), self.spec.stop.kill);
        let stays = match self.stays.take() {
            Some(known) => known,
            None => match self.process.kill() {
                Err(cause) => StopError::Signal { pid, cause },
                Ok(()) => match within(waited, self.process.wait()).await {
                    Some(cause) => return cause,
                    None => StopError::Unkillable { pid, waited },
                },
            },
        };
        report(Report::Stays(Arc::new(stays)));
        // I5: a process that cannot be ended may still exit by itself.
        self.socket = None;
        self.process.wait().await
    }

    /// Records how it ended; the process may still have to be reaped.
    pub(super) async fn record_exit(
        self,
        cause: ExitCause,
        ended_by: EndedBy,
        connected: bool,
    ) -> (ExitReport, PluginProcess) {
        let lived = self.born.elapsed();
        let stderr = self.output.finish().await;
        let exit = ExitReport::new(ExitDetails {
            plugin: Arc::clone(&self.spec.name),
            incarnation: self.incarnation,
            cause,
            ended_by,
            for_good: self.for_good,
            lived,
            connected,
            stderr,
        });
        (exit, self.process)
    }
}

/// The drain request of a process without a session: it is unreachable.
pub(super) async fn unreachable() -> DrainOutcome {
    DrainOutcome::Unreachable
}
