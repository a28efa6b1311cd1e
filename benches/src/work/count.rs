//! Calls and a stream in turns, for a tool that counts executed instructions.

use std::process::ExitCode;

use super::parts::COUNTED;
use crate::turns::{Turns, WARM_UP, answerers_turn, callers_turn, others_turn};

/// Turns that are counted, in which calls are made.
pub(crate) const TURNS: u64 = 100;

/// Calls of each of those that are under way at a time.
pub(crate) const CALLS: u64 = TURNS;

/// Items of the stream that is counted. Its window begins with 16 of them, of which 8 have returned in the second turn; then
/// 32 come in each turn.
pub(crate) const ITEMS: u64 = 16 + 24 + 98 * 32;

/// The answerer's turns of that stream. The caller has one more.
pub(crate) const STREAM_TURNS: u64 = 100;

/// Turns that are counted, in which nothing happens.
pub(crate) const IDLE: u64 = 100;

/// The part of the subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// [`IDLE`] turns in which nothing happens.
    Idle,
    /// [`TURNS`] turns, in each of which this many calls are made.
    Calls { inflight: usize },
    /// One stream of [`ITEMS`] items.
    Stream,
}

impl Part {
    /// The arguments that make this program do this work.
    pub(crate) fn arguments(self) -> Vec<String> {
        let part = match self {
            Self::Idle => "idle".to_owned(),
            Self::Calls { inflight } => inflight.to_string(),
            Self::Stream => "stream".to_owned(),
        };
        vec![COUNTED.to_owned(), part]
    }

    fn from_word(word: &str) -> Result<Self, String> {
        match word {
            "idle" => Ok(Self::Idle),
            "stream" => Ok(Self::Stream),
            number => match number.parse() {
                Ok(inflight) => Ok(Self::Calls { inflight }),
                Err(_) => Err(format!(
                    "{COUNTED} wants `idle`, `stream` or a number, not `{number}`"
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
        Part::Stream => {
            turns
                .stream(ITEMS / 8, others_turn, others_turn)
                .map_err(why)?;
            let took = turns
                .stream(ITEMS, callers_turn, answerers_turn)
                .map_err(why)?;
            if took != STREAM_TURNS {
                return Err(format!(
                    "the stream took {took} turns, where {STREAM_TURNS} are counted"
                ));
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_found_by_its_arguments() {
        for part in [Part::Idle, Part::Calls { inflight: 64 }, Part::Stream] {
            assert_eq!(Part::from_word(&part.arguments()[1]), Ok(part));
        }
        assert!(Part::from_word("many").is_err());
    }
}
