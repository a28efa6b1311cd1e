//! Calls whose results are buffers, while their caller keeps earlier results: more than there are slots.
//!
//! - KE1: levels are measured in turn, each with a plugin of its own, and with one more that has no slot at all: its rate
//!   is that of fragments.
//! - KE2: the caller checks the number and the length of each result, and every byte of one in 1024. In the end it checks
//!   those that it kept.
//! - KE3: what is kept is in slots as long as there are some, and the others travelled in fragments.

use std::time::{Duration, Instant};

use rapace::{Blob, SegmentConfig};
use rapace_measure::payload::{check, check_stamp};
use rapace_measure::tasks::{Operation, round};
use rapace_measure::{Limit, Request, Setting, median};

use super::stage::Stage;
use super::without_slots::WithoutSlots;
use crate::mirror::MirrorProxy;

/// The figures with so many kept results.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Level {
    pub(crate) kept: usize,
    /// Of the kept results, those that travelled in fragments.
    pub(crate) kept_in_fragments: usize,
    /// Of the calls that were measured, the part whose results did.
    pub(crate) in_fragments: f64,
    /// Calls a second.
    pub(crate) per_s: f64,
    /// The calls a second, over those where all results travel in fragments and none is kept.
    pub(crate) of_fragments: f64,
    pub(crate) rounds: usize,
}

impl Level {
    /// Whether the rate is that of fragments at least, but for what keeping so much memory costs.
    pub(crate) fn holds(&self) -> bool {
        self.of_fragments >= FLAT
    }
}

/// The least part of the fragments' own rate that any number of kept results must leave.
pub(crate) const FLAT: f64 = 0.5;

/// How long a round takes.
const ROUND: Duration = Duration::from_millis(40);

/// The most bytes that one caller keeps.
const MOST: usize = 1 << 30;

/// Measures all levels, in about this time.
///
/// # Errors
/// A result is wrong, or a plugin cannot be started.
pub(crate) fn measure(
    setting: Setting,
    bytes: usize,
    inflight: usize,
    time: Duration,
) -> Result<Vec<Level>, String> {
    let why = |why: std::io::Error| why.to_string();
    setting.pin_subject().map_err(why)?;
    let runtime = setting.runtime.build().map_err(why)?;
    runtime.block_on(all(setting, bytes, inflight, time))
}

async fn all(
    setting: Setting,
    bytes: usize,
    inflight: usize,
    time: Duration,
) -> Result<Vec<Level>, String> {
    let request = Request {
        bytes,
        inflight,
        limit: Limit::Time(ROUND),
    };
    let mut without = WithoutSlots::set_up(setting).await?;
    without.hold(bytes).await?;
    let mut callers = Vec::new();
    for kept in levels(bytes) {
        callers.push(Caller::set_up(setting, bytes, kept).await?);
    }
    let mut own = Vec::new();
    let start = Instant::now();
    // The first round of each does not count.
    while own.len() < 2 || start.elapsed() < time {
        own.push(calls(&without.stage, &request).await?);
        for caller in &mut callers {
            caller.rounds.push(calls(&caller.stage, &request).await?);
        }
    }
    if own.iter().any(|round| round.in_fragments < 1.0) {
        return Err("results without a slot did not all travel in fragments".to_owned());
    }
    callers.iter().map(|caller| caller.level(&own)).collect()
}

/// How many results are kept: none, about as many as there are slots for, and many more.
fn levels(bytes: usize) -> Vec<usize> {
    let slots = slots(bytes);
    let levels = [
        0,
        slots / 2,
        slots,
        slots + 1,
        2 * slots,
        4 * slots,
        16 * slots,
    ];
    let most = MOST / bytes.max(1);
    levels.into_iter().filter(|kept| *kept <= most).collect()
}

/// The slots that a result of this size may take: those of the first size that is large enough, and of the next.
fn slots(bytes: usize) -> usize {
    let classes = SegmentConfig::default().classes;
    let fitting = classes
        .iter()
        .filter(|class| class.slot_size as usize >= bytes);
    fitting.take(2).map(|class| class.slots as usize).sum()
}

/// The calls of a round.
struct Calls {
    per_s: f64,
    in_fragments: f64,
}

async fn calls(stage: &Stage, request: &Request) -> Result<Calls, String> {
    let taking = (0..request.inflight).map(|_| Taking {
        proxy: stage.proxy.clone(),
        size: request.bytes,
    });
    let before = frames(stage)?;
    let round = round(request, &stage.watched, taking.collect()).await?;
    let more = frames(stage)? - before - round.ops as f64;
    let fragments = request.bytes.div_ceil(FRAGMENT) as f64;
    Ok(Calls {
        per_s: round.ops as f64 * 1e9 / round.elapsed,
        in_fragments: (more / fragments / round.ops as f64).clamp(0.0, 1.0),
    })
}

/// The bytes of a fragment.
const FRAGMENT: usize = 64 << 10;

/// The frames that the plugin has sent.
fn frames(stage: &Stage) -> Result<f64, String> {
    let stats = stage.plugin.link_stats().ok_or("the plugin is gone")?;
    Ok(stats.descriptors_received as f64)
}

/// A caller that keeps results.
struct Caller {
    stage: Stage,
    size: usize,
    kept: Vec<Blob>,
    kept_in_fragments: usize,
    rounds: Vec<Calls>,
}

impl Caller {
    async fn set_up(setting: Setting, size: usize, count: usize) -> Result<Self, String> {
        let stage = Stage::set_up(setting).await?;
        let mut kept = Vec::new();
        for number in 0..count {
            let result = stage.proxy.buffer(number as u64, size as u64).send().await;
            kept.push(result.map_err(|why| why.to_string())?);
        }
        let in_slots = stage.proxy.slots_in_use().send().await;
        let in_slots = in_slots.map_err(|why| why.to_string())? as usize;
        // KE3
        if in_slots != count.min(slots(size)) {
            return Err(format!("{in_slots} of {count} kept results are in slots"));
        }
        Ok(Self {
            stage,
            size,
            kept,
            kept_in_fragments: count - in_slots,
            rounds: Vec::new(),
        })
    }

    fn level(&self, own: &[Calls]) -> Result<Level, String> {
        for (number, result) in self.kept.iter().enumerate() {
            check(result, self.size, number as u64)?;
        }
        let rounds = self.rounds.iter().skip(1);
        let of = |figure: fn(&Calls) -> f64| {
            let figures = rounds.clone().map(figure);
            median(figures).ok_or("there was no round")
        };
        let beside = rounds.clone().zip(own.iter().skip(1));
        let of_fragments = median(beside.map(|(here, own)| here.per_s / own.per_s));
        Ok(Level {
            kept: self.kept.len(),
            kept_in_fragments: self.kept_in_fragments,
            in_fragments: of(|calls| calls.in_fragments)?,
            per_s: of(|calls| calls.per_s)?,
            of_fragments: of_fragments.ok_or("there was no round")?,
            rounds: rounds.len(),
        })
    }
}

struct Taking {
    proxy: MirrorProxy,
    size: usize,
}

impl Operation for Taking {
    async fn run(&mut self, number: u64) -> Result<Duration, String> {
        let start = Instant::now();
        let result = self.proxy.buffer(number, self.size as u64).send().await;
        let took = start.elapsed();
        let result = result.map_err(|why| why.to_string())?;
        match number.is_multiple_of(1024) {
            true => check(&result, self.size, number)?,
            false => check_stamp(&result, self.size, number)?,
        }
        Ok(took)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_go_from_none_to_many_times_the_slots_and_stay_within_memory() {
        assert_eq!(slots(300 << 10), 48);
        assert_eq!(levels(300 << 10), [0, 24, 48, 49, 96, 192, 768]);
        assert_eq!(levels(16 << 20), [0, 6, 12, 13, 24, 48]);
    }
}
