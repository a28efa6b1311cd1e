//! Work that many tokio tasks do at once.
//!
//! - T1: every operation runs in a spawned task. A current-thread runtime polls for events once more for each
//!   wake-up of the future that it blocks on, which is not part of the measured cost.
//! - T2: only the operation is timed; the payload is made before and checked after.

use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use crate::meter::{Meter, Watched};
use crate::payload::{check, check_stamp, payload, stamp};
use crate::request::{Request, Share};
use crate::round::{Round, Times};
use crate::setting::Setting;
use crate::touch;

/// An operation that is repeated.
pub trait Operation: Send + 'static {
    /// How many operations are done together, and timed as one.
    fn batch(&self) -> u64 {
        1
    }

    /// Runs the operation once, checks its result and returns its time; `number` counts from 0.
    fn run(&mut self, number: u64) -> impl Future<Output = Result<Duration, String>> + Send;
}

/// The side of a call that sends bytes and gets them back.
pub trait Echo: Send + 'static {
    /// Sends, and waits for the answer.
    fn echo(&mut self, payload: Vec<u8>) -> impl Future<Output = Result<Vec<u8>, String>> + Send;
}

/// Runs a round of these operations, each in a task of its own.
///
/// # Errors
/// The first of the work's own.
pub async fn round<O: Operation>(
    request: &Request,
    watched: &Watched,
    operations: Vec<O>,
) -> Result<Round, String> {
    let meter = Meter::begin(request, watched)?;
    let times = all(request, operations).await?;
    meter.end(times)
}

/// A round of calls that echo their payload, or return its answer if payloads are touched,
/// `request.inflight` at once, each by a client of its own.
///
/// # Errors
/// The first of the work's own.
pub async fn echoes<E: Echo>(
    request: &Request,
    setting: Setting,
    watched: &Watched,
    client: impl FnMut(usize) -> E,
) -> Result<Round, String> {
    let clients = (0..request.inflight).map(client);
    if setting.touch {
        let calls = clients.map(|client| TouchCall {
            client,
            payload: vec![0; request.bytes],
        });
        return round(request, watched, calls.collect()).await;
    }
    let calls = clients.map(|client| EchoCall {
        client,
        size: request.bytes,
        payload: payload(request.bytes),
    });
    round(request, watched, calls.collect()).await
}

/// Runs a [`round`] without the meter.
///
/// # Errors
/// The first of the work's own.
pub async fn all<O: Operation>(request: &Request, operations: Vec<O>) -> Result<Times, String> {
    let share = request.share(operations.len());
    let mut tasks = JoinSet::new();
    for operation in operations {
        tasks.spawn(one(operation, share));
    }
    let mut times = Times::default();
    while let Some(done) = tasks.join_next().await {
        times.merge(done.map_err(|why| why.to_string())??);
    }
    Ok(times)
}

async fn one<O: Operation>(mut operation: O, mut share: Share) -> Result<Times, String> {
    let mut times = Times::of_batches(operation.batch());
    let mut now = Instant::now();
    for number in 0.. {
        let took = operation.run(number).await?;
        times.record(took);
        // The time outside the clock is short, and is checked now and then.
        now = match number.is_multiple_of(16) {
            true => Instant::now(),
            false => now + took,
        };
        if !share.goes_on(now) {
            break;
        }
    }
    Ok(times)
}

/// Each answer is the next request. The length and number of each answer are checked, and every
/// byte of the first and of one in 1024.
struct EchoCall<E> {
    client: E,
    size: usize,
    payload: Vec<u8>,
}

impl<E: Echo> Operation for EchoCall<E> {
    async fn run(&mut self, number: u64) -> Result<Duration, String> {
        let mut payload = std::mem::take(&mut self.payload);
        stamp(&mut payload, number);
        let start = Instant::now();
        let back = self.client.echo(payload).await?;
        let took = start.elapsed();
        if number.is_multiple_of(1024) {
            check(&back, self.size, number)?;
        } else {
            check_stamp(&back, self.size, number)?;
        }
        self.payload = back;
        Ok(took)
    }
}

/// Everything is within the clock: every byte that is sent and every byte of the reply.
struct TouchCall<E> {
    client: E,
    payload: Vec<u8>,
}

impl<E: Echo> Operation for TouchCall<E> {
    async fn run(&mut self, number: u64) -> Result<Duration, String> {
        let mut payload = std::mem::take(&mut self.payload);
        let size = payload.len();
        let start = Instant::now();
        touch::ask(&mut payload, number);
        let back = self.client.echo(payload).await?;
        touch::check(&back, size, number)?;
        let took = start.elapsed();
        self.payload = back;
        Ok(took)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Echoes its payload, except in the one operation that must give a wrong answer.
    struct Mirror {
        setting: Setting,
        wrong: u64,
        calls: u64,
    }

    impl Echo for Mirror {
        async fn echo(&mut self, payload: Vec<u8>) -> Result<Vec<u8>, String> {
            let mut payload = self.setting.answer(payload);
            if self.calls == self.wrong {
                payload[3] ^= 1;
            }
            self.calls += 1;
            Ok(payload)
        }
    }

    fn echo(wrong: u64, touch: bool) -> Result<Round, String> {
        let setting = Setting {
            touch,
            ..Setting::default()
        };
        let runtime = crate::Runtime::CurrentThread.build().unwrap();
        let request = "100 3 count 30".parse().unwrap();
        let watched = Watched::Partners(Vec::new());
        let mirror = |_| Mirror {
            setting,
            wrong,
            calls: 0,
        };
        runtime.block_on(echoes(&request, setting, &watched, mirror))
    }

    #[test]
    fn a_count_is_done_to_the_end() {
        assert_eq!(echo(u64::MAX, false).unwrap().ops, 30);
        assert_eq!(echo(u64::MAX, true).unwrap().ops, 30);
    }

    #[test]
    fn one_wrong_byte_fails_the_round() {
        let why = echo(9, false).unwrap_err();
        assert!(why.contains("operation 9"), "{why}");
        let why = echo(9, true).unwrap_err();
        assert!(why.contains("call 9"), "{why}");
    }
}
