//! A scheduler: threads run one at a time, and switch where a seed decides.

use std::cell::RefCell;
use std::sync::{Arc, Condvar, LockResult, MutexGuard, PoisonError, TryLockError};

/// A mutex; the scheduler may switch threads whenever it is locked.
#[derive(Debug, Default)]
pub(crate) struct Mutex<T>(std::sync::Mutex<T>);

impl<T> Mutex<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self(std::sync::Mutex::new(value))
    }

    pub(crate) fn lock(&self) -> LockResult<MutexGuard<'_, T>> {
        if ME.with_borrow(Option::is_none) {
            return self.0.lock();
        }
        turn();
        loop {
            match self.0.try_lock() {
                Ok(guard) => return Ok(guard),
                Err(TryLockError::Poisoned(poisoned)) => return Err(poisoned),
                // The holder must run first.
                Err(TryLockError::WouldBlock) => turn(),
            }
        }
    }

    /// Whether it is locked.
    pub(crate) fn is_locked(&self) -> bool {
        matches!(self.0.try_lock(), Err(TryLockError::WouldBlock))
    }

    pub(crate) fn get_mut(&mut self) -> LockResult<&mut T> {
        self.0.get_mut()
    }
}

thread_local! {
    static ME: RefCell<Option<(Arc<Baton>, usize)>> = const { RefCell::new(None) };
}

/// The state of the scheduler.
#[derive(Debug)]
struct Baton {
    state: std::sync::Mutex<State>,
    passed: Condvar,
}

#[derive(Debug)]
struct State {
    turn: usize,
    left: Vec<usize>,
    rng: Rng,
    turns: u64,
    /// A thread panicked, so the others need not end.
    over: bool,
}

impl State {
    fn pass(&mut self) {
        let parties = self.left.len();
        let next = self.rng.below(parties);
        self.turn = self.left[next];
    }
}

/// More turns than any scenario takes, unless it hangs.
const MOST_TURNS: u64 = 200_000;

/// A point at which another thread may run.
pub(crate) fn turn() {
    let me = ME.with_borrow(Clone::clone);
    let Some((baton, me)) = me else { return };
    let mut state = baton.lock();
    state.turns += 1;
    assert!(state.turns < MOST_TURNS, "the scenario hangs");
    if state.over {
        drop(state);
        if std::thread::panicking() {
            return;
        }
        // Another party has failed, and reported it.
        std::panic::resume_unwind(Box::new("another party failed"));
    }
    // Mostly the thread goes on: interleavings with few switches find more than random ones.
    if state.rng.one_in(3) {
        state.pass();
    }
    drop(baton.wait(state, me));
}

impl Baton {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&'a self, mut state: MutexGuard<'a, State>, me: usize) -> MutexGuard<'a, State> {
        self.passed.notify_all();
        while state.turn != me && !state.over {
            let waited = self.passed.wait(state);
            state = waited.unwrap_or_else(PoisonError::into_inner);
        }
        state
    }
}

/// A party of a scenario.
pub(crate) type Party<'a> = Box<dyn FnOnce() + Send + 'a>;

/// Runs the parties to their ends, in the interleaving of the seed.
pub(crate) fn run(seed: u64, parties: Vec<Party<'_>>) {
    let baton = Arc::new(Baton {
        state: std::sync::Mutex::new(State {
            turn: 0,
            left: (0..parties.len()).collect(),
            rng: Rng::new(seed),
            turns: 0,
            over: false,
        }),
        passed: Condvar::new(),
    });
    std::thread::scope(|scope| {
        for (me, party) in parties.into_iter().enumerate() {
            let baton = Arc::clone(&baton);
            scope.spawn(move || {
                ME.set(Some((Arc::clone(&baton), me)));
                let _leaves = Leaves(Arc::clone(&baton), me);
                drop(baton.wait(baton.lock(), me));
                party();
            });
        }
    });
}

/// Switches to another thread when a party ends.
struct Leaves(Arc<Baton>, usize);

impl Drop for Leaves {
    fn drop(&mut self) {
        ME.set(None);
        let mut state = self.0.lock();
        state.over |= std::thread::panicking();
        state.left.retain(|party| *party != self.1);
        if !state.left.is_empty() {
            state.pass();
        }
        drop(state);
        self.0.passed.notify_all();
    }
}

/// A deterministic random number generator: xorshift.
#[derive(Clone, Debug)]
pub(crate) struct Rng(u64);

impl Rng {
    pub(crate) fn new(seed: u64) -> Self {
        // Spreads adjacent seeds.
        Self(seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        (self.next() >> 16) as usize % end
    }

    pub(crate) fn one_in(&mut self, many: usize) -> bool {
        self.below(many) == 0
    }
}
