//! Which siblings are stopped and started when one of them has died.
//!
//! - SP1: siblings are affected only if the child that died comes back. A child that finished or may not
//!   restart just leaves its place empty.
//! - SP2: siblings are stopped in reverse start order and started in start order, the child that died in its
//!   place.
//! - SP3: an affected sibling with the policy `Never` is stopped and does not come back, like Erlang's
//!   temporary children.
//! - SP4: a sibling that was stopped, or is down for good, stays down: another child's failure does not restart
//!   it.
//! - SP5: a sibling that waits for its own restart needs no stop and comes back with the others.

use super::{RestartPolicy, SupervisionStrategy};

/// The state of a child when a sibling dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChildState {
    /// It has a process, which is starting or ready.
    Running,
    /// It has no process to keep, and waits for its own restart.
    Waiting,
    /// It is being stopped for good, is down, or its circuit breaker is open.
    Down,
}

/// The properties of a child that a plan depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Child {
    /// Its restart policy.
    pub policy: RestartPolicy,
    /// Its state.
    pub state: ChildState,
}

/// Which children to stop and to start, as positions in start order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// To stop one after the other, in this order, before any start.
    pub stop: Vec<usize>,
    /// To start one after the other, in this order. Includes the child that died.
    pub start: Vec<usize>,
}

impl Plan {
    /// Returns the children that are stopped and not started again.
    pub fn lost(&self) -> impl Iterator<Item = usize> {
        self.stop
            .iter()
            .copied()
            .filter(|child| !self.start.contains(child))
    }
}

/// Returns what follows from the death of `children[died]`; `restarts` says whether it comes back. Children are
/// in start order; the state of the child that died is ignored.
#[must_use]
pub fn plan(
    strategy: SupervisionStrategy,
    children: &[Child],
    died: usize,
    restarts: bool,
) -> Plan {
    if !restarts || died >= children.len() {
        return Plan::default();
    }
    let affected = match strategy {
        SupervisionStrategy::OneForOne => died..died + 1,
        SupervisionStrategy::OneForAll => 0..children.len(),
        SupervisionStrategy::RestForOne => died..children.len(),
    };
    let stopped = |at: &usize| *at != died && children[*at].state == ChildState::Running;
    let started = |at: &usize| {
        let Child { policy, state } = children[*at];
        *at == died || (policy != RestartPolicy::Never && state != ChildState::Down)
    };
    Plan {
        stop: affected.clone().rev().filter(stopped).collect(),
        start: affected.filter(started).collect(),
    }
}

#[cfg(test)]
mod tests {
    use ChildState::{Down, Running, Waiting};
    use RestartPolicy::{Never, Permanent, Transient};
    use SupervisionStrategy::{OneForAll, OneForOne, RestForOne};

    use super::*;

    const STRATEGIES: [SupervisionStrategy; 3] = [OneForOne, OneForAll, RestForOne];

    fn running(policies: &[RestartPolicy]) -> Vec<Child> {
        policies
            .iter()
            .map(|policy| Child {
                policy: *policy,
                state: Running,
            })
            .collect()
    }

    fn planned(stop: &[usize], start: &[usize]) -> Plan {
        Plan {
            stop: stop.into(),
            start: start.into(),
        }
    }

    #[test]
    fn strategies_differ_in_which_siblings_they_affect() {
        let children = running(&[Permanent; 4]);
        assert_eq!(plan(OneForOne, &children, 1, true), planned(&[], &[1]));
        assert_eq!(
            plan(OneForAll, &children, 1, true),
            planned(&[3, 2, 0], &[0, 1, 2, 3])
        );
        assert_eq!(
            plan(RestForOne, &children, 1, true),
            planned(&[3, 2], &[1, 2, 3])
        );
        assert_eq!(
            plan(RestForOne, &children, 0, true),
            planned(&[3, 2, 1], &[0, 1, 2, 3])
        );
        assert_eq!(plan(RestForOne, &children, 3, true), planned(&[], &[3]));
    }

    #[test]
    fn never_children_are_stopped_and_lost() {
        let children = running(&[Never, Permanent, Never, Transient]);
        let plan = plan(OneForAll, &children, 1, true);
        assert_eq!(plan, planned(&[3, 2, 0], &[1, 3]));
        assert_eq!(plan.lost().collect::<Vec<_>>(), [2, 0]);
    }

    #[test]
    fn what_is_down_stays_down_and_what_waits_comes_along() {
        let child = |state| Child {
            policy: Permanent,
            state,
        };
        let children = [child(Down), child(Waiting), child(Running), child(Running)];
        assert_eq!(
            plan(OneForAll, &children, 3, true),
            planned(&[2], &[1, 2, 3])
        );
    }

    #[test]
    fn a_position_that_does_not_exist_affects_no_child() {
        assert_eq!(
            plan(OneForAll, &running(&[Permanent]), 1, true),
            Plan::default()
        );
        assert_eq!(plan(RestForOne, &[], 0, true), Plan::default());
    }

    /// Every strategy, every position, every policy and state of every child, up to four of them.
    #[test]
    fn every_plan_keeps_every_rule() {
        let kinds: Vec<Child> = [Permanent, Transient, Never]
            .into_iter()
            .flat_map(|policy| [Running, Waiting, Down].map(|state| Child { policy, state }))
            .collect();
        let mut checked = 0;
        for count in 1..=4_u32 {
            for combination in 0..9_usize.pow(count) {
                let kind = |place| kinds[combination / 9_usize.pow(place) % 9];
                let children: Vec<Child> = (0..count).map(kind).collect();
                for strategy in STRATEGIES {
                    for died in 0..children.len() {
                        check(strategy, &children, died);
                        checked += 1;
                    }
                }
            }
        }
        assert_eq!(checked, 3 * (9 + 2 * 81 + 3 * 729 + 4 * 6561));
    }

    fn check(strategy: SupervisionStrategy, children: &[Child], died: usize) {
        // SP1
        assert_eq!(plan(strategy, children, died, false), Plan::default());
        let plan = plan(strategy, children, died, true);
        let text = format!("{strategy:?}, {died} of {children:?}: {plan:?}");
        // SP2
        assert!(plan.stop.is_sorted_by(|a, b| a > b), "{text}");
        assert!(plan.start.is_sorted_by(|a, b| a < b), "{text}");
        assert!(
            plan.start.contains(&died) && !plan.stop.contains(&died),
            "{text}"
        );
        for (at, child) in children.iter().enumerate().filter(|(at, _)| *at != died) {
            let reached = match strategy {
                OneForOne => false,
                OneForAll => true,
                RestForOne => at > died,
            };
            // SP3, SP4, SP5
            let expected = match (reached, child.state, child.policy) {
                (false, _, _) | (true, Down, _) | (true, Waiting, Never) => (false, false),
                (true, Running, Never) => (true, false),
                (true, Running, Permanent | Transient) => (true, true),
                (true, Waiting, Permanent | Transient) => (false, true),
            };
            assert_eq!(
                (plan.stop.contains(&at), plan.start.contains(&at)),
                expected,
                "{at} in {text}"
            );
        }
    }
}
