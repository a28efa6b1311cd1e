//! Items from the plugin, as fast as they are taken. `inflight` streams are open at once.

use std::time::{Duration, Instant};

use futures_util::StreamExt;
use rapace_measure::payload::{check, check_stamp};
use rapace_measure::subject::Work;
use rapace_measure::tasks::{Operation, round};
use rapace_measure::{Request, Round, Setting};

use super::stage::Stage;
use crate::mirror::MirrorProxy;

/// Items of one stream. An item's time is the mean over one stream, from the call that opens it to
/// its end.
pub(super) const ITEMS: u64 = 1024;

/// A plugin that streams.
pub(super) struct Streams(Stage);

impl Streams {
    pub(super) async fn set_up(setting: Setting) -> Result<Self, String> {
        Ok(Self(Stage::set_up(setting).await?))
    }
}

impl Work for Streams {
    async fn round(&mut self, request: &Request) -> Result<Round, String> {
        let taking = (0..request.inflight).map(|_| Taking {
            proxy: self.0.proxy.clone(),
            size: request.bytes,
        });
        round(request, &self.0.watched, taking.collect()).await
    }
}

struct Taking {
    proxy: MirrorProxy,
    size: usize,
}

impl Operation for Taking {
    fn batch(&self) -> u64 {
        ITEMS
    }

    async fn run(&mut self, _: u64) -> Result<Duration, String> {
        let start = Instant::now();
        let items = self.proxy.items(ITEMS, self.size as u64).send().await;
        let mut items = items.map_err(|why| why.to_string())?;
        let mut number = 0;
        while let Some(item) = items.next().await {
            let item = item.map_err(|why| why.to_string())?;
            if number == 0 {
                check(&item, self.size, number)?;
            } else {
                check_stamp(&item, self.size, number)?;
            }
            number += 1;
        }
        let took = start.elapsed();
        if number != ITEMS {
            return Err(format!("{number} items came of {ITEMS}"));
        }
        Ok(took)
    }
}
