//! Two sessions in one process, each on a runtime of its own, that take turns on one thread. So every run executes
//! the same instructions, and the work of one side can be counted separately.
//!
//! - T1: a turn is a fixed number of passes of the runtime: all runnable tasks run, and the kernel's events are
//!   polled. The last passes find nothing to do; their cost is measured by turns in which nothing happens.
//! - T2: no side sleeps. In its turn a side finds what the other has sent in the turn before.
//! - T3: a receiver that spins after a burst, by the clock, misses here every time, so its adaptive spin skips
//!   4096 bursts after a warm-up of [`WARM_UP`].

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::StreamExt;
use rapace_measure::payload::{check_stamp, payload, stamp};
use rapace_session::Session;
use rapace_shm::{Listener, SegmentConfig};
use tokio::runtime::{Builder, Runtime};
use tokio::task::{JoinHandle, yield_now};

use crate::mirror::MirrorProxy;
use crate::session_pair::{BoxError, answers, calls};

/// Bytes of a call, and of its answer.
pub const BYTES: usize = 16;

/// Bytes of an item of a stream: a buffer that is not copied out on arrival.
pub const ITEM_BYTES: usize = 4096;

/// Rounds after which both sides have settled (T3), and with how many calls each.
pub const WARM_UP: (u64, usize) = (8_300, 4);

/// Passes of a turn: chains of wake-ups are at most three tasks long.
const PASSES: u32 = 6;

/// Two sides.
#[derive(Debug)]
pub struct Turns {
    caller: Runtime,
    answerer: Runtime,
    proxy: MirrorProxy,
    _sessions: (Session, Session),
}

/// A side's turn.
pub type Turn = fn(&Runtime, u32);

impl Turns {
    /// # Errors
    /// If the system refuses the memory, or the two do not understand each other.
    pub fn set_up() -> Result<Self, BoxError> {
        let (caller, answerer) = (runtime()?, runtime()?);
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("socket");
        let listener = {
            let _inside = caller.enter();
            Listener::bind(&path)?
        };
        let ours = caller.spawn(async move {
            let socket = listener.accept().await?;
            drop(listener);
            calls(socket.host(&SegmentConfig::default()).await?).await
        });
        // Each end belongs to its own runtime.
        let theirs = answerer.spawn(async move {
            let socket = Listener::connect(&path).await?;
            answers(socket.join().await?).await
        });
        while !(ours.is_finished() && theirs.is_finished()) {
            others_turn(&caller, PASSES);
            others_turn(&answerer, PASSES);
        }
        let (client, proxy) = caller.block_on(ours)??;
        let server = answerer.block_on(theirs)??;
        Ok(Self {
            caller,
            answerer,
            proxy,
            _sessions: (client, server),
        })
    }

    /// Makes `inflight` calls at a time, `rounds` times. The caller has one turn more than there are rounds, and the
    /// answerer one in each.
    ///
    /// # Errors
    /// If a call fails, or its answer is wrong, or is not there in its turn.
    pub fn rounds(
        &self,
        rounds: u64,
        inflight: usize,
        caller: Turn,
        answerer: Turn,
    ) -> Result<(), BoxError> {
        let answered = Arc::new(AtomicU64::new(0));
        let asking: Vec<JoinHandle<Result<(), String>>> = (0..inflight)
            .map(|_| {
                let (proxy, answered) = (self.proxy.clone(), Arc::clone(&answered));
                self.caller.spawn(ask(proxy, rounds, answered))
            })
            .collect();
        for round in 0..=rounds {
            caller(&self.caller, PASSES);
            let expected = round * inflight as u64;
            let found = answered.load(Ordering::Relaxed);
            if found != expected {
                return Err(
                    format!("{found} answers after {expected} calls: T1 is not true").into(),
                );
            }
            if round < rounds {
                answerer(&self.answerer, PASSES);
            }
        }
        for asked in asking {
            self.caller.block_on(asked)??;
        }
        Ok(())
    }

    /// Takes a stream of `items` buffers of [`ITEM_BYTES`]. Returns the number of turns: the caller has had one more
    /// than the answerer.
    ///
    /// # Errors
    /// If the stream or an item is wrong, or nothing comes in some turn.
    pub fn stream(&self, items: u64, caller: Turn, answerer: Turn) -> Result<u64, BoxError> {
        let taken = Arc::new(AtomicU64::new(0));
        let taking = take(self.proxy.clone(), items, Arc::clone(&taken));
        let taking = self.caller.spawn(taking);
        let mut turns = 0;
        let mut before = 0;
        loop {
            caller(&self.caller, PASSES);
            if taking.is_finished() {
                break;
            }
            let now = taken.load(Ordering::Relaxed);
            if turns > 1 && now == before {
                return Err(format!("no item came after {now}: T1 is not true").into());
            }
            before = now;
            answerer(&self.answerer, PASSES);
            turns += 1;
        }
        self.caller.block_on(taking)??;
        Ok(turns)
    }

    /// Runs turns in which nothing happens, of one pass less: the pass that finds something is part of the
    /// count.
    pub fn idle(&self, turns: u64, caller: Turn, answerer: Turn) {
        for _ in 0..turns {
            caller(&self.caller, PASSES - 1);
            answerer(&self.answerer, PASSES - 1);
        }
    }
}

fn runtime() -> std::io::Result<Runtime> {
    Builder::new_current_thread().enable_all().build()
}

async fn ask(proxy: MirrorProxy, rounds: u64, answered: Arc<AtomicU64>) -> Result<(), String> {
    let mut payload = payload(BYTES);
    for number in 0..rounds {
        stamp(&mut payload, number);
        let back = proxy.bytes_back(payload).send().await;
        payload = back.map_err(|why| why.to_string())?;
        check_stamp(&payload, BYTES, number)?;
        // This is the only writer, and a read-modify-write would be counted.
        let before = answered.load(Ordering::Relaxed);
        answered.store(before + 1, Ordering::Relaxed);
    }
    Ok(())
}

async fn take(proxy: MirrorProxy, count: u64, taken: Arc<AtomicU64>) -> Result<(), String> {
    let items = proxy.blobs(count, ITEM_BYTES as u64).send().await;
    let mut items = items.map_err(|why| why.to_string())?;
    let mut number = 0;
    while let Some(item) = items.next().await {
        let item = item.map_err(|why| why.to_string())?;
        check_stamp(&item, ITEM_BYTES, number)?;
        number += 1;
        taken.store(number, Ordering::Relaxed);
    }
    match number == count {
        true => Ok(()),
        false => Err(format!("{number} items came of {count}")),
    }
}

#[inline(always)]
fn passes(runtime: &Runtime, passes: u32) {
    runtime.block_on(async {
        for _ in 0..passes {
            yield_now().await;
        }
    });
}

/// A turn of the caller, counted by this function's name.
#[inline(never)]
pub fn callers_turn(runtime: &Runtime, times: u32) {
    passes(runtime, black_box(times));
}

/// The answerer's turn.
#[inline(never)]
pub fn answerers_turn(runtime: &Runtime, times: u32) {
    passes(runtime, times);
    black_box(times);
}

/// A turn that is not counted.
#[inline(never)]
pub fn others_turn(runtime: &Runtime, times: u32) {
    black_box(runtime);
    passes(runtime, times);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// T1
    #[test]
    fn every_answer_is_there_in_its_turn() {
        let turns = Turns::set_up().unwrap();
        for inflight in [1, 4, 64] {
            let rounds = turns.rounds(20, inflight, callers_turn, answerers_turn);
            rounds.unwrap();
        }
        turns.idle(2, callers_turn, answerers_turn);
    }

    /// T1
    #[test]
    fn a_stream_takes_the_same_turns_each_time() {
        let turns = Turns::set_up().unwrap();
        let stream = || turns.stream(256, callers_turn, answerers_turn).unwrap();
        stream();
        assert_eq!(stream(), stream());
    }
}
