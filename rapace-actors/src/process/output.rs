//! Logs what a plugin prints, line by line, in the host.
//!
//! - OU1: both pipes are always being read, so a plugin never waits for its host to read its output.
//! - OU2: each line is one event: target `rapace::output`, level INFO, fields `plugin`, `incarnation`,
//!   `stream`. The level is the same for both streams, since the stream does not tell how important a line is.
//! - OU3: the end of stderr is kept, including a last line without a newline.
//! - OU4: everything that a dead process wrote is in the pipe. Reading stops there, without waiting for EOF,
//!   which the kernel may deliver later, or which a grandchild may delay forever. After that, writes to the
//!   pipe fail with EPIPE.
//! - OU5: reading a pipe and splitting it into lines happens under one lock, so lines stay in order whichever
//!   task reads.

use std::io;
use std::os::fd::OwnedFd;
use std::process::{ChildStderr, ChildStdout};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use tokio::io::unix::AsyncFd;
use tokio::task::JoinHandle;

use super::lines::LineSplitter;
use super::tail::Tail;
use super::{Incarnation, StderrTail, thread_end};

/// The two readers of one process's output. Dropping it closes the pipes; a plugin that writes after that gets
/// SIGPIPE.
#[derive(Debug)]
pub struct Output {
    stdout: Pump,
    stderr: Pump,
}

impl Output {
    /// Starts reading both pipes of a process on the current runtime.
    ///
    /// # Errors
    /// The system's error, if a pipe cannot be registered with the runtime.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn forward(
        plugin: &Arc<str>,
        incarnation: Incarnation,
        stdout: ChildStdout,
        stderr: ChildStderr,
    ) -> io::Result<Self> {
        let source = |stream| Source {
            plugin: Arc::clone(plugin),
            incarnation,
            stream,
        };
        Ok(Self {
            stdout: Pump::start(source("stdout"), stdout.into())?,
            stderr: Pump::start(source("stderr"), stderr.into())?,
        })
    }

    /// Returns the end of stderr as received so far.
    #[must_use]
    pub fn tail(&self) -> StderrTail {
        lock(&self.stderr.shared.state).tail.snapshot()
    }

    /// Reads what a dead process left in its pipes, closes them, and returns the end of stderr.
    ///
    /// It waits for nothing except a slow `tracing` subscriber.
    ///
    /// # Cancel safety
    /// Dropping the future closes the pipes; unread lines are lost.
    pub async fn finish(mut self) -> StderrTail {
        self.stdout.finish().await;
        self.stderr.finish().await;
        self.tail()
    }
}

/// The origin of a line.
#[derive(Clone, Debug)]
struct Source {
    plugin: Arc<str>,
    incarnation: Incarnation,
    stream: &'static str,
}

impl Source {
    fn emit(&self, line: &str) {
        tracing::info!(
            target: "rapace::output",
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
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    source: Source,
    pipe: AsyncFd<OwnedFd>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    splitter: LineSplitter,
    tail: Tail,
}

impl Pump {
    fn start(source: Source, pipe: OwnedFd) -> io::Result<Self> {
        set_nonblocking(&pipe)?;
        let shared = Arc::new(Shared {
            source,
            pipe: thread_end::register(pipe)?,
            state: Mutex::default(),
        });
        let reader = Arc::clone(&shared);
        let task = tokio::spawn(async move { reader.read_to_the_end().await });
        Ok(Self { shared, task })
    }

    /// Reads the rest (OU3, OU4).
    async fn finish(&mut self) {
        self.task.abort();
        // The abort takes effect at its next await. If a subscriber panicked, the task ended before; the lines
        // so far are kept.
        let _ = (&mut self.task).await;
        let mut buffer = vec![0; READ_SIZE];
        for _ in 0..LARGEST_PIPE / READ_SIZE {
            if !matches!(self.shared.read(&mut buffer), Ok(1..)) {
                break;
            }
        }
        self.shared.flush();
    }
}

fn set_nonblocking(pipe: &OwnedFd) -> nix::Result<()> {
    let flags = OFlag::from_bits_retain(fcntl(pipe, FcntlArg::F_GETFL)?);
    fcntl(pipe, FcntlArg::F_SETFL(flags | OFlag::O_NONBLOCK)).map(drop)
}

impl Shared {
    async fn read_to_the_end(&self) {
        let mut buffer = vec![0; READ_SIZE];
        while let Ok(mut ready) = self.pipe.readable().await {
            match ready.try_io(|_| self.read(&mut buffer)) {
                Ok(Ok(1..)) | Err(_) => {}
                // A read error counts as EOF.
                Ok(Ok(0) | Err(_)) => return,
            }
        }
    }

    /// Reads as much as the buffer holds (OU5).
    fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut lines = Vec::new();
        let count = {
            let State { splitter, tail } = &mut *lock(&self.state);
            let count = loop {
                match nix::unistd::read(self.pipe.get_ref(), &mut *buffer) {
                    Err(Errno::EINTR) => {}
                    read => break read?,
                }
            };
            splitter.feed(&buffer[..count], |line| {
                tail.push(&line);
                lines.push(line);
            });
            count
        };
        // Outside the lock: a subscriber may be slow.
        lines.iter().for_each(|line| self.source.emit(line));
        Ok(count)
    }

    /// Emits a last line without a newline (OU3).
    fn flush(&self) {
        let rest = {
            let mut state = lock(&self.state);
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

fn lock(shared: &Mutex<State>) -> MutexGuard<'_, State> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The read buffer's size, one per pipe and plugin: a page, since output is mostly short.
const READ_SIZE: usize = 4 * 1024;
/// The largest pipe that the kernel allows without privileges: a dead process left no more than that.
const LARGEST_PIPE: usize = 1024 * 1024;
