//! What was asked for.

use std::time::Duration;

const USAGE: &str = "usage: rapace-bench [options]

  --json         one JSON object instead of a table
  --rounds <n>   rounds of all rows (default 9)
  --time <ms>    time for each row in each round (default 60)
  --workers <n>  tokio worker threads in each process (default 0: the current-thread runtime)
  --only <text>  only rows with this text in them, such as \"Blob\" or \"64 asks\"
  --same-cpu     all processes stay on one processor: what a round trip costs in work, also on a
                 machine that has other things to do
  --no-pin       let the scheduler choose: by default, with the current-thread runtime and two
                 processors or more, each process stays on one of its own";

/// What this process is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// The one that a person starts.
    Bench,
    /// The plugin that is asked.
    Plugin,
    /// The other end of the floor.
    Answerer,
}

/// Everything.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub(crate) role: Role,
    pub(crate) json: bool,
    pub(crate) rounds: usize,
    pub(crate) time: Duration,
    pub(crate) workers: usize,
    /// The processor that this process stays on.
    pub(crate) cpu: Option<usize>,
    /// The one that those stay on that this process starts.
    pub(crate) other_cpu: usize,
    pub(crate) only: String,
}

impl Options {
    pub(crate) fn from_arguments(
        mut arguments: impl Iterator<Item = String>,
    ) -> Result<Self, String> {
        let cpus = std::thread::available_parallelism().map_or(1, usize::from);
        let mut options = Self {
            role: Role::Bench,
            json: false,
            rounds: 9,
            time: Duration::from_millis(60),
            workers: 0,
            cpu: (cpus >= 2).then_some(0),
            other_cpu: 1,
            only: String::new(),
        };
        while let Some(argument) = arguments.next() {
            let mut number = || {
                let value = arguments.next().unwrap_or_default();
                let value = value.parse::<usize>();
                value.map_err(|_| format!("{argument} wants a number\n\n{USAGE}"))
            };
            match argument.as_str() {
                "--json" => options.json = true,
                "--rounds" => options.rounds = number()?.max(1),
                "--time" => options.time = Duration::from_millis(number()?.max(1) as u64),
                "--workers" => {
                    options.workers = number()?;
                    options.cpu = options.cpu.filter(|_| options.workers == 0);
                }
                "--only" => options.only = arguments.next().unwrap_or_default(),
                "--same-cpu" => (options.cpu, options.other_cpu) = (Some(0), 0),
                "--no-pin" => options.cpu = None,
                "--cpu" => options.cpu = Some(number()?),
                "--plugin" => options.role = Role::Plugin,
                "--answerer" => options.role = Role::Answerer,
                _ => return Err(format!("what is `{argument}`?\n\n{USAGE}")),
            }
        }
        Ok(options)
    }

    /// The arguments that start another process of the same kind in `role`.
    pub(crate) fn for_child(&self, role: Role) -> Vec<String> {
        let role = match role {
            Role::Bench => None,
            Role::Plugin => Some("--plugin"),
            Role::Answerer => Some("--answerer"),
        };
        // In this order: a number of workers undoes a default, and the processor is said at last.
        let workers = ["--workers".to_owned(), self.workers.to_string()];
        let pinned = match self.cpu {
            Some(_) => vec!["--cpu".to_owned(), self.other_cpu.to_string()],
            None => vec!["--no-pin".to_owned()],
        };
        let role = role.into_iter().map(str::to_owned);
        role.chain(workers).chain(pinned).collect()
    }
}
