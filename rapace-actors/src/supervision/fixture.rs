//! Deaths for the tests of this folder.

use std::time::Duration;

use super::Failure;
use crate::process::{Death, DeathReport, EndedBy, ExitCause, Incarnation, StderrTail};

pub(crate) const CRASH: ExitCause = ExitCause::Signalled {
    signal: 11,
    core_dumped: false,
};

pub(crate) fn death(incarnation: u64, cause: ExitCause, ended_by: EndedBy) -> Death {
    let incarnation = (1..incarnation).fold(Incarnation::FIRST, |it, _| it.next());
    Death::new(DeathReport {
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
    Failure::Died(death(incarnation, CRASH, EndedBy::Itself))
}
