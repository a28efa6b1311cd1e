//! Buffers from the plugin, as fast as they are received. `inflight` streams are open at once.
//!
//! - B1: the plugin copies ready bytes into each buffer, in the slot from which it is sent: the same work as
//!   the floor's, and nothing else proportional to the length. If touched, each byte is also read here.
//! - B2: a stream uses no more slots than its window, and one per side for the buffer that the side holds.
//!   Returned small ones are not collected each time, so a few more of these are used. The smallest are copied
//!   out on arrival, and use no slot that could be counted.
//! - B3: neither process ever uses more memory than that and some slack.

use std::time::{Duration, Instant};

use futures_util::StreamExt;
use rapace_measure::payload::{check, check_stamp, payload};
use rapace_measure::resident::Peak;
use rapace_measure::subject::Work;
use rapace_measure::tasks::{Operation, round};
use rapace_measure::{Request, Round, Setting, Watched, touch};

use super::stage::Stage;
use super::stream::ITEMS;
use crate::mirror::MirrorProxy;

/// Buffers that a stream may have in flight: the window that rapace grants.
const WINDOW: usize = 32;

/// Buffers that the sides hold: one that is being written, and one that is being read.
const IN_HANDS: usize = 2;

/// Slots below that size are collected when this many are in use.
const SMALL: (usize, usize) = (16 << 10, 8);

/// Buffers of no more bytes are copied out.
const COPIED: usize = 1 << 10;

/// Further memory that a process may need: tasks, and pages of code that run for the first time.
const SLACK: usize = 2 << 20;

/// Bytes of an item that are its number.
const STAMP: usize = 8;

/// A plugin that streams buffers.
pub(super) struct Blobs {
    stage: Stage,
    touch: bool,
    /// The peak memory of both sides before the first stream (B3).
    peaks: Vec<Peak>,
}

impl Blobs {
    pub(super) async fn set_up(setting: Setting) -> Result<Self, String> {
        let stage = Stage::set_up(setting).await?;
        let touch = setting.touch;
        // Small buffers: from here on, the code that they use is in memory.
        let mut first = Taking::new(&stage.proxy, 64, 1, touch);
        first.run(0).await?;
        let mut peaks = vec![Peak::of(std::process::id())?];
        if let Watched::Partners(pids) = &stage.watched {
            for pid in pids {
                peaks.push(Peak::of(*pid)?);
            }
        }
        Ok(Self {
            stage,
            touch,
            peaks,
        })
    }
}

impl Work for Blobs {
    async fn round(&mut self, request: &Request) -> Result<Round, String> {
        let streams = request.inflight;
        let taking = (0..streams)
            .map(|_| Taking::new(&self.stage.proxy, request.bytes, streams, self.touch))
            .collect();
        let round = round(request, &self.stage.watched, taking).await?;
        let most = slots(streams, request.bytes) * request.bytes.next_power_of_two() + SLACK;
        for peak in &self.peaks {
            peak.grew_by_at_most(most)?;
        }
        Ok(round)
    }
}

/// The number of slots that a stream may use at once (B2).
fn slots(streams: usize, bytes: usize) -> usize {
    let (small, uncollected) = SMALL;
    let uncollected = if bytes < small { uncollected } else { 0 };
    streams * (WINDOW + IN_HANDS) + uncollected
}

struct Taking {
    proxy: MirrorProxy,
    size: usize,
    touch: bool,
    /// The most slots that may be used.
    slots: usize,
    /// The addresses of this stream's items.
    places: Vec<usize>,
    /// The sum of an item but for its number.
    sum: u64,
}

impl Taking {
    fn new(proxy: &MirrorProxy, size: usize, streams: usize, touch: bool) -> Self {
        Self {
            proxy: proxy.clone(),
            size,
            touch,
            slots: slots(streams, size),
            places: Vec::with_capacity(ITEMS as usize),
            sum: touch::sum(payload(size).get(STAMP..).unwrap_or_default()),
        }
    }

    /// B1. The number lies in the first word.
    fn look(&self, item: &[u8], number: u64) -> Result<(), String> {
        if number == 0 {
            return check(item, self.size, number);
        }
        check_stamp(item, self.size, number)?;
        if self.touch && touch::sum(item) != self.sum.wrapping_add(number) {
            return Err(format!("item {number} has other bytes"));
        }
        Ok(())
    }
}

impl Operation for Taking {
    fn batch(&self) -> u64 {
        ITEMS
    }

    async fn run(&mut self, _: u64) -> Result<Duration, String> {
        self.places.clear();
        let start = Instant::now();
        let items = self.proxy.blobs(ITEMS, self.size as u64).send().await;
        let mut items = items.map_err(|why| why.to_string())?;
        let mut number = 0;
        while let Some(item) = items.next().await {
            let item = item.map_err(|why| why.to_string())?;
            self.look(&item, number)?;
            self.places.push(item.as_ptr() as usize);
            number += 1;
        }
        let took = start.elapsed();
        if number != ITEMS {
            return Err(format!("{number} items came of {ITEMS}"));
        }
        if self.size > COPIED {
            within(&mut self.places, self.slots)?;
        }
        Ok(took)
    }
}

/// B2.
fn within(places: &mut Vec<usize>, most: usize) -> Result<(), String> {
    places.sort_unstable();
    places.dedup();
    match places.len() {
        slots if slots <= most => Ok(()),
        slots => Err(format!(
            "a stream used {slots} slots, where its window and hands are {most}"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_slots_as_the_window_and_the_hands_pass_and_no_more() {
        for (bytes, most) in [(64 << 10, 34), (4000, 42)] {
            assert_eq!(slots(1, bytes), most);
            let mut places = (0..1024).map(|item| item % most).collect();
            within(&mut places, most).unwrap();
            let mut places = (0..1024).map(|item| item % (most + 1)).collect();
            assert!(within(&mut places, most).is_err());
        }
    }
}
