//! Everybody who takes part, and how each kind of work is done.
//!
//! - S1: every answer is checked against what was asked.
//! - S2: what is timed is the call: payloads are made before.

use std::error::Error;
use std::hint::black_box;
use std::time::{Duration, Instant};

use kameo::actor::ActorRef;
use rapace::{Blob, Plugin};
use rapace_benches::doorbells::Answerer;
use rapace_benches::local::{self, EchoBytes, LocalEcho};
use rapace_benches::mirror::{self, MirrorProxy};
use rapace_benches::sample::{Sample, repeat};
use tokio::task::JoinSet;

use super::options::{Options, Role};
use super::rows::Row;

type Failed = Box<dyn Error>;

/// Calls under way at once, in the rows that pipeline.
const IN_FLIGHT: usize = 64;

/// Calls that each of them makes in a batch.
const CALLS_EACH: usize = 16;

/// Everybody who takes part.
pub(crate) struct Stage {
    answerer: Answerer,
    local: ActorRef<LocalEcho>,
    plugin: Plugin,
    proxy: MirrorProxy,
}

impl Stage {
    pub(crate) async fn set(options: &Options) -> Result<Self, Failed> {
        let plugin = mirror::start(&options.for_child(Role::Plugin)).await?;
        Ok(Self {
            answerer: Answerer::start(&options.for_child(Role::Answerer))?,
            local: local::spawn(),
            proxy: plugin.proxy(),
            plugin,
        })
    }

    /// Stops the plugin; gives how often the doorbell was rung, and for how many descriptors.
    pub(crate) async fn leave(self) -> (u64, u64) {
        let stats = self.plugin.link_stats().unwrap_or_default();
        self.plugin.stop().await;
        (stats.rings, stats.descriptors_sent)
    }

    pub(crate) async fn measure(&self, row: Row, time: Duration) -> Result<Sample, Failed> {
        match row {
            Row::Doorbells => {
                repeat(time, async |_| {
                    let start = Instant::now();
                    self.answerer.round_trip().await?;
                    Ok(start.elapsed())
                })
                .await
            }
            Row::Memcpy(size) => memcpy(size, time).await,
            Row::Local(size) => {
                repeat(time, async |n| {
                    let payload = payload(size, n);
                    let start = Instant::now();
                    let back = self.local.ask(EchoBytes(payload)).send().await?;
                    let took = start.elapsed();
                    check(&back, size, n)?;
                    Ok(took)
                })
                .await
            }
            Row::Bytes(size) => {
                repeat(time, async |n| {
                    let payload = payload(size, n);
                    let start = Instant::now();
                    let back = self.proxy.bytes_back(payload).send().await?;
                    let took = start.elapsed();
                    check(&back, size, n)?;
                    Ok(took)
                })
                .await
            }
            Row::Blob(size) => {
                repeat(time, async |n| {
                    let start = Instant::now();
                    let blob = self.blob(size, n).await;
                    let back = self.proxy.blob_back(blob).send().await?;
                    let took = start.elapsed();
                    check(&back, size, n)?;
                    Ok(took)
                })
                .await
            }
            Row::BlobThere(size) => {
                repeat(time, async |n| {
                    let start = Instant::now();
                    let blob = self.blob(size, n).await;
                    let (len, first, _) = self.proxy.look_at(blob).send().await?;
                    let took = start.elapsed();
                    if (len, first) != (size as u64, n as u8) {
                        return Err(format!("{len} bytes arrived of {size}").into());
                    }
                    Ok(took)
                })
                .await
            }
            Row::LocalPipelined => {
                let actor = self.local.clone();
                pipelined(time, move |n| {
                    let actor = actor.clone();
                    async move {
                        let asked = actor.ask(EchoBytes(payload(16, n))).send().await;
                        asked.map_err(|why| why.to_string())
                    }
                })
                .await
            }
            Row::Pipelined => {
                let proxy = self.proxy.clone();
                pipelined(time, move |n| {
                    let proxy = proxy.clone();
                    async move {
                        let asked = proxy.bytes_back(payload(16, n)).send().await;
                        asked.map_err(|why| why.to_string())
                    }
                })
                .await
            }
        }
    }

    /// A buffer of the session's with a number at its start. Its bytes are the producer's business.
    async fn blob(&self, size: usize, n: u64) -> Blob {
        let mut slot = self.proxy.allocate(size).await;
        slot[..8].copy_from_slice(&n.to_le_bytes());
        slot.freeze()
    }
}

async fn memcpy(size: usize, time: Duration) -> Result<Sample, Failed> {
    let from = payload(size, 1);
    let mut to = vec![0; size];
    // A batch takes long enough for the clock.
    let batch = ((1 << 16) / size).clamp(1, 1024) as u32;
    let sample = repeat(time, async |_| {
        let start = Instant::now();
        for _ in 0..batch {
            black_box(&mut to[..]).copy_from_slice(black_box(&from[..]));
        }
        Ok::<_, Failed>(start.elapsed())
    });
    let Sample { p50, p99, count } = sample.await?;
    check(&to, size, 1)?;
    Ok(Sample {
        p50: p50 / f64::from(batch),
        p99: p99 / f64::from(batch),
        count,
    })
}

/// The time of one call among many at once, batch after batch.
async fn pipelined<F>(
    time: Duration,
    call: impl Fn(u64) -> F + Clone + Send + 'static,
) -> Result<Sample, Failed>
where
    F: Future<Output = Result<Vec<u8>, String>> + Send + 'static,
{
    let sample = repeat(time, async |_| {
        let start = Instant::now();
        let mut callers = JoinSet::new();
        for caller in 0..IN_FLIGHT {
            let call = call.clone();
            callers.spawn(async move {
                for n in 0..CALLS_EACH {
                    let n = (caller * CALLS_EACH + n) as u64;
                    check(&call(n).await?, 16, n)?;
                }
                Ok::<_, String>(())
            });
        }
        while let Some(done) = callers.join_next().await {
            done??;
        }
        Ok::<_, Failed>(start.elapsed())
    });
    let Sample { p50, p99, count } = sample.await?;
    let calls = (IN_FLIGHT * CALLS_EACH) as f64;
    Ok(Sample {
        p50: p50 / calls,
        p99: p99 / calls,
        count: count * IN_FLIGHT * CALLS_EACH,
    })
}

/// `size` bytes that begin with a number.
fn payload(size: usize, n: u64) -> Vec<u8> {
    let mut bytes = vec![0x5a; size];
    bytes[..8].copy_from_slice(&n.to_le_bytes());
    bytes
}

/// S1.
fn check(back: &[u8], size: usize, n: u64) -> Result<(), String> {
    if back.len() == size && back.starts_with(&n.to_le_bytes()) {
        return Ok(());
    }
    Err(format!(
        "call {n} of {size} bytes came back as {} others",
        back.len()
    ))
}
