//! The command line: its options and their defaults.

use std::time::Duration;

const USAGE: &str = "usage: rapace-endurance <command> [options]

  kills      plugins are killed at random moments under load; no call is lost, repeated or answered twice,
             and nothing is left over   (--count 2000, --seed, --inflight 6 calls, --plugins 3)
  hosts      hosts are killed; none of their plugins and their plugins' children is left   (--count 20)
  sessions   plugins come and go; descriptors, mappings, threads, tasks and memory return   (--count 10000)
  many       so many plugins at once, all answer   (--count 256)
  idle       what an idle session wakes, and what it holds   (--seconds 5)
  pages      large slots give their pages back
  programs   random programs of calls, callbacks, streams and kept values, with few slots, all end
             (--seconds 60, --kills to kill plugins meanwhile, --seed for one that was reported)
  deaths     from SIGKILL until callers know of it, for a small plugin and for one with a gigabyte
             (--count 200, --mebibytes 1024, --strict to hold it to 1 ms and 10 ms)

A million kills: rapace-endurance kills --count 1000000";

/// The part that this process runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    Kills,
    Hosts,
    Sessions,
    Many,
    Idle,
    Pages,
    Deaths,
    Programs,
    /// A plugin of a program.
    Node,
    /// A plugin of one of the commands.
    Plugin,
    /// A host that will be killed.
    Host,
    /// A child of a plugin of that host.
    Child,
}

/// The parsed command line.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub(crate) command: Command,
    count: Option<usize>,
    /// The first seed, if one is given.
    pub(crate) seed: Option<u64>,
    pub(crate) inflight: usize,
    pub(crate) plugins: usize,
    time: Option<Duration>,
    pub(crate) mebibytes: u64,
    pub(crate) strict: bool,
    pub(crate) kills: bool,
    /// Threads of a plugin of a program.
    pub(crate) threads: usize,
}

impl Options {
    pub(crate) fn from_arguments(
        mut arguments: impl Iterator<Item = String>,
    ) -> Result<Self, String> {
        let command = match arguments.next().as_deref() {
            Some("kills") => Command::Kills,
            Some("hosts") => Command::Hosts,
            Some("sessions") => Command::Sessions,
            Some("many") => Command::Many,
            Some("idle") => Command::Idle,
            Some("pages") => Command::Pages,
            Some("deaths") => Command::Deaths,
            Some("programs") => Command::Programs,
            Some("--node") => Command::Node,
            Some("--plugin") => Command::Plugin,
            Some("--host") => Command::Host,
            Some("--child") => Command::Child,
            other => {
                let what = other.unwrap_or("nothing");
                return Err(format!("{what} is no command\n\n{USAGE}"));
            }
        };
        let mut options = Self {
            command,
            count: None,
            seed: None,
            inflight: 6,
            plugins: 3,
            time: None,
            mebibytes: 1024,
            strict: false,
            kills: false,
            threads: 1,
        };
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--strict" => options.strict = true,
                "--kills" => options.kills = true,
                _ => options.set_number(&argument, arguments.next())?,
            }
        }
        Ok(options)
    }

    fn set_number(&mut self, argument: &str, number: Option<String>) -> Result<(), String> {
        let number = number.unwrap_or_default().parse::<u64>();
        let number = number.map_err(|_| format!("{argument} wants a number\n\n{USAGE}"))?;
        let count = usize::try_from(number.max(1)).unwrap_or(usize::MAX);
        match argument {
            "--count" => self.count = Some(count),
            "--seed" => self.seed = Some(number),
            "--inflight" => self.inflight = count,
            "--plugins" => self.plugins = count,
            "--seconds" => self.time = Some(Duration::from_secs(number.max(1))),
            "--mebibytes" => self.mebibytes = number.max(1),
            "--threads" => self.threads = count,
            _ => return Err(format!("what is `{argument}`?\n\n{USAGE}")),
        }
        Ok(())
    }

    pub(crate) fn seconds_or(&self, default: u64) -> Duration {
        self.time.unwrap_or(Duration::from_secs(default))
    }

    pub(crate) fn seed_or(&self, default: u64) -> u64 {
        self.seed.unwrap_or(default)
    }

    pub(crate) fn count_or(&self, default: usize) -> usize {
        self.count.unwrap_or(default)
    }
}
