//! Time and processor time around the work of a round.

use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use nix::time::{ClockId, clock_getcpuclockid};
use nix::unistd::Pid;

use crate::request::{Limit, Request};
use crate::round::{Round, Times};
use crate::syscalls::Marker;

/// The processes whose CPU time is measured besides the subject's own.
#[derive(Clone, Debug)]
pub enum Watched {
    /// These processes, which live for all of the round; none if everything is in one process.
    Partners(Vec<u32>),
    /// The processor time of children that started and ended during the round.
    Children,
}

/// A round under way.
#[derive(Debug)]
pub struct Meter<'a> {
    watched: &'a Watched,
    marks: bool,
    cpu_here: Duration,
    cpu_there: Duration,
    start: Instant,
}

impl<'a> Meter<'a> {
    /// Starts measuring, when the work begins.
    ///
    /// # Errors
    /// If a partner is gone.
    pub fn begin(request: &Request, watched: &'a Watched) -> Result<Self, String> {
        let marks = matches!(request.limit, Limit::Count(_));
        let cpu_there = watched.cpu()?;
        let cpu_here = own()?;
        if marks {
            Marker::Begin.leave();
        }
        Ok(Self {
            watched,
            marks,
            cpu_here,
            cpu_there,
            start: Instant::now(),
        })
    }

    /// Stops measuring, when the work has ended, and returns the figures.
    ///
    /// # Errors
    /// If a partner is gone, or nothing was done.
    pub fn end(self, times: Times) -> Result<Round, String> {
        let elapsed = self.start.elapsed();
        if self.marks {
            Marker::End.leave();
        }
        let cpu_here = own()?.saturating_sub(self.cpu_here);
        let cpu_there = self.watched.cpu()?.saturating_sub(self.cpu_there);
        let summary = times.summary()?;
        Ok(Round {
            min: summary.min,
            p50: summary.p50,
            p99: summary.p99,
            mean: summary.mean,
            ops: summary.ops,
            elapsed: elapsed.as_nanos() as f64,
            cpu_here: cpu_here.as_nanos() as f64,
            cpu_there: cpu_there.as_nanos() as f64,
        })
    }
}

impl Watched {
    fn cpu(&self) -> Result<Duration, String> {
        match self {
            Self::Partners(pids) => pids.iter().map(|pid| of(*pid)).sum(),
            Self::Children => {
                let used = getrusage(UsageWho::RUSAGE_CHILDREN).map_err(|why| why.to_string())?;
                let micros = used.user_time() + used.system_time();
                Ok(Duration::from_micros(micros.num_microseconds() as u64))
            }
        }
    }
}

/// The processor time that this process has used, in all its threads.
///
/// # Errors
/// If the system has no such clock.
pub fn own() -> Result<Duration, String> {
    let now = ClockId::CLOCK_PROCESS_CPUTIME_ID.now();
    Ok(now.map_err(|why| why.to_string())?.into())
}

fn of(pid: u32) -> Result<Duration, String> {
    let gone = |why| format!("the processor time of process {pid}: {why}");
    let clock = clock_getcpuclockid(Pid::from_raw(pid as i32)).map_err(gone)?;
    Ok(clock.now().map_err(gone)?.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_busy_process_uses_processor_time_and_a_partner_that_is_itself_as_much() {
        let watched = Watched::Partners(vec![std::process::id()]);
        let request = "0 1 time 0".parse().unwrap();
        let meter = Meter::begin(&request, &watched).unwrap();
        let mut times = Times::of_batches(1);
        let start = own().unwrap();
        while own().unwrap() - start < Duration::from_millis(2) {}
        times.record(Duration::from_millis(2));
        let round = meter.end(times).unwrap();
        assert!(round.cpu_here >= 2e6 && round.cpu_there >= 2e6, "{round:?}");
    }

    #[test]
    fn a_partner_that_is_gone_fails_the_round() {
        let mut child = std::process::Command::new("true").spawn().unwrap();
        child.wait().unwrap();
        let watched = Watched::Partners(vec![child.id()]);
        let request = "0 1 time 0".parse().unwrap();
        assert!(Meter::begin(&request, &watched).is_err());
    }
}
