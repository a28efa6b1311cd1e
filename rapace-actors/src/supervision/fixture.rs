//! Deaths for the tests of this folder.

use std::time::Duration;

use super::Failure;
use crate::process::{EndedBy, ExitCause, ExitDetails, ExitReport, Incarnation, StderrTail};

pub(crate) const CRASH: ExitCause = ExitCause::Signalled {
    signal: 11,
    core_dumped: false,
};

pub(crate) fn exit(incarnation: u64, cause: ExitCause, ended_by: EndedBy) -> ExitReport {
    let incarnation = (1..incarnation).fold(Incarnation::FIRST, |it, _| it.next());
    ExitReport::new(ExitDetails {
        plugin: "images".into(),
        incarnation,
        cause,
        ended_by,
        for_good: false,
        lived: Duration::from_secs(1),
        connected: true,
        stderr: StderrTail::default(),
    })
}

pub(crate) fn crash(incarnation: u64) -> Failure {
    Failure::Died(exit(incarnation, CRASH, EndedBy::Itself))
}
