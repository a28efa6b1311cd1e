//! Sequences of decisions.

use super::*;
use crate::process::{EndedBy, ExitCause, Incarnation, ShutdownStage};
use crate::supervision::StartError;
use crate::supervision::fixture::{crash, exit};

const SECOND: Duration = Duration::from_secs(1);
const BRIEF: Duration = Duration::ZERO;
const HEALTHY: Duration = Duration::from_secs(10);

fn restarts(config: RestartConfig) -> Restarts {
    let backoff = Backoff::with_seed(config.backoff.clone(), 1);
    Restarts::with_backoff(config, backoff)
}

fn attempt(decision: &RestartDecision) -> Option<u32> {
    match decision {
        RestartDecision::Restart { attempt, .. } => Some(*attempt),
        RestartDecision::Probe { .. } | RestartDecision::GiveUp(_) => None,
    }
}

fn probe_at(decision: &RestartDecision) -> Option<Instant> {
    match decision {
        RestartDecision::Probe { until, .. } => Some(*until),
        RestartDecision::Restart { .. } | RestartDecision::GiveUp(_) => None,
    }
}

#[test]
fn the_first_failure_is_answered_at_once_and_the_next_after_a_wait() {
    let now = Instant::now();
    let mut restarts = restarts(RestartConfig::default());
    let first = restarts.decide(&crash(1), BRIEF, now);
    assert!(
        matches!(first, RestartDecision::Restart { attempt: 1, until } if until == now),
        "{first:?}"
    );
    let second = restarts.decide(&crash(2), BRIEF, now);
    assert!(
        matches!(second, RestartDecision::Restart { attempt: 2, until } if until > now),
        "{second:?}"
    );
}

#[test]
fn a_healthy_life_starts_the_waits_over_but_stays_in_the_window() {
    let now = Instant::now();
    let mut restarts = restarts(RestartConfig {
        limit: 3,
        ..RestartConfig::default()
    });
    for (n, ready, expected) in [(1, BRIEF, 1), (2, BRIEF, 2), (3, HEALTHY, 1)] {
        assert_eq!(
            attempt(&restarts.decide(&crash(n), ready, now)),
            Some(expected)
        );
    }
    assert!(probe_at(&restarts.decide(&crash(4), HEALTHY, now)).is_some());
}

#[test]
fn without_a_breaker_the_limit_is_the_end_and_names_the_last_failure() {
    let now = Instant::now();
    let config = RestartConfig {
        limit: 1,
        breaker: Breaker::GiveUp,
        ..RestartConfig::default()
    };
    let mut restarts = restarts(config);
    assert!(attempt(&restarts.decide(&crash(1), BRIEF, now)).is_some());
    match restarts.decide(&crash(2), BRIEF, now) {
        RestartDecision::GiveUp(DownReason::RestartLimit { limit, last }) => {
            assert_eq!((limit.limit, last.incarnation().get()), (1, 2));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_open_breaker_stays_open_until_one_probe_is_healthy() {
    let now = Instant::now();
    let pause = 5 * SECOND;
    let config = RestartConfig {
        limit: 1,
        within: 2 * SECOND,
        breaker: Breaker::Probe(pause),
        ..RestartConfig::default()
    };
    let mut restarts = restarts(config);
    assert!(attempt(&restarts.decide(&crash(1), BRIEF, now)).is_some());
    assert_eq!(
        probe_at(&restarts.decide(&crash(2), BRIEF, now)),
        Some(now + pause)
    );
    // The window is empty again by then, and the probe has failed all the same.
    for n in 1..4 {
        let then = now + n * pause;
        let decision = restarts.decide(&crash(3), HEALTHY - SECOND, then);
        assert_eq!(probe_at(&decision), Some(then + pause));
    }
    // A probe that became healthy before it failed has closed the breaker.
    assert_eq!(
        attempt(&restarts.decide(&crash(6), HEALTHY, now + 4 * pause)),
        Some(1)
    );
}

#[test]
fn policy_comes_before_counting() {
    let now = Instant::now();
    let mut transient = restarts(RestartConfig {
        policy: RestartPolicy::Transient,
        limit: 1,
        ..Default::default()
    });
    let done = Failure::Died(exit(1, ExitCause::Exited(0), EndedBy::Itself));
    for _ in 0..5 {
        let decision = transient.decide(&done, BRIEF, now);
        assert!(
            matches!(decision, RestartDecision::GiveUp(DownReason::Completed(_))),
            "{decision:?}"
        );
    }
    // None of them took a place in the window.
    assert_eq!(attempt(&transient.decide(&crash(2), BRIEF, now)), Some(1));

    let mut never = restarts(RestartConfig {
        policy: RestartPolicy::Never,
        ..Default::default()
    });
    let decision = never.decide(&crash(1), BRIEF, now);
    assert!(
        matches!(
            decision,
            RestartDecision::GiveUp(DownReason::NotRestarted(_))
        ),
        "{decision:?}"
    );
}

#[test]
fn a_requested_stop_is_no_failure_under_any_policy() {
    for policy in [
        RestartPolicy::Permanent,
        RestartPolicy::Transient,
        RestartPolicy::Never,
    ] {
        let mut restarts = restarts(RestartConfig {
            policy,
            ..Default::default()
        });
        let stopped = Failure::Died(exit(
            1,
            ExitCause::Unknown,
            EndedBy::Request(ShutdownStage::Kill),
        ));
        let decision = restarts.decide(&stopped, BRIEF, Instant::now());
        assert!(
            matches!(decision, RestartDecision::GiveUp(DownReason::Stopped)),
            "{decision:?}"
        );
    }
}

#[test]
fn a_failure_that_only_a_correction_can_fix_is_not_retried() {
    let refused = Failure::Start(
        Incarnation::FIRST,
        StartError::Refused("speaks version 9".into()),
    );
    let decision = restarts(RestartConfig::default()).decide(&refused, BRIEF, Instant::now());
    assert!(
        matches!(
            decision,
            RestartDecision::GiveUp(DownReason::StartFailed(..))
        ),
        "{decision:?}"
    );
}

#[test]
fn a_start_on_purpose_forgets_the_past() {
    let now = Instant::now();
    let mut restarts = restarts(RestartConfig {
        limit: 1,
        ..RestartConfig::default()
    });
    restarts.decide(&crash(1), BRIEF, now);
    assert!(probe_at(&restarts.decide(&crash(2), BRIEF, now)).is_some());
    restarts.forget();
    assert_eq!(attempt(&restarts.decide(&crash(3), BRIEF, now)), Some(1));
}

#[test]
fn an_endless_pause_does_not_overflow() {
    let config = RestartConfig {
        limit: 0,
        breaker: Breaker::Probe(Duration::MAX),
        ..RestartConfig::default()
    };
    assert!(probe_at(&restarts(config).decide(&crash(1), BRIEF, Instant::now())).is_some());
}
