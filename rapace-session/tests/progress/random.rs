//! Long random sequences of actions, with more flows and other sizes.

use super::action::Action;
use super::payload::Shape;
use super::run::Runner;
use super::slots::Sizes;
use super::world::{ByteRange, FlowKind, Setup, Windows, World};

/// A xorshift generator.
struct Random(u64);

impl Random {
    fn new(seed: u64) -> Self {
        Self((seed + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % end
    }

    fn between(&mut self, least: usize, most: usize) -> usize {
        least + self.below(most - least + 1)
    }

    fn setup(&mut self) -> Setup {
        let classes = [64, 256, 1024].map(|size| (size, self.between(1, 2)));
        let sizes = Sizes {
            classes: classes.to_vec(),
            // A control frame fits in one.
            fragment_size: self.between(30, 100),
            fragment_slots: self.between(1, 3),
            ring: self.between(8, 24),
            call_table: 64,
        };
        let windows = Windows {
            stream_items: self.between(1, 6) as u32,
            stream_bytes: self.range(),
            requests: self.between(1, 6) as u32,
            request_bytes: self.range(),
            // At least the largest payload and its largest buffer.
            fragment_bytes: self.between(1280, 3000) as u32,
            budget: self.below(3000) as u64,
        };
        let flows = (0..self.between(2, 6)).map(|_| self.kind()).collect();
        Setup {
            sizes,
            windows,
            flows,
        }
    }

    fn range(&mut self) -> ByteRange {
        let most = self.between(1, 1500);
        let first = self.between(1, most);
        let (first, most) = (first as u32, most as u32);
        ByteRange { first, most }
    }

    fn kind(&mut self) -> FlowKind {
        let from = self.below(2);
        match self.below(4) {
            0 => FlowKind::Upload { from },
            1 => FlowKind::Download { from },
            _ => FlowKind::Requests { from },
        }
    }

    fn shape(&mut self) -> Shape {
        let len = match self.below(4) {
            0 => self.below(22),
            1 => self.below(60),
            2 => self.between(40, 250),
            _ => self.between(200, 1000),
        };
        match self.below(3) {
            0 => Shape::Blob(len),
            _ => Shape::Bytes(len),
        }
    }

    fn action(&mut self, flows: usize, stalls: bool) -> Action {
        let (flow, shape, keep) = (self.below(flows), self.shape(), self.below(3) > 0);
        let (side, turns) = (self.below(2), self.below(60));
        match self.below(100) {
            0..2 => Action::Open { side },
            2..36 => Action::Offer { flow, shape },
            36..46 => Action::GiveUp { flow, shape, turns },
            46..48 if stalls => Action::Stall { flow, shape, turns },
            46..51 => Action::Cancel { flow },
            51..72 => Action::Take { flow, keep },
            72..84 => Action::Answer { flow, shape },
            84..90 => Action::Forget,
            90..91 => Action::Leave { flow },
            91..94 => Action::Pause { side },
            _ => Action::Resume { side },
        }
    }
}

/// Returns how many fragments were read.
fn check(runner: &Runner, seed: u64) -> u64 {
    let mut random = Random::new(seed);
    let setup = random.setup();
    let stalls = random.below(3) == 0;
    let flows = setup.flows.len();
    let length = random.between(MOST / 4, MOST);
    let actions: Vec<_> = (0..length).map(|_| random.action(flows, stalls)).collect();
    let (keep, reply) = (random.below(4) > 0, random.shape());
    let mut fragments = 0;
    // Each flow in turn, from the same state.
    for flow in 0..flows {
        let state = async |mut world: World| {
            let done = world.is_complete(flow);
            if !done {
                world.read_on(flow, keep, reply).await;
            }
            fragments += world.fragments();
            world.finish().await;
        };
        runner.run(&setup, &actions, state);
    }
    fragments
}

/// `RAPACE_PROGRESS_SEEDS` sets the number of seeds, `RAPACE_PROGRESS_SEED` runs a single one.
#[test]
fn every_receiver_that_reads_on_gets_its_next_payload() {
    let set = |name: &str| std::env::var(name).ok().and_then(|it| it.parse().ok());
    let runner = Runner::new();
    if let Some(seed) = set("RAPACE_PROGRESS_SEED") {
        check(&runner, seed);
        return;
    }
    let seeds = set("RAPACE_PROGRESS_SEEDS").unwrap_or(150);
    let mut fragments = 0;
    for seed in 0..seeds {
        let caught =
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| check(&runner, seed)));
        fragments += caught.unwrap_or_else(|why| {
            eprintln!("seed {seed}");
            std::panic::resume_unwind(why)
        });
    }
    println!("{fragments} fragments");
    assert!(fragments > 30 * seeds, "{fragments}: slots are not scarce");
}

/// Most actions of a sequence.
const MOST: usize = 120;
