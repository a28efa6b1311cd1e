//! The shipped ring and slab beside models that are too simple to be wrong.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;

use proptest::prelude::*;

use crate::layout::Layout;
use crate::ring::spsc::{Consumer, ConsumerMemory, Producer, ProducerMemory};
use crate::slab::allocator::{Slab, Taken};
use crate::sync::Ordering;
use crate::{FRAGMENT_SLOTS, Lane, SegmentConfig, SizeClass};

const CAPACITY: u32 = 8;

/// Length of the longest script. Miri takes a thousand times as long for each step.
const STEPS: usize = if cfg!(miri) { 24 } else { 200 };

/// A ring's memory without another process.
#[derive(Clone, Default)]
struct Plain {
    entries: Rc<RefCell<[u64; CAPACITY as usize]>>,
    tail: Rc<Cell<u32>>,
    head: Rc<Cell<u32>>,
}

impl ProducerMemory for Plain {
    type Entry = u64;

    fn write(&self, place: u32, entry: &u64) {
        self.entries.borrow_mut()[place as usize] = *entry;
    }

    fn store_tail(&self, tail: u32, _: Ordering) {
        self.tail.set(tail);
    }

    fn load_head(&self) -> u32 {
        self.head.get()
    }
}

impl ConsumerMemory for Plain {
    type Entry = u64;

    fn load_tail(&self) -> u32 {
        self.tail.get()
    }

    fn read(&self, place: u32) -> u64 {
        self.entries.borrow()[place as usize]
    }

    fn store_head(&self, head: u32, _: Ordering) {
        self.head.set(head);
    }
}

#[derive(Clone, Debug)]
enum RingStep {
    Push(u32),
    Pop,
    Commit,
}

fn ring_steps() -> impl Strategy<Value = Vec<RingStep>> {
    let step = prop_oneof![
        (0..3_u32).prop_map(RingStep::Push),
        Just(RingStep::Pop),
        Just(RingStep::Commit),
    ];
    proptest::collection::vec(step, 1..STEPS)
}

/// How many entries a ring has carried before: none, or nearly as many as its cursors can count.
fn cursors() -> impl Strategy<Value = u32> {
    prop_oneof![Just(0), u32::MAX - 2 * CAPACITY..=u32::MAX]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_ring_is_a_bounded_queue(cursor in cursors(), steps in ring_steps()) {
        let memory = Plain::default();
        memory.tail.set(cursor);
        memory.head.set(cursor);
        let mut producer = Producer::resumed(memory.clone(), CAPACITY, cursor);
        let mut consumer = Consumer::resumed(memory, CAPACITY, cursor);
        let mut queue = VecDeque::new();
        // Taken, but room not returned.
        let mut kept = 0;
        let mut next = 0;
        for step in steps {
            match step {
                RingStep::Push(keep) => {
                    let fits = queue.len() as u32 + kept + keep < CAPACITY;
                    prop_assert_eq!(producer.push(keep, &next), Ok(fits));
                    if fits {
                        queue.push_back(next);
                        next += 1;
                    }
                }
                RingStep::Pop => {
                    let expected = queue.pop_front();
                    prop_assert_eq!(consumer.pop(), Ok(expected));
                    kept += u32::from(expected.is_some());
                }
                RingStep::Commit => {
                    consumer.commit();
                    kept = 0;
                }
            }
            prop_assert_eq!(producer.depth(), Ok(queue.len() as u32 + kept));
        }
    }
}

/// Slots sent and not returned, seen from the other side.
#[derive(Clone, Default)]
struct Returns {
    entries: Rc<RefCell<VecDeque<u64>>>,
    tail: Rc<Cell<u32>>,
}

impl ConsumerMemory for Returns {
    type Entry = u64;

    fn load_tail(&self) -> u32 {
        self.tail.get()
    }

    fn read(&self, _: u32) -> u64 {
        self.entries.borrow_mut().pop_front().unwrap()
    }

    fn store_head(&self, _: u32, _: Ordering) {}
}

#[derive(Clone, Debug)]
enum SlabStep {
    Take(usize, bool),
    Abandon(usize),
    Freeze(usize),
    Send(usize),
    Clone(usize),
    Drop(usize),
    Return(usize),
    Trim,
    Reclaim,
}

fn slab_steps() -> impl Strategy<Value = Vec<SlabStep>> {
    let nth = || 0..16_usize;
    let step = prop_oneof![
        4 => (0..4_usize, any::<bool>()).prop_map(|(class, priority)| SlabStep::Take(class, priority)),
        1 => nth().prop_map(SlabStep::Abandon),
        3 => nth().prop_map(SlabStep::Freeze),
        3 => nth().prop_map(SlabStep::Send),
        1 => nth().prop_map(SlabStep::Clone),
        3 => nth().prop_map(SlabStep::Drop),
        3 => nth().prop_map(SlabStep::Return),
        4 => Just(SlabStep::Trim),
        1 => Just(SlabStep::Reclaim),
    ];
    proptest::collection::vec(step, 1..STEPS)
}

/// A slot in use, as the model sees it.
#[derive(Clone, Copy, Debug)]
struct Used {
    taken: Taken,
    writing: bool,
    users: u32,
    in_flight: bool,
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_slab_allocates_free_slots_and_no_others(steps in slab_steps()) {
        let class = |slot_size, slots| SizeClass { slot_size, slots };
        let classes = [class(64, 3), class(128, 2), class(1 << 20, 1)];
        let layout = Arc::new(Layout::of(&SegmentConfig::default().with_classes(classes)));
        // The last class is that of the fragment slots.
        let reserve = [1, 1, 0, 1];
        let returns = Returns::default();
        let slab = Slab::new(Arc::clone(&layout), returns.clone());
        let mut used: Vec<Used> = Vec::new();
        let mut generations = [0_u32; 6 + FRAGMENT_SLOTS as usize];
        let mut over = false;
        let count = |used: &[Used], class| {
            used.iter().filter(|slot| layout.class_of(slot.taken.index) == Some(class)).count()
        };
        for step in steps {
            match step {
                SlabStep::Take(class, priority) => {
                    let lane = if priority { Lane::Priority } else { Lane::Data };
                    let free = |class: usize| {
                        let total = layout.classes[class].class.slots as usize;
                        let keep = if priority { 0 } else { reserve[class] };
                        total - count(&used, class) > keep
                    };
                    // B4, B9
                    let above = (class < 2).then_some(class + 1);
                    let mut classes = [class].into_iter().chain(above);
                    let expected = classes.find(|&c| !over && free(c));
                    let taken = slab.take(class, lane, 50, None).unwrap();
                    prop_assert_eq!(taken.and_then(|t| layout.class_of(t.index)), expected);
                    if let Some(taken) = taken {
                        prop_assert!(used.iter().all(|slot| slot.taken.index != taken.index));
                        prop_assert_eq!(taken.generation, generations[taken.index as usize]);
                        used.push(Used { taken, writing: true, users: 1, in_flight: false });
                    }
                }
                SlabStep::Abandon(nth) => {
                    if let Some(slot) = used.get_mut(nth) && slot.writing {
                        slot.users = 0;
                        slot.writing = false;
                        prop_assert!(slab.state(slot.taken.index).release());
                        slab.free(slot.taken.index);
                    }
                }
                SlabStep::Freeze(nth) => {
                    if let Some(slot) = used.get_mut(nth) && slot.writing {
                        slot.writing = false;
                        slab.state(slot.taken.index).freeze();
                    }
                }
                SlabStep::Send(nth) => {
                    if let Some(slot) = used.get_mut(nth)
                        && !over && !slot.writing && slot.users > 0
                    {
                        let sent = slab.state(slot.taken.index).send();
                        prop_assert_eq!(sent.is_ok(), !slot.in_flight);
                        slot.in_flight = true;
                    }
                }
                SlabStep::Clone(nth) => {
                    if let Some(slot) = used.get_mut(nth) && !slot.writing && slot.users > 0 {
                        slab.state(slot.taken.index).retain();
                        slot.users += 1;
                    }
                }
                SlabStep::Drop(nth) => {
                    if let Some(slot) = used.get_mut(nth) && !slot.writing && slot.users > 0 {
                        slot.users -= 1;
                        let last = slab.state(slot.taken.index).release();
                        prop_assert_eq!(last, slot.users == 0 && !slot.in_flight);
                        if last {
                            slab.free(slot.taken.index);
                        }
                    }
                }
                SlabStep::Return(nth) => {
                    if let Some(slot) = used.get_mut(nth) && slot.in_flight {
                        slot.in_flight = false;
                        let Taken { index, generation } = slot.taken;
                        let entry = crate::ring::descriptor::encode_return(index, generation);
                        returns.entries.borrow_mut().push_back(entry);
                        returns.tail.set(returns.tail.get() + 1);
                        prop_assert_eq!(slab.collect(), Ok(()));
                    }
                }
                SlabStep::Trim => {
                    slab.trim(u32::MAX, |place, range| {
                        assert!(!over && range.end <= 4096 && place.size >= 1 << 20);
                    });
                }
                SlabStep::Reclaim => {
                    // B8. Returns of the last moment are not read.
                    for slot in used.iter_mut().filter(|slot| slot.in_flight) {
                        slot.in_flight = false;
                        returns.tail.set(returns.tail.get() + 1);
                    }
                    over = true;
                    slab.reclaim();
                    prop_assert_eq!(slab.collect(), Ok(()));
                }
            }
            used.retain(|slot| {
                let free = slot.users == 0 && !slot.in_flight;
                if free {
                    generations[slot.taken.index as usize] += 1;
                }
                !free
            });
            for (class, stats) in slab.stats().iter().enumerate() {
                prop_assert_eq!(stats.total - stats.free, count(&used, class) as u32);
            }
        }
    }
}
