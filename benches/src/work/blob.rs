//! Round trips of buffers: a ready one that nobody touches, or one that both sides write and sum.

use std::time::{Duration, Instant};

use rapace::Blob;
use rapace_measure::payload::{check, payload};
use rapace_measure::subject::Work;
use rapace_measure::tasks::{Operation, round};
use rapace_measure::{Request, Round, Setting, touch};

use super::stage::Stage;
use crate::mirror::MirrorProxy;

/// A plugin that echoes buffers.
pub(super) struct Blobs {
    stage: Stage,
    touch: bool,
}

impl Blobs {
    pub(super) async fn set_up(setting: Setting) -> Result<Self, String> {
        let stage = Stage::set_up(setting).await?;
        let touch = setting.touch;
        Ok(Self { stage, touch })
    }
}

impl Work for Blobs {
    async fn round(&mut self, request: &Request) -> Result<Round, String> {
        let proxy = &self.stage.proxy;
        if self.touch {
            let touching = (0..request.inflight).map(|_| Touching {
                proxy: proxy.clone(),
                size: request.bytes,
            });
            return round(request, &self.stage.watched, touching.collect()).await;
        }
        let mut sending = Vec::new();
        for _ in 0..request.inflight {
            let blob = proxy.allocate(request.bytes).await;
            let mut blob = blob.map_err(|why| why.to_string())?;
            blob.copy_from_slice(&payload(request.bytes));
            sending.push(Sending {
                proxy: proxy.clone(),
                blob: blob.freeze(),
            });
        }
        round(request, &self.stage.watched, sending).await
    }
}

/// The buffer is written once, and sent again and again. One reply in 1024 is checked in full, outside the
/// clock.
struct Sending {
    proxy: MirrorProxy,
    blob: Blob,
}

impl Operation for Sending {
    async fn run(&mut self, number: u64) -> Result<Duration, String> {
        let start = Instant::now();
        let back = self.proxy.blob_back(self.blob.clone()).send().await;
        let took = start.elapsed();
        let back = back.map_err(|why| why.to_string())?;
        if back.len() != self.blob.len() {
            return Err(format!(
                "{} bytes came back of {}",
                back.len(),
                self.blob.len()
            ));
        }
        if number.is_multiple_of(1024) {
            // The payload's own first bytes are those of a stamp.
            let mut stamp = [0; 8];
            let len = back.len().min(8);
            stamp[..len].copy_from_slice(&self.blob[..len]);
            check(&back, self.blob.len(), u64::from_le_bytes(stamp))?;
        }
        Ok(took)
    }
}

/// Everything is within the clock: the buffer, its bytes, their sum, and the same on the other side.
struct Touching {
    proxy: MirrorProxy,
    size: usize,
}

impl Operation for Touching {
    async fn run(&mut self, number: u64) -> Result<Duration, String> {
        let start = Instant::now();
        let blob = self.proxy.allocate(self.size).await;
        let mut blob = blob.map_err(|why| why.to_string())?;
        touch::ask(&mut blob, number);
        let call = self.proxy.touch(blob.freeze());
        let back = call.send().await.map_err(|why| why.to_string())?;
        touch::check(&back, self.size, number)?;
        Ok(start.elapsed())
    }
}
