//! What a plugin prints, line by line, into the host's log.
//!
//! - O1: both pipes are read all the time, so a plugin never waits for its host to take its output.
//! - O2: each line is one event: target `rapace::plugin`, level INFO, fields `plugin`, `incarnation`, `stream`. Which
//!   stream a line came from says nothing about how important it is.
//! - O3: the end of stderr is kept, also what came without a final newline.
//! - O4: reading ends with the pipe, or some time after the process: a grandchild may hold the pipe open for ever.
//!   From then on its writes fail with EPIPE.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{ChildStderr, ChildStdout};
use tokio::task::JoinHandle;

use super::lines::LineSplitter;
use super::tail::Tail;
use super::{Incarnation, StderrTail};

/// The two readers of one process. Dropping it closes the pipes, and a plugin that writes on is told so by SIGPIPE.
#[derive(Debug)]
pub struct Output {
    stdout: Pump,
    stderr: Pump,
}

impl Output {
    /// Starts to read both pipes of a process, on the current runtime.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    #[must_use]
    pub fn forward(
        plugin: &Arc<str>,
        incarnation: Incarnation,
        stdout: ChildStdout,
        stderr: ChildStderr,
    ) -> Self {
        let source = |stream| Source {
            plugin: Arc::clone(plugin),
            incarnation,
            stream,
        };
        Self {
            stdout: Pump::start(source("stdout"), stdout),
            stderr: Pump::start(source("stderr"), stderr),
        }
    }

    /// The end of stderr as far as it has arrived.
    #[must_use]
    pub fn tail(&self) -> StderrTail {
        self.stderr.state().tail.snapshot()
    }

    /// Reads what is left after the process has ended, for at most `patience`, and yields the end of stderr.
    ///
    /// What a dead process wrote is in the pipe already, so this returns at once unless a grandchild holds the pipe.
    ///
    /// # Cancel safety
    /// Dropping the future closes the pipes; lines that were not read are lost.
    pub async fn finish(mut self, patience: Duration) -> StderrTail {
        let drained = async {
            self.stdout.ended().await;
            self.stderr.ended().await;
        };
        if tokio::time::timeout(patience, drained).await.is_err() {
            tracing::debug!(
                target: "rapace",
                plugin = %self.stderr.source.plugin,
                incarnation = self.stderr.source.incarnation.get(),
                "a process that the plugin has started still holds its output; closing it"
            );
        }
        self.stdout.flush();
        self.stderr.flush();
        self.tail()
    }
}

/// Where a line comes from.
#[derive(Clone, Debug)]
struct Source {
    plugin: Arc<str>,
    incarnation: Incarnation,
    stream: &'static str,
}

impl Source {
    fn emit(&self, line: &str) {
        tracing::info!(
            target: "rapace::plugin",
            plugin = %self.plugin,
            incarnation = self.incarnation.get(),
            stream = self.stream,
            "{line}"
        );
    }
}

/// One pipe and the task that reads it.
#[derive(Debug)]
struct Pump {
    source: Source,
    shared: Arc<Mutex<State>>,
    task: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct State {
    splitter: LineSplitter,
    tail: Tail,
}

impl Pump {
    fn start(source: Source, pipe: impl AsyncRead + Unpin + Send + 'static) -> Self {
        let shared = Arc::new(Mutex::new(State::default()));
        let task = tokio::spawn(read(source.clone(), Arc::clone(&shared), pipe));
        Self {
            source,
            shared,
            task,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.shared)
    }

    async fn ended(&mut self) {
        if !self.task.is_finished() {
            // A subscriber that panics ends the reader; the lines so far are still there.
            let _ = (&mut self.task).await;
        }
    }

    /// Emits what came without a newline: O3.
    fn flush(&self) {
        let rest = {
            let mut state = self.state();
            let rest = state.splitter.finish();
            rest.inspect(|line| state.tail.push(line))
        };
        if let Some(line) = rest {
            self.source.emit(&line);
        }
    }
}

impl Drop for Pump {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn read(source: Source, shared: Arc<Mutex<State>>, mut pipe: impl AsyncRead + Unpin) {
    let mut buffer = vec![0; READ_SIZE];
    let mut lines = Vec::new();
    // A pipe that cannot be read any more is at its end.
    while let Ok(count @ 1..) = pipe.read(&mut buffer).await {
        {
            let State { splitter, tail } = &mut *lock(&shared);
            splitter.feed(&buffer[..count], |line| {
                tail.push(&line);
                lines.push(line);
            });
        }
        // Outside the lock: a subscriber may take its time.
        lines.drain(..).for_each(|line| source.emit(&line));
    }
}

fn lock(shared: &Mutex<State>) -> MutexGuard<'_, State> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Both pipes of every plugin have such a buffer: one page each, for output that is mostly short.
const READ_SIZE: usize = 4 * 1024;
