//! A task that calls one plugin without pause.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use futures_util::StreamExt;
use rapace::{CallError, StreamError, Streaming};

use super::ledger::{Ledger, Reported};
use crate::plugin::{Once, WorkerProxy};
use crate::random::Random;
use crate::violation::{Outcome, Violation, ensure};
use crate::waiting::in_time;

/// Unique numbers for the calls of one plugin.
pub(super) struct Numbers(AtomicU64);

impl Numbers {
    pub(super) fn new(first: u64) -> Self {
        Self(AtomicU64::new(first))
    }

    fn next(&self) -> u64 {
        self.0.fetch_add(1, Ordering::Relaxed)
    }
}

/// One of several callers of a plugin.
pub(super) struct Caller {
    pub(super) worker: WorkerProxy,
    pub(super) numbers: Arc<Numbers>,
    pub(super) over: Arc<AtomicBool>,
    pub(super) random: Random,
}

impl Caller {
    /// Calls until the round ends, and records the outcomes.
    pub(super) async fn run(mut self) -> Outcome<Ledger> {
        let mut ledger = Ledger::default();
        while !self.over.load(Ordering::Relaxed) {
            let id = self.numbers.next();
            let may_repeat = self.call(id, &mut ledger).await;
            may_repeat.map_err(|violation| {
                let worker = self.worker.clone();
                Violation::new(format!("call {id} of {worker:?}: {violation}"))
            })?;
        }
        Ok(ledger)
    }

    async fn call(&mut self, id: u64, ledger: &mut Ledger) -> Outcome {
        let worker = self.worker.clone();
        let outcome = match self.random.within(0..100) {
            0..40 => {
                let result = in_time("a small call", worker.once(id)).await?;
                outcome_of(result, |back| right(back == id))?
            }
            40..52 => {
                let (sent, bytes) = self.bytes(16 << 10);
                let result = in_time("a call with bytes", worker.bytes(id, bytes)).await?;
                outcome_of(result, |(back, bytes)| {
                    right(back == id && sent.are(&bytes))
                })?
            }
            52..70 => {
                let (sent, bytes) = self.bytes(2 << 10);
                let result = in_time("a call that may repeat", worker.again(id, bytes)).await?;
                let outcome = outcome_of(result, |(back, bytes)| {
                    right(back == id && sent.are(&bytes))
                })?;
                ledger.may_repeat(id);
                outcome
            }
            70..76 => {
                let (sent, bytes) = self.bytes(256 << 10);
                let buffer = in_time("a buffer", worker.allocate(bytes.len())).await?;
                let mut buffer = buffer.map_err(|error| Violation::new(error.to_string()))?;
                buffer.copy_from_slice(&bytes);
                let result =
                    in_time("a call with a buffer", worker.buffer(id, buffer.freeze())).await?;
                outcome_of(result, |(back, bytes)| {
                    right(back == id && sent.are(&bytes))
                })?
            }
            76..88 => {
                let sent = in_time("a tell", worker.tell(Once { id }).send()).await?;
                sent.map_err(|error| Violation::new(format!("a tell was refused: {error}")))?;
                Reported::Nothing
            }
            88..91 => self.count(&worker, id).await?,
            91..94 => self.sum(&worker, id).await?,
            94..97 => {
                let result =
                    in_time("a call in no mood to wait", worker.once(id).fail_fast()).await?;
                outcome_of(result, |back| right(back == id))?
            }
            97..99 => {
                let deadline = self.random.below(Duration::from_millis(3));
                let result =
                    in_time("a call with a deadline", worker.once(id).timeout(deadline)).await?;
                outcome_of(result, |back| right(back == id))?
            }
            _ => {
                let patience = self.random.below(Duration::from_millis(2));
                let call = worker.once(id).into_future();
                match tokio::time::timeout(patience, call).await {
                    Ok(result) => outcome_of(result, |back| right(back == id))?,
                    Err(_) => Reported::Late,
                }
            }
        };
        ledger.add(id, outcome);
        Ok(())
    }

    /// Receives numbers from the plugin: all of them in order, or some and then an error.
    async fn count(&mut self, worker: &WorkerProxy, id: u64) -> Outcome<Reported> {
        let items = self.random.within(0..100);
        let mut stream = match in_time("a call for a stream", worker.count(id, items)).await? {
            Ok(stream) => stream,
            Err(error) => return outcome_of(Err(error), |()| Ok(())),
        };
        let mut seen = 0;
        while let Some(item) = in_time("an item", stream.next()).await? {
            match item {
                Ok(item) => right(item == id + seen && seen < items)?,
                Err(StreamError::SessionEnded(_)) => {
                    let after = in_time("the end of a stream", stream.next()).await?;
                    right(after.is_none())?;
                    return Ok(Reported::Done);
                }
                Err(error) => return Err(Violation::new(format!("a stream ended by: {error}"))),
            }
            seen += 1;
        }
        ensure(seen == items, || {
            format!("a stream ended silently: {seen} of {items} items")
        })?;
        Ok(Reported::Done)
    }

    /// Sends numbers to the plugin.
    async fn sum(&mut self, worker: &WorkerProxy, id: u64) -> Outcome<Reported> {
        let items = self.random.within(0..100);
        let call = worker.sum(id, Streaming::iter(0..items));
        let result = in_time("a call with a stream", call).await?;
        let expected = (0..items).sum::<u64>();
        outcome_of(result, |(back, count, sum)| {
            right(back == id && (count, sum) == (items, Some(expected)))
        })
    }

    /// Returns bytes that can be recognised by the first one and their count.
    fn bytes(&mut self, limit: u64) -> (Sent, Vec<u8>) {
        // Mostly small ones, and all lengths now and then.
        let limit = limit >> self.random.within(0..8);
        let len = self.random.within(0..limit) as usize;
        let first = self.random.next() as u8;
        let sent = Sent { first, len };
        (sent, sent.bytes().collect())
    }
}

#[derive(Clone, Copy)]
struct Sent {
    first: u8,
    len: usize,
}

impl Sent {
    fn bytes(self) -> impl Iterator<Item = u8> {
        (0..self.len).map(move |nth| self.first.wrapping_add((nth % 251) as u8))
    }

    fn are(self, bytes: &[u8]) -> bool {
        bytes.len() == self.len && self.bytes().eq(bytes.iter().copied())
    }
}

fn right(right: bool) -> Outcome {
    ensure(right, || "the reply is another's".to_owned())
}

/// Returns the outcome of a result.
fn outcome_of<T>(
    result: Result<T, CallError<std::convert::Infallible>>,
    check: impl FnOnce(T) -> Outcome,
) -> Outcome<Reported> {
    match result {
        Ok(reply) => check(reply).map(|()| Reported::Done),
        Err(CallError::PluginDied(_)) => Ok(Reported::Died),
        Err(CallError::Poisoned(_)) => Ok(Reported::Poisoned),
        Err(CallError::Restarting { .. } | CallError::NotBegun(_)) => Ok(Reported::NotBegun),
        Err(CallError::DeadlineExceeded) => Ok(Reported::Late),
        Err(other) => Err(Violation::new(format!("it failed: {other}"))),
    }
}
