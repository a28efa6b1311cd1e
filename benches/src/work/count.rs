//! Calls in turns, for a tool that counts executed instructions.

use std::process::ExitCode;

use super::parts::COUNTED;
use crate::turns::{Turns, WARM_UP, answerers_turn, callers_turn, others_turn};

/// Turns that are counted, in which calls are made.
pub(crate) const TURNS: u64 = 100;

/// Calls of each of those that are under way at a time.
pub(crate) const CALLS: u64 = TURNS;

/// Turns that are counted, in which nothing happens.
pub(crate) const IDLE: u64 = 100;

/// The part of the subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// [`IDLE`] turns in which nothing happens.
    Idle,
    /// [`TURNS`] turns, in each of which this many calls are made.
    Calls { inflight: usize },
}

impl Part {
    /// The arguments that make this program do this work.
    pub(crate) fn arguments(self) -> Vec<String> {
        let part = match self {
            Self::Idle => "idle".to_owned(),
            Self::Calls { inflight } => inflight.to_string(),
        };
        vec![COUNTED.to_owned(), part]
    }

    fn from_word(word: &str) -> Result<Self, String> {
        match word {
            "idle" => Ok(Self::Idle),
            number => match number.parse() {
                Ok(inflight) => Ok(Self::Calls { inflight }),
                Err(_) => Err(format!(
                    "{COUNTED} wants `idle` or a number, not `{number}`"
                )),
            },
        }
    }
}

/// Runs the part that `words` name, to its end.
pub(super) fn run(words: &[String]) -> Result<ExitCode, String> {
    let [word] = words else {
        return Err(format!("{COUNTED} wants one word"));
    };
    let part = Part::from_word(word)?;
    let why = |why: crate::session_pair::BoxError| why.to_string();
    let turns = Turns::set_up().map_err(why)?;
    let (rounds, inflight) = WARM_UP;
    let warmed = turns.rounds(rounds, inflight, others_turn, others_turn);
    warmed.map_err(why)?;
    match part {
        Part::Idle => turns.idle(IDLE, callers_turn, answerers_turn),
        Part::Calls { inflight } => turns
            .rounds(TURNS, inflight, callers_turn, answerers_turn)
            .map_err(why)?,
    }
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_found_by_its_arguments() {
        for part in [Part::Idle, Part::Calls { inflight: 64 }] {
            assert_eq!(Part::from_word(&part.arguments()[1]), Ok(part));
        }
        assert!(Part::from_word("many").is_err());
    }
}
