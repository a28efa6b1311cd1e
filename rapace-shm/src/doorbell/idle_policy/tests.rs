//! The policy on a clock of the tests' own. It is safe code without shared state, so Miri, which would take minutes,
//! runs only the short tests.

use super::*;

const BOUND: Duration = Duration::from_micros(50);

/// Adaptive spinning is off.
const OFF: Duration = Duration::ZERO;

fn no_clock() -> Instant {
    panic!("what is decided needs no clock")
}

/// Returns whether a spin begins, or is skipped, after a burst.
fn spins_after_a_burst(policy: &mut IdlePolicy) -> bool {
    policy.frames_taken(BURST);
    assert_eq!(policy.next(OFF, no_clock), Step::Rest(Rest::Yield));
    let now = Instant::now();
    match policy.next(OFF, || now) {
        Step::Spin { from, until } => {
            assert_eq!((from, until), (now, now + BURST_SPIN));
            true
        }
        Step::Rest(rest) => {
            assert_eq!(rest, Rest::Sleep);
            false
        }
    }
}

/// IP1
#[test]
fn no_spin_follows_lone_frames() {
    let mut policy = IdlePolicy::default();
    for _ in 0..100 {
        policy.frames_taken(BURST - 1);
        assert_eq!(policy.next(OFF, no_clock), Step::Rest(Rest::Sleep));
        assert_eq!(policy.next(OFF, no_clock), Step::Rest(Rest::Sleep));
    }
}

/// IP2
#[test]
fn others_run_before_each_burst_spin_until_one_misses() {
    let mut policy = IdlePolicy::default();
    (0..BURST).for_each(|_| policy.frames_taken(1));
    let now = Instant::now();
    for _ in 0..2 {
        assert_eq!(policy.next(OFF, no_clock), Step::Rest(Rest::Yield));
        assert!(matches!(policy.next(OFF, || now), Step::Spin { .. }));
        assert!(!policy.hit(|| panic!("a burst spin measures nothing")));
        policy.frames_taken(1);
    }
    assert_eq!(policy.next(OFF, no_clock), Step::Rest(Rest::Yield));
    assert!(matches!(policy.next(OFF, || now), Step::Spin { .. }));
    assert_eq!(policy.miss(OFF), Rest::Sleep);
    policy.frames_taken(1);
    assert_eq!(policy.next(OFF, no_clock), Step::Rest(Rest::Sleep));
}

/// IP4
#[test]
fn burst_spins_that_miss_are_skipped_for_longer_each_time() {
    let mut policy = IdlePolicy::default();
    let mut skipped = Vec::new();
    let mut row = 0;
    while skipped.len() < 9 {
        if !spins_after_a_burst(&mut policy) {
            row += 1;
            continue;
        }
        if row > 0 {
            skipped.push(std::mem::take(&mut row));
        }
        policy.miss(OFF);
    }
    let doubled = [64, 128, 256, 512, 1024, 2048, 4096, 4096, 4096];
    assert_eq!(skipped, doubled);
}

/// After a burst, the burst spin comes first, and then the adaptive one as after any frames.
#[test]
fn an_adaptive_spin_follows_a_burst_spin_that_misses() {
    let mut policy = IdlePolicy::default();
    policy.frames_taken(BURST);
    assert_eq!(policy.next(BOUND, no_clock), Step::Rest(Rest::Yield));
    let now = Instant::now();
    assert!(matches!(policy.next(BOUND, || now), Step::Spin { .. }));
    assert_eq!(policy.miss(BOUND), Rest::Pause);
    let slice = Step::Spin {
        from: now,
        until: now + SLICE,
    };
    assert_eq!(policy.next(BOUND, || now), slice);
}

/// Spins from `now` until the spin is given up, and returns when that is.
fn spin_and_miss(policy: &mut IdlePolicy, mut now: Instant) -> Instant {
    assert_eq!(policy.next(BOUND, no_clock), Step::Rest(Rest::Pause));
    loop {
        match policy.next(BOUND, || now) {
            Step::Spin { from, until } => {
                assert!(from == now && until > now && until <= now + SLICE);
                assert_eq!(policy.miss(BOUND), Rest::Pause, "others run between slices");
                now = until;
            }
            Step::Rest(rest) => {
                assert_eq!(rest, Rest::GiveUp);
                assert_eq!(policy.next(BOUND, no_clock), Step::Rest(Rest::Sleep));
                return now;
            }
        }
    }
}

/// IP3
#[test]
fn an_adaptive_spin_ends_when_the_bound_has_passed() {
    let (mut policy, start) = (IdlePolicy::default(), Instant::now());
    assert_eq!(policy.next(BOUND, no_clock), Step::Rest(Rest::Sleep));
    policy.frames_taken(1);
    assert_eq!(spin_and_miss(&mut policy, start), start + BOUND);
}

#[test]
fn frames_let_it_spin_for_all_of_the_bound_again() {
    let (mut policy, start) = (IdlePolicy::default(), Instant::now());
    policy.frames_taken(1);
    assert_eq!(policy.next(BOUND, no_clock), Step::Rest(Rest::Pause));
    policy.next(BOUND, || start);
    let late = start + BOUND - Duration::from_nanos(1);
    let end = Step::Spin {
        from: late,
        until: start + BOUND,
    };
    assert_eq!(policy.next(BOUND, || late), end);
    policy.frames_taken(1);
    assert_eq!(spin_and_miss(&mut policy, late), late + BOUND);
}

/// IP3
#[test]
fn no_bound_is_longer_than_the_longest() {
    let (mut policy, start) = (IdlePolicy::default(), Instant::now());
    policy.frames_taken(1);
    policy.next(Duration::MAX, no_clock);
    policy.next(Duration::MAX, || start);
    let later = policy.next(Duration::MAX, || start + MAX_SPIN);
    assert_eq!(later, Step::Rest(Rest::GiveUp));
}

/// A waiter for a doorbell event appeared, or spinning was turned off.
#[test]
fn an_adaptive_spin_ends_with_its_bound() {
    for slices in 0..3 {
        let (mut policy, start) = (IdlePolicy::default(), Instant::now());
        policy.frames_taken(1);
        policy.next(BOUND, no_clock);
        for _ in 0..slices {
            policy.next(BOUND, || start);
        }
        assert_eq!(policy.next(OFF, no_clock), Step::Rest(Rest::Sleep));
        assert_eq!(policy.next(BOUND, no_clock), Step::Rest(Rest::Sleep));
    }
}

/// Returns how often frames come until a spin follows them.
fn frames_until_it_spins(policy: &mut IdlePolicy) -> u32 {
    for times in 1.. {
        policy.frames_taken(1);
        if policy.adaptive_due {
            return times;
        }
        assert_eq!(policy.next(BOUND, no_clock), Step::Rest(Rest::Sleep));
    }
    unreachable!("it spins again at some time")
}

/// Misses until spins are skipped, and returns for how long they are.
fn skipped(policy: &mut IdlePolicy) -> u32 {
    let start = Instant::now();
    for _ in 0..ADAPTIVE_PATIENCE {
        spin_and_miss(policy, start);
        let times = frames_until_it_spins(policy);
        if times > 1 {
            return times - 1;
        }
    }
    panic!("never skipped")
}

/// IP4, IP6
#[test]
#[cfg_attr(miri, ignore = "counts for minutes")]
fn adaptive_spins_that_miss_are_skipped_for_longer_each_time() {
    let mut policy = IdlePolicy::default();
    policy.frames_taken(1);
    let times = [(); 9].map(|()| skipped(&mut policy));
    let doubled = [1024, 2048, 4096, 8192, 16384, 32768, 65536, 65536, 65536];
    assert_eq!(times, doubled);
}

/// In the middle of an adaptive spin, frames are found `gap` after a poll that found none.
fn find(policy: &mut IdlePolicy, gap: Option<Duration>) -> bool {
    let start = Instant::now();
    assert_eq!(policy.next(BOUND, no_clock), Step::Rest(Rest::Pause));
    assert!(matches!(policy.next(BOUND, || start), Step::Spin { .. }));
    let hit = policy.hit(|| gap);
    policy.frames_taken(1);
    hit
}

#[test]
#[cfg_attr(miri, ignore = "counts for minutes")]
fn a_hit_makes_up_for_misses() {
    let mut policy = IdlePolicy::default();
    policy.frames_taken(1);
    for _ in 0..9 {
        skipped(&mut policy);
    }
    spin_and_miss(&mut policy, Instant::now());
    policy.frames_taken(1);
    assert!(find(&mut policy, Some(Duration::from_nanos(300))));
    assert_eq!(skipped(&mut policy), 1024 << 3);
}

/// IP5
#[test]
#[cfg_attr(miri, ignore = "counts for minutes")]
fn an_entry_from_before_the_first_poll_or_while_the_thread_was_preempted_is_no_hit() {
    for gap in [Some(PREEMPTION), None] {
        let mut policy = IdlePolicy::default();
        policy.frames_taken(1);
        skipped(&mut policy);
        assert!(!find(&mut policy, gap));
        assert_eq!(skipped(&mut policy), 2048);
    }
}

/// Each stage, with each thing that can happen in it: the answer, and the next stage.
#[test]
fn each_stage_has_an_answer_to_each_event() {
    let (now, soon) = (Instant::now(), Instant::now() + SLICE);
    let spinning = Stage::AdaptiveSpin { since: now };
    let spin = |length| Step::Spin {
        from: soon,
        until: soon + length,
    };
    let rest = Step::Rest;
    use Rest::{GiveUp, Pause, Sleep, Yield};
    use Stage::{Asleep, BurstSpin, Paused, Taken};
    // Stage, frames, bound, step, next stage.
    let after_soon = Stage::AdaptiveSpin { since: soon };
    for (stage, frames, bound, step, next) in [
        (Asleep, 0, OFF, rest(Sleep), Asleep),
        (Asleep, 0, BOUND, rest(Sleep), Asleep),
        (Taken, 1, OFF, rest(Sleep), Asleep),
        (Taken, 1, BOUND, rest(Pause), Paused),
        (Taken, BURST, OFF, rest(Yield), BurstSpin),
        (Taken, BURST, BOUND, rest(Yield), BurstSpin),
        (BurstSpin, BURST, OFF, spin(BURST_SPIN), BurstSpin),
        (BurstSpin, BURST, BOUND, spin(BURST_SPIN), BurstSpin),
        (Paused, 0, OFF, rest(Sleep), Asleep),
        (Paused, 0, BOUND, spin(SLICE), after_soon),
        (spinning, 0, OFF, rest(Sleep), Asleep),
        (spinning, 0, BOUND, spin(SLICE), spinning),
        (spinning, 0, SLICE, rest(GiveUp), Asleep),
    ] {
        let mut policy = IdlePolicy {
            stage,
            frames,
            adaptive_due: true,
            ..IdlePolicy::default()
        };
        assert_eq!(policy.next(bound, || soon), step, "{stage:?}, {bound:?}");
        assert_eq!(policy.stage, next, "{stage:?}, {bound:?}");
    }
    // What a spin reports.
    for (stage, bound, answer, next) in [
        (BurstSpin, OFF, Sleep, Asleep),
        (BurstSpin, BOUND, Pause, Paused),
        (spinning, OFF, Pause, spinning),
        (spinning, BOUND, Pause, spinning),
    ] {
        let mut policy = IdlePolicy {
            stage,
            frames: BURST,
            adaptive_due: true,
            ..IdlePolicy::default()
        };
        assert_eq!(policy.miss(bound), answer, "{stage:?}, {bound:?}");
        assert_eq!(policy.stage, next, "{stage:?}, {bound:?}");
    }
    // New frames start over, in every stage.
    for stage in [Asleep, Taken, BurstSpin, Paused, spinning] {
        let mut policy = IdlePolicy {
            stage,
            ..IdlePolicy::default()
        };
        policy.frames_taken(1);
        assert_eq!((policy.stage, policy.frames), (Taken, 1));
    }
}
