//! What a plugin prints, line by line, into the host's log.
//!
//! - OU1: both pipes are read all the time, so a plugin never waits for its host to take its output.
//! - OU2: each line is one event: target `rapace::output`, level INFO, fields `plugin`, `incarnation`, `stream`. Which
//!   stream a line came from says nothing about how important it is.
//! - OU3: the end of stderr is kept, also what came without a final newline.
//! - OU4: what a dead process wrote is in the pipe: reading ends there, without waiting for the pipe's end, which
//!   the kernel may still have to bring about, or a grandchild put off for ever. From then on its writes fail with
//!   EPIPE.
//! - OU5: a pipe is read and its lines are cut under one lock, so that they stay in order whoever reads.

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

/// The two readers of one process. Dropping it closes the pipes, and a plugin that writes on is told so by SIGPIPE.
#[derive(Debug)]
pub struct Output {
    stdout: Pump,
    stderr: Pump,
}

impl Output {
    /// Starts to read both pipes of a process, on the current runtime.
    ///
    /// # Errors
    /// What the system said, if a pipe cannot be watched.
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

    /// The end of stderr as far as it has arrived.
    #[must_use]
    pub fn tail(&self) -> StderrTail {
        lock(&self.stderr.shared.state).tail.snapshot()
    }

    /// Reads what a process that has ended left in its pipes, closes them, and yields the end of stderr.
    ///
    /// Nothing is waited for but a subscriber that takes its time.
    ///
    /// # Cancel safety
    /// Dropping the future closes the pipes; lines that were not read are lost.
    pub async fn finish(mut self) -> StderrTail {
        self.stdout.finish().await;
        self.stderr.finish().await;
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

    /// OU3, OU4
    async fn finish(&mut self) {
        self.task.abort();
        // It ends where it waits. A subscriber that panics has ended it before; the lines so far are still there.
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
                // A pipe that cannot be read any more is at its end.
                Ok(Ok(0) | Err(_)) => return,
            }
        }
    }

    /// Takes what has arrived, as much as the buffer holds (OU5).
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
        // Outside the lock: a subscriber may take its time.
        lines.iter().for_each(|line| self.source.emit(line));
        Ok(count)
    }

    /// Emits what came without a newline: OU3.
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

/// Both pipes of every plugin have such a buffer: one page each, for output that is mostly short.
const READ_SIZE: usize = 4 * 1024;
/// What the kernel lets a pipe hold if nobody has the privilege to ask for more: what a process left behind is no more.
const LARGEST_PIPE: usize = 1024 * 1024;
