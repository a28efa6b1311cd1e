//! A process that does rounds, by its command line: this program or a peer's.

use std::path::{Path, PathBuf};
use std::process::Command;

use rapace_measure::machine;

use super::case::Floor;
use super::options::Options;
use super::plan::Plan;
use super::point::Point;
use crate::work::SUBJECT;

/// Something that can do rounds, by its command line.
#[derive(Clone, Debug)]
pub(super) struct Subject {
    pub(super) name: String,
    program: PathBuf,
    arguments: Vec<String>,
    /// `true` if it has one operation in flight, however many the others have.
    alone: bool,
}

impl Subject {
    pub(super) fn of_plan(plan: &Plan, options: &Options) -> Result<Self, String> {
        Self::own(plan.case.name(), plan.work, options)
    }

    pub(super) fn of_floor(floor: Floor, options: &Options) -> Result<Self, String> {
        Self::own(floor.work(), floor.work(), options)
    }

    /// This program with this work.
    pub(super) fn own(name: &str, work: &str, options: &Options) -> Result<Self, String> {
        let program = std::env::current_exe().map_err(|why| why.to_string())?;
        let mut arguments = vec![SUBJECT.to_owned(), work.to_owned()];
        arguments.extend(options.setting.arguments());
        Ok(Self {
            name: name.to_owned(),
            program,
            arguments,
            alone: false,
        })
    }

    /// Another program.
    pub(super) fn peer(name: &str, program: &Path, words: &[&str], options: &Options) -> Self {
        let mut arguments = words
            .iter()
            .map(|word| (*word).to_owned())
            .collect::<Vec<_>>();
        arguments.extend(options.setting.arguments());
        Self {
            name: name.to_owned(),
            program: program.to_owned(),
            arguments,
            alone: false,
        }
    }

    /// The same subject with one operation in flight.
    pub(super) fn alone(&self) -> Self {
        let mut alone = self.clone();
        alone.name += ", one";
        alone.alone = true;
        alone
    }

    /// How many operations it has in flight at this point.
    pub(super) fn depth(&self, point: &Point) -> usize {
        if self.alone { 1 } else { point.inflight }
    }

    /// The command line of the subject.
    ///
    /// # Errors
    /// If the usable processors cannot be found out.
    pub(super) fn command(&self) -> Result<Command, String> {
        let (name, usable) = machine::usable_for_children().map_err(|why| why.to_string())?;
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).env(name, usable);
        Ok(command)
    }
}
