//! Carries out the steps of a program, in a task of the host or in a handler.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use facet::Facet;
use futures_util::future::{BoxFuture, try_join_all};
use futures_util::{StreamExt, stream};
use rapace::{StreamError, Streaming};

use super::content::{Content, Shape};
use super::failure::{Failure, WRONG};
use super::links::{Links, NodeProxy};
use super::node::{PLANNED, Report, cut_after};
use super::plan::{CallPlan, FOR_EVER, Keep, Order, RESENT, Reading, Sent, Step, Turn};

/// Who carries out steps, and what is kept for them.
pub(crate) struct Runner {
    links: Links,
    /// The step of the outermost list that was begun last.
    at: AtomicU64,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    tally: Tally,
    failures: Vec<Failure>,
    /// Steps begun.
    steps: u64,
    kept: Vec<Kept>,
    /// The last turn of each sender.
    turns: HashMap<u64, u64>,
}

/// What is kept until this step begins.
struct Kept {
    until: u64,
    what: What,
}

enum What {
    Value(Shape, Content),
    /// A reply.
    Reply(Order, Content),
    Stream(#[expect(dead_code, reason = "it is only held")] Streaming<Content>),
}

/// What was done.
#[derive(Clone, Copy, Debug, Default, Facet)]
pub(crate) struct Tally {
    pub(crate) calls: u64,
    pub(crate) tells: u64,
    /// Tells that were handled.
    pub(crate) told: u64,
    /// Items of streams that were received.
    pub(crate) items: u64,
    /// Bytes of values that were received.
    pub(crate) bytes: u64,
}

impl Tally {
    pub(crate) fn add(&mut self, other: Self) {
        self.calls += other.calls;
        self.tells += other.tells;
        self.told += other.told;
        self.items += other.items;
        self.bytes += other.bytes;
    }
}

type Done = Result<(), Failure>;

impl Runner {
    pub(crate) fn new(links: Links) -> Self {
        Self {
            links,
            at: AtomicU64::new(0),
            state: Mutex::default(),
        }
    }

    /// The number of the step of the outermost list that was begun last, from 1.
    pub(crate) fn at(&self) -> u64 {
        self.at.load(Ordering::Relaxed)
    }

    /// Does the outermost steps: those after one that failed, too.
    pub(crate) async fn run_all(&self, steps: &[Step], found: impl Fn(Failure)) {
        let turns = Turns::new();
        for step in steps {
            self.at.fetch_add(1, Ordering::Relaxed);
            if let Err(failure) = self.step(step, &turns).await {
                found(failure);
            }
        }
    }

    /// Does these steps, one after the other, up to one that fails.
    pub(crate) fn run<'a>(&'a self, steps: &'a [Step]) -> BoxFuture<'a, Done> {
        Box::pin(async move {
            let turns = Turns::new();
            for step in steps {
                self.step(step, &turns).await?;
            }
            Ok(())
        })
    }

    async fn step(&self, step: &Step, turns: &Turns) -> Done {
        self.begin_step();
        match step {
            Step::Call {
                to,
                order,
                sent,
                keep,
                how,
            } => {
                let node = self.links.to(*to)?;
                let mut order = order.clone();
                let request = self.request(node, &mut order.request, *sent).await?;
                let calls = (0..how.times.max(1)).map(|nth| {
                    // Calls at once have no order.
                    let turn = if nth == 0 {
                        turns.next()
                    } else {
                        Turns::new().next()
                    };
                    self.call(node, order.clone(), turn, request.clone(), *how, *keep)
                });
                let calls = try_join_all(calls.collect::<Vec<_>>());
                drop(request);
                calls.await.map(drop)
            }
            Step::Tell {
                to,
                order,
                sent,
                at_once,
            } => {
                let node = self.links.to(*to)?;
                let mut order = order.clone();
                let request = self.request(node, &mut order.request, *sent).await?;
                node.tell(order, turns.next(), request, *at_once).await?;
                self.state().tally.tells += 1;
                Ok(())
            }
            Step::Upload { to, items, order } => {
                let node = self.links.to(*to)?;
                let taken = node
                    .upload(
                        items.clone(),
                        order.clone(),
                        produce(node, items, order.cut),
                    )
                    .await?;
                let there = order.cut.unwrap_or(u32::MAX).min(order.take);
                let expected = items.len().min(there as usize) as u64;
                if taken != expected {
                    let why = format!("{taken} items of a stream were taken instead of {expected}");
                    return Err(Failure::Wrong(why));
                }
                Ok(())
            }
            Step::Download { to, items, read } => {
                let stream = self
                    .links
                    .to(*to)?
                    .download(items.clone(), read.cut)
                    .await?;
                self.read(items, read, stream).await.map(drop)
            }
            Step::Exchange {
                to,
                items,
                back,
                read,
            } => {
                let node = self.links.to(*to)?;
                let sent = produce(node, items, None);
                let stream = node.exchange(items.clone(), back.clone(), sent).await?;
                self.read(back, read, stream).await.map(drop)
            }
            Step::Allocate { to, shape, keep } => {
                let node = self.links.to(*to)?;
                let content = make(node, shape, Sent::Allocated).await?;
                self.keep(*keep, shape.clone(), content);
                Ok(())
            }
            Step::GivenUp { after, steps } => {
                let steps = tokio::time::timeout(micros_of(*after), self.run(steps));
                steps.await.unwrap_or(Ok(()))
            }
            Step::Pause(micros) => {
                tokio::time::sleep(micros_of(*micros)).await;
                Ok(())
            }
            Step::Together(lists) => {
                let lists = lists.iter().map(|list| self.run(list));
                try_join_all(lists).await.map(drop)
            }
        }
    }

    /// Makes a request, or takes one that is kept and changes `shape` to what it is.
    async fn request(
        &self,
        node: &NodeProxy,
        shape: &mut Shape,
        sent: Sent,
    ) -> Result<Content, Failure> {
        if sent == Sent::Kept
            && let Some((kept, content)) = self.state().last_value()
        {
            *shape = kept;
            return Ok(content);
        }
        make(node, shape, sent).await
    }

    async fn call(
        &self,
        node: &NodeProxy,
        order: Order,
        turn: Turn,
        request: Content,
        how: CallPlan,
        keep: Keep,
    ) -> Done {
        let reply = match how.idempotent {
            true => node.work_again(order.clone(), request).await?,
            false => {
                let timeout = how.deadline.map(micros_of);
                node.work(order.clone(), turn, request, timeout).await?
            }
        };
        order.check_reply(&reply)?;
        let mut state = self.state();
        state.tally.calls += 1;
        state.tally.bytes += reply.len();
        state.keep(keep, What::Reply(order, reply));
        Ok(())
    }

    /// Reads a stream of items of these shapes; returns how many were taken.
    pub(crate) async fn read(
        &self,
        shapes: &[Shape],
        order: &Reading,
        mut items: Streaming<Content>,
    ) -> Result<u64, Failure> {
        self.run(&order.before).await?;
        let take = shapes.len().min(order.take as usize);
        for (nth, shape) in shapes[..take].iter().enumerate() {
            let Some(item) = items.next().await else {
                let why = format!("a stream ended after {nth} of {} items", shapes.len());
                return Err(Failure::Wrong(why));
            };
            if order.cut == Some(nth as u32) {
                return match item {
                    Err(StreamError::Reset(why)) if why.contains(PLANNED) => Ok(nth as u64),
                    Err(error) => Err(error.into()),
                    Ok(_) => Err(Failure::Wrong(format!(
                        "a stream that was cut after {nth} items has more"
                    ))),
                };
            }
            let item = item?;
            shape.check(&item)?;
            let mut state = self.state();
            state.tally.items += 1;
            state.tally.bytes += shape.len();
            drop(state);
            self.keep(order.keep, shape.clone(), item);
        }
        if order.take as usize > shapes.len()
            && let Some(more) = items.next().await
        {
            more?;
            return Err(Failure::Wrong("a stream has an item too many".to_owned()));
        }
        self.state().keep(order.hold, What::Stream(items));
        Ok(take as u64)
    }

    /// Keeps a value for so many steps, and checks it again when it is dropped.
    pub(crate) fn keep(&self, keep: Keep, shape: Shape, content: Content) {
        self.state().keep(keep, What::Value(shape, content));
    }

    fn begin_step(&self) {
        let mut state = self.state();
        state.steps += 1;
        let now = state.steps;
        state.drop_until(now);
    }

    /// Checks that what a sender sent one after the other arrives in this order.
    pub(crate) fn check_turn(&self, turn: Turn) {
        let mut state = self.state();
        if let Some(last) = state.turns.insert(turn.sender, turn.nth)
            && last >= turn.nth
        {
            let why = format!(
                "message {} of a task arrived after its message {last}",
                turn.nth
            );
            state.failures.push(Failure::Wrong(why));
        }
    }

    /// A tell was handled.
    pub(crate) fn told(&self, failure: Option<&Failure>) {
        let mut state = self.state();
        state.tally.told += 1;
        state.failures.extend(failure.cloned());
    }

    /// Drops everything that is kept, and reports.
    pub(crate) fn finish(&self) -> Report {
        let mut state = self.state();
        state.drop_until(u64::MAX);
        let state = std::mem::take(&mut *state);
        Report {
            tally: state.tally,
            failures: state.failures,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn keep(&mut self, keep: Keep, what: What) {
        let until = match keep {
            0 => return,
            FOR_EVER => u64::MAX,
            keep => self.steps + u64::from(keep),
        };
        self.kept.push(Kept { until, what });
    }

    /// The value that was kept last, if it may be sent again.
    fn last_value(&self) -> Option<(Shape, Content)> {
        let mut values = self.kept.iter().rev().filter_map(|kept| match &kept.what {
            What::Value(shape, content) => Some((shape, content)),
            What::Reply(order, reply) => Some((order.whole_reply()?, reply)),
            What::Stream(_) => None,
        });
        let (shape, content) = values.find(|(shape, _)| shape.len() <= RESENT)?;
        Some((shape.clone(), content.clone()))
    }

    fn drop_until(&mut self, now: u64) {
        for kept in self.kept.extract_if(.., |kept| kept.until <= now) {
            let checked = match &kept.what {
                What::Value(shape, content) => shape.check(content),
                What::Reply(order, reply) => order.check_reply(reply),
                What::Stream(_) => Ok(()),
            };
            if let Err(why) = checked {
                let why = format!("it changed while it was kept: {why}");
                self.failures.push(Failure::Wrong(why));
            }
        }
    }
}

/// Numbers what is sent one after the other.
struct Turns {
    sender: u64,
    next: AtomicU64,
}

impl Turns {
    fn new() -> Self {
        Self {
            // A number that no other process has.
            sender: RandomState::new().hash_one(0),
            next: AtomicU64::new(0),
        }
    }

    fn next(&self) -> Turn {
        Turn {
            sender: self.sender,
            nth: self.next.fetch_add(1, Ordering::Relaxed),
        }
    }
}

fn micros_of(micros: u32) -> Duration {
    Duration::from_micros(micros.into())
}

/// Makes a value for a call.
async fn make(node: &NodeProxy, shape: &Shape, sent: Sent) -> Result<Content, Failure> {
    match sent {
        Sent::Allocated => Ok(shape.allocated(|len| node.allocate(len)).await?),
        Sent::OnHeap | Sent::Kept => Ok(shape.on_heap()),
    }
}

/// A stream for a call. Every other item lies in allocated buffers.
fn produce(node: &NodeProxy, shapes: &[Shape], cut: Option<u32>) -> Streaming<Content> {
    let node = node.clone();
    let items = stream::iter(shapes.to_vec()).then(move |shape| {
        let node = node.clone();
        async move {
            let sent = match shape.seed.is_multiple_of(2) {
                true => Sent::OnHeap,
                false => Sent::Allocated,
            };
            let made = make(&node, &shape, sent).await;
            made.map_err(|failure| StreamError::Reset(format!("{WRONG}{failure}")))
        }
    });
    cut_after(cut, items)
}
