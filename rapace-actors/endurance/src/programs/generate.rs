//! Random plans.
//!
//! - GN1: the same seed gives the same plan.
//! - GN2: a program has a budget of bytes, of which a share may be kept, so that a program is short and
//!   its memory bounded.

use super::content::Shape;
use super::plan::{
    CallPlan, FOR_EVER, Keep, Order, PluginPlan, Program, Ranked, Reading, Reply, Sent, Setup,
    Slots, Step, Target,
};
use crate::random::Random;

impl Setup {
    pub(crate) fn generate(seed: u64) -> Self {
        let mut random = Random::new(seed, 0);
        let plugins = random.within(1..5);
        let plugins: Vec<_> = (0..plugins)
            .map(|_| PluginPlan::generate(&mut random))
            .collect();
        let shared_host = random.within(0..2) == 0;
        let count = plugins.len() as u8;
        let clients = if shared_host { 0..=0 } else { 1..=count };
        let of_host = clients.map(|client| (0, client));
        let all = of_host.chain((1..=count).map(|process| (process, 0)));
        let services = |(process, client)| {
            [0, 1].map(|service| Ranked {
                target: Target { process, service },
                client,
            })
        };
        let mut ranks: Vec<_> = all.flat_map(services).collect();
        for last in (1..ranks.len()).rev() {
            ranks.swap(last, random.within(0..last as u64 + 1) as usize);
        }
        Self {
            plugins,
            shared_host,
            cuts: random.within(0..3) == 0,
            host_capacity: random.within(1..65) as u32,
            ranks,
        }
    }
}

impl PluginPlan {
    fn generate(random: &mut Random) -> Self {
        let classes = (random.within(0..6) > 0).then(|| {
            let smallest = random.within(8..13);
            let largest = match random.within(0..8) {
                0 => 26,
                _ => random.within(16..23),
            };
            let mut classes = Vec::new();
            for power in smallest..largest {
                if random.within(0..3) == 0 {
                    classes.push(Slots::generate(power, random));
                }
            }
            classes.push(Slots::generate(largest, random));
            classes
        });
        Self {
            classes,
            ring: 1 << random.within(3..10),
            call_table: random.within(16..1025) as u32,
            capacity: match random.within(0..3) {
                0 => random.within(1..4) as u32,
                _ => random.within(1..65) as u32,
            },
            untrusted: random.within(0..4) == 0,
            spin: match random.within(0..3) {
                0 => random.within(1..100) as u32,
                _ => 0,
            },
            threads: random.within(0..2) == 0,
        }
    }
}

impl Slots {
    fn generate(power: u64, random: &mut Random) -> Self {
        let count = match random.within(0..6) {
            0..3 => 1,
            3 => 2,
            _ => random.within(1..12) as u32,
        };
        Self {
            size: 1 << power,
            count,
        }
    }
}

impl Program {
    /// The `nth` program of a seed.
    pub(crate) fn generate(setup: &Setup, seed: u64, nth: u64) -> Self {
        let mut random = Random::new(seed, 1 + nth);
        // A few programs fill the window of all fragments of a session.
        let (longest, bytes) = match random.within(0..32) {
            0 => (HUGE, 8 * HUGE),
            _ => (LONGEST, BYTES),
        };
        let mut maker = Maker {
            setup,
            longest: u64::from(setup.largest().saturating_sub(MARGIN)).min(longest),
            // GN2
            bytes: random.within(1..bytes),
            kept: random.within(1..KEPT),
            steps: random.within(4..STEPS),
            items: ITEMS,
            random,
        };
        // A few tasks with some steps, or many with few.
        let (tasks, most) = match maker.one_in(4) {
            true => (maker.random.within(6..25), 2),
            false => (maker.random.within(1..6), 6),
        };
        let tasks = (0..tasks).map(|_| maker.steps(Place::HOST, most, 0));
        let tasks = tasks.collect();
        Self { tasks }
    }
}

/// Makes the steps of one program.
struct Maker<'a> {
    setup: &'a Setup,
    random: Random,
    longest: u64,
    /// What may still be sent, and kept.
    bytes: u64,
    kept: u64,
    /// Steps and items of streams that may still be made: a call carries the steps of its handler.
    steps: u64,
    items: u64,
}

/// Who makes a step.
#[derive(Clone, Copy)]
struct Place {
    process: u8,
    /// Services from this rank on may be called.
    from: usize,
}

impl Place {
    /// A task of the host.
    const HOST: Self = Self {
        process: 0,
        from: 0,
    };
}

impl Maker<'_> {
    fn steps(&mut self, place: Place, most: u64, depth: u32) -> Vec<Step> {
        let count = self.random.within(0..most) + u64::from(depth == 0);
        (0..count).filter_map(|_| self.step(place, depth)).collect()
    }

    fn step(&mut self, place: Place, depth: u32) -> Option<Step> {
        let step = self.whole_step(place, depth)?;
        if !self.setup.cuts || !self.one_in(3) {
            return Some(step);
        }
        Some(Step::GivenUp {
            after: self.micros(),
            steps: vec![step],
        })
    }

    fn whole_step(&mut self, place: Place, depth: u32) -> Option<Step> {
        let (rank, to) = self.target(place)?;
        self.steps = self.steps.checked_sub(1)?;
        // The place of the handler.
        let there = Place {
            process: to.process,
            from: rank + 1,
        };
        Some(match self.random.within(0..20) {
            0..7 => Step::Call {
                to,
                order: self.order(there, depth),
                sent: self.sent(),
                keep: self.keep(),
                how: self.how(),
            },
            7..9 => Step::Tell {
                to,
                order: self.order(there, depth),
                sent: self.sent(),
                at_once: self.one_in(3),
            },
            9..11 => {
                let items = self.items();
                Step::Upload {
                    to,
                    order: self.reading(there, items.len(), depth),
                    items,
                }
            }
            11..14 => {
                let items = self.items();
                Step::Download {
                    to,
                    read: self.reading_result(place, items.len(), depth),
                    items,
                }
            }
            14..16 => {
                let items = self.items();
                let back = items.iter().map(|_| self.shape()).collect();
                Step::Exchange {
                    to,
                    read: Reading {
                        cut: None,
                        ..self.reading_result(place, items.len(), depth)
                    },
                    items,
                    back,
                }
            }
            16 if self.one_in(2) => Step::Pause(self.random.within(0..3000) as u32),
            16 => Step::Allocate {
                to,
                shape: self.shape(),
                keep: self.keep(),
            },
            _ if depth < DEEPEST => {
                let lists = self.random.within(2..5);
                Step::Together(
                    (0..lists)
                        .map(|_| self.steps(place, 3, depth + 1))
                        .collect(),
                )
            }
            _ => return None,
        })
    }

    fn target(&mut self, place: Place) -> Option<(usize, Target)> {
        let reachable = |ranked: &super::plan::Ranked| match place.process {
            0 => ranked.target.process != 0,
            plugin => ranked.target.process == 0 && [0, plugin].contains(&ranked.client),
        };
        let ranks = self.setup.ranks.iter().enumerate().skip(place.from);
        let targets: Vec<_> = ranks
            .filter(|(_, ranked)| reachable(ranked))
            .map(|(rank, ranked)| (rank, ranked.target))
            .collect();
        // Low ranks leave room for long chains.
        let at = match targets.len() as u64 {
            0 => return None,
            count => self
                .random
                .within(0..count)
                .min(self.random.within(0..count)),
        };
        Some(targets[at as usize])
    }

    fn order(&mut self, there: Place, depth: u32) -> Order {
        Order {
            request: self.shape(),
            keep: self.keep(),
            steps: self.nested(there, depth),
            reply: match self.one_in(4) {
                true if self.one_in(2) => Reply::Same,
                true => Reply::Halves,
                false => Reply::New(self.shape(), self.sent()),
            },
        }
    }

    fn reading(&mut self, reader: Place, items: usize, depth: u32) -> Reading {
        Reading {
            before: self.nested(reader, depth),
            take: match self.one_in(3) {
                true => self.random.within(0..items as u64 + 1) as u32,
                false => u32::MAX,
            },
            cut: (items > 0 && self.one_in(6)).then(|| self.random.within(0..items as u64) as u32),
            keep: self.keep(),
            hold: 0,
        }
    }

    /// Reads a result, and may keep the stream.
    fn reading_result(&mut self, reader: Place, items: usize, depth: u32) -> Reading {
        Reading {
            hold: self.keep(),
            ..self.reading(reader, items, depth)
        }
    }

    /// Most calls are made once, and wait for their reply.
    fn how(&mut self) -> CallPlan {
        let cut = self.setup.cuts && self.one_in(6);
        CallPlan {
            times: match self.one_in(5) {
                true => self.random.within(2..4) as u8,
                false => 1,
            },
            idempotent: self.one_in(4),
            deadline: cut.then(|| self.micros()),
        }
    }

    /// Mostly nothing, so that plans are finite.
    fn nested(&mut self, place: Place, depth: u32) -> Vec<Step> {
        match depth < DEEPEST && self.one_in(2) {
            true => self.steps(place, 4, depth + 1),
            false => Vec::new(),
        }
    }

    fn items(&mut self) -> Vec<Shape> {
        let most = 1 << self.random.within(1..8);
        let count = self.random.within(0..most).min(self.items);
        self.items -= count;
        // Streams of items of about one size, or of all sizes.
        match self.one_in(2) {
            true => (0..count).map(|_| self.shape()).collect(),
            false => {
                let first = self.shape();
                let next = |_| {
                    self.bytes = self.bytes.saturating_sub(first.len());
                    Shape {
                        seed: self.seed(),
                        ..match self.bytes {
                            0 => Shape::default(),
                            _ => first.clone(),
                        }
                    }
                };
                (0..count).map(next).collect()
            }
        }
    }

    fn shape(&mut self) -> Shape {
        let seed = self.seed();
        let bytes = match self.one_in(2) {
            true => self.length(),
            false => 0,
        };
        let blobs = match self.random.within(0..8) {
            0..3 => 0,
            3..6 => 1,
            _ => self.random.within(2..6),
        };
        let blobs = (0..blobs).map(|_| self.length()).collect();
        Shape { seed, bytes, blobs }
    }

    /// A seed of few bytes when it is encoded.
    fn seed(&mut self) -> u64 {
        self.random.within(0..1 << 20)
    }

    /// Any length, each order of magnitude as often as the others.
    fn length(&mut self) -> u32 {
        let most = self.longest.min(self.bytes);
        let powers = u64::from(most.checked_ilog2().unwrap_or(0)) + 2;
        let power = self.random.within(0..powers);
        let length = self.random.within(0..1 << power).min(most);
        self.bytes -= length;
        length as u32
    }

    /// How long something is kept that was just made.
    fn keep(&mut self) -> Keep {
        if !self.one_in(4) {
            return 0;
        }
        // What it is has been taken off the bytes; a kept stream has many.
        let share = self.longest.min(BYTES / 64);
        if self.kept < share {
            return 0;
        }
        self.kept -= share;
        match self.one_in(2) {
            true => FOR_EVER,
            false => self.random.within(1..6) as Keep,
        }
    }

    fn sent(&mut self) -> Sent {
        match self.random.within(0..5) {
            0 | 1 => Sent::OnHeap,
            2 | 3 => Sent::Allocated,
            _ => Sent::Kept,
        }
    }

    /// Up to 16 ms, mostly less: each order of magnitude as often as the others.
    fn micros(&mut self) -> u32 {
        let power = self.random.within(0..15);
        self.random.within(0..1 << power) as u32
    }

    fn one_in(&mut self, count: u64) -> bool {
        self.random.within(0..count) == 0
    }
}

/// How deep steps are nested at most.
const DEEPEST: u32 = 4;
/// The longest part of a value: beyond the class of 1 MiB, and in some programs, where slots allow, more.
const LONGEST: u64 = 3 << 20;
const HUGE: u64 = 60 << 20;
/// What a payload has beside its largest part: orders, tables.
const MARGIN: u32 = 24 << 10;
/// The most steps and items of a program.
const STEPS: u64 = 120;
const ITEMS: u64 = 600;
/// The most bytes that a program sends and keeps.
const BYTES: u64 = 96 << 20;
const KEPT: u64 = 48 << 20;
