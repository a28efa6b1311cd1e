//! Decides what a case measures under the given options: work, payload, depth, floor and the length of a round.

use std::time::Duration;

use super::case::{Case, Floor};
use super::options::Options;
use super::point::Point;

/// A case under given options.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Plan {
    pub(super) case: Case,
    /// The case's name, with the options that change what it measures.
    pub(super) label: String,
    /// The work of its subject.
    pub(super) work: &'static str,
    pub(super) point: Point,
    /// The floor that the case is compared with.
    pub(super) floor: Option<Floor>,
    /// The length of one round: enough for several operations, short enough that a disturbance hits the floor too.
    pub(super) round: Duration,
}

impl Plan {
    pub(super) fn of(case: Case, options: &Options) -> Self {
        let point = point(case, options);
        Self {
            case,
            label: label(case, options),
            work: work(case, options),
            point,
            floor: floor(case, options, &point),
            round: round(case, options),
        }
    }

    /// Returns `true` if the rate with many operations in flight is compared with the rate with one.
    pub(super) fn scales(&self) -> bool {
        self.case == Case::Fanout && self.point.inflight > 1
    }
}

fn label(case: Case, options: &Options) -> String {
    let blob = if options.blob { " --blob" } else { "" };
    let touch = if options.setting.touch {
        " --touch"
    } else {
        ""
    };
    format!("{}{blob}{touch}", case.name())
}

fn work(case: Case, options: &Options) -> &'static str {
    match case {
        Case::Floor => Floor::PingPong.work(),
        Case::Stream if options.blob => "blobs",
        _ => case.name(),
    }
}

/// Payload and depth, as asked for or by default. A case without a payload has 0 bytes.
fn point(case: Case, options: &Options) -> Point {
    let bytes = match case {
        Case::Floor | Case::Idle | Case::Spawn | Case::Restart => 0,
        Case::Blob => options.bytes.unwrap_or(64 << 10),
        Case::Stream if options.blob => options.bytes.unwrap_or(64 << 10),
        Case::Stream | Case::Codec => options.bytes.unwrap_or(1 << 10),
        _ => options.bytes.unwrap_or(16),
    };
    let inflight = match case {
        Case::Idle | Case::Codec => 1,
        Case::Fanout => options.inflight.unwrap_or(4),
        _ => options.inflight.unwrap_or(1),
    };
    Point { bytes, inflight }
}

fn floor(case: Case, options: &Options, point: &Point) -> Option<Floor> {
    Some(match case {
        Case::Floor | Case::Fanout => Floor::PingPong,
        Case::Blob if options.setting.touch => Floor::Memcpy,
        Case::Ask | Case::Recipient | Case::Blob if point.inflight > 1 => Floor::Local,
        Case::Ask | Case::Recipient | Case::Blob => Floor::PingPong,
        Case::Local => Floor::Channel,
        Case::Tell => Floor::LocalTell,
        Case::Stream | Case::Codec => Floor::Memcpy,
        Case::Spawn | Case::Restart => Floor::Process,
        Case::Idle | Case::Kept | Case::Compare | Case::Count => return None,
    })
}

fn round(case: Case, options: &Options) -> Duration {
    match case {
        Case::Idle => options.time(),
        Case::Spawn | Case::Restart => Duration::from_millis(200),
        _ => Duration::from_millis(40),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pipelined_call_is_held_against_local_work_and_a_single_one_against_a_ping_pong() {
        let mut options = Options::default();
        let floor = |case: Case, options: &Options| Plan::of(case, options).floor;
        assert_eq!(floor(Case::Ask, &options), Some(Floor::PingPong));
        assert_eq!(floor(Case::Blob, &options), Some(Floor::PingPong));
        options.inflight = Some(64);
        assert_eq!(floor(Case::Ask, &options), Some(Floor::Local));
        assert_eq!(floor(Case::Fanout, &options), Some(Floor::PingPong));
        options.setting.touch = true;
        assert_eq!(floor(Case::Blob, &options), Some(Floor::Memcpy));
    }
}
