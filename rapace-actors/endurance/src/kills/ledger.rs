//! Compares the outcomes that callers saw with the calls that were executed.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::ops::AddAssign;

use crate::violation::{Outcome, ensure};

/// The outcome of a call, as its caller saw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reported {
    /// The right reply came.
    Done,
    /// It had begun when the plugin died.
    Died,
    /// The call had begun at two deaths.
    Poisoned,
    /// It never began.
    NotBegun,
    /// The caller gave up before the reply.
    Late,
    /// It was a tell.
    Nothing,
}

/// The outcomes that the callers of one plugin saw in one round.
#[derive(Clone, Debug, Default)]
pub(super) struct Ledger {
    outcomes: Vec<(u64, Reported)>,
    may_repeat: HashSet<u64>,
}

impl Ledger {
    pub(super) fn add(&mut self, id: u64, outcome: Reported) {
        self.outcomes.push((id, outcome));
    }

    pub(super) fn may_repeat(&mut self, id: u64) {
        self.may_repeat.insert(id);
    }

    pub(super) fn append(&mut self, other: Self) {
        self.outcomes.extend(other.outcomes);
        self.may_repeat.extend(other.may_repeat);
    }

    /// Returns a number above all used ones.
    pub(super) fn end(&self) -> u64 {
        self.outcomes
            .iter()
            .map(|(id, _)| id + 1)
            .max()
            .unwrap_or(0)
    }

    /// Compares with how often each call ran, in incarnations of which `deaths` died.
    pub(super) fn check(&self, ran: &HashMap<u64, u32>, deaths: u64) -> Outcome<Tally> {
        let mut tally = Tally::default();
        let mut known = 0;
        let mut lost_tells = 0;
        for (id, outcome) in &self.outcomes {
            let ran = ran.get(id).copied().unwrap_or(0);
            known += usize::from(ran > 0);
            let may_repeat = self.may_repeat.contains(id);
            let most = match outcome {
                Reported::NotBegun => 0,
                // It may run once more after the first death.
                _ if may_repeat => 2,
                _ => 1,
            };
            let least = u32::from(*outcome == Reported::Done);
            ensure((least..=most).contains(&ran), || {
                format!("call {id} ran {ran} times, and its caller was told: {outcome:?}")
            })?;
            lost_tells += u64::from(*outcome == Reported::Nothing && ran == 0);
            tally.count(*outcome);
        }
        ensure(known == ran.len(), || {
            format!("{} calls ran that nobody made", ran.len() - known)
        })?;
        let taken = tally.died + tally.poisoned + lost_tells;
        ensure(taken <= deaths, || {
            format!("{deaths} deaths took {taken} calls along, {lost_tells} of them tells")
        })?;
        tally.lost_tells = lost_tells;
        Ok(tally)
    }
}

/// The number of calls by outcome.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tally {
    pub(super) deaths: u64,
    pub(super) redelivered: u64,
    pub(super) retried: u64,
    calls: u64,
    done: u64,
    died: u64,
    poisoned: u64,
    not_begun: u64,
    late: u64,
    tells: u64,
    lost_tells: u64,
}

impl Tally {
    fn count(&mut self, outcome: Reported) {
        self.calls += 1;
        *match outcome {
            Reported::Done => &mut self.done,
            Reported::Died => &mut self.died,
            Reported::Poisoned => &mut self.poisoned,
            Reported::NotBegun => &mut self.not_begun,
            Reported::Late => &mut self.late,
            Reported::Nothing => &mut self.tells,
        } += 1;
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.deaths += other.deaths;
        self.redelivered += other.redelivered;
        self.retried += other.retried;
        self.calls += other.calls;
        self.done += other.done;
        self.died += other.died;
        self.poisoned += other.poisoned;
        self.not_begun += other.not_begun;
        self.late += other.late;
        self.tells += other.tells;
        self.lost_tells += other.lost_tells;
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} deaths, {} calls: {} answered, {} had begun, {} had begun twice, {} not begun and said so, \
             {} given up by their callers, {} tells, of which {} were lost in the middle; {} went to the next \
             process unbegun, {} a second time",
            self.deaths,
            self.calls,
            self.done,
            self.died,
            self.poisoned,
            self.not_begun,
            self.late,
            self.tells,
            self.lost_tells,
            self.redelivered,
            self.retried
        )
    }
}
