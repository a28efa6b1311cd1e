//! The threads that start plugin processes.
//!
//! - SW1: they live as long as the host, and the end of any of them is the earliest sign of the host's: plugins wait for
//!   it. For the kernel, which tells of a parent's death, the parent is the *thread* that started a process: a worker
//!   thread of a runtime that is shut down would be taken for a host that died.
//! - SW2: nothing that goes wrong with one start ends a thread, not even a panic.
//! - SW3: a start either yields a handle or leaves no process behind.
//! - SW4: a handle nobody waits for any more is dropped, and so its process is killed. One that is still in `exec` is
//!   killed there, and never runs. One that waits for others leaves the queue.
//! - SW5: mostly there is one of them. As long as a start waits, one more is there, and takes over from one that hangs.

use std::io;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::process::{ChildStderr, ChildStdout};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Instant;

use nix::unistd::Pid;
use rapace_codec::guarded;
use rapace_session::check_timers;
use rapace_spawn::{Attempt, Leash, Step};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use super::spawn_error::named;
use super::starts::{Next, Starts};
use super::unreaped::Unreaped;
use super::{PluginCommand, PluginProcess, SpawnError, SpawnErrorKind, thread_end, thread_names};

/// A process that was started, and its two pipes.
#[derive(Debug)]
pub struct Spawned {
    /// The process itself.
    pub process: PluginProcess,
    /// What it writes to stdout.
    pub stdout: ChildStdout,
    /// What it writes to stderr.
    pub stderr: ChildStderr,
}

/// Starts a process for `command`, with `control` as its stdin. The kernel kills it, and its group if it has one of its
/// own, when this process is gone, from before it runs and as long as the [worn](Leash::worn) end of `leash` is open
/// there: put that into the other end of `control` before.
///
/// The process belongs to the runtime that this is called in. Give the pipes to [`Output`](super::Output): a process
/// whose pipes nobody reads stops at the first 64 KiB.
///
/// # Cancel safety
/// If the future is dropped, a process that was started meanwhile is killed. One that hangs in `exec`, which reads
/// the program, never runs.
///
/// # Errors
/// [`SpawnError`] says what stood in the way and how to remove it. No process is left behind.
pub async fn spawn(
    command: &PluginCommand,
    control: OwnedFd,
    leash: Leash,
) -> Result<Spawned, SpawnError> {
    queue(command, control, leash)?.started().await
}

/// Asks for a start, as [`spawn`] does. It begins as soon as no other is in its way.
pub(crate) fn queue(
    command: &PluginCommand,
    control: OwnedFd,
    leash: Leash,
) -> Result<Queued, SpawnError> {
    let runtime = Handle::try_current().map_err(|_| no_runtime(command, NO_RUNTIME))?;
    check_timers().map_err(|why| no_runtime(command, why))?;
    let (begins, begun) = oneshot::channel();
    let (answer, started) = oneshot::channel();
    let attempt = Arc::<Attempt>::default();
    let job = {
        let command = command.clone();
        let attempt = Arc::clone(&attempt);
        move || {
            if attempt.is_given_up() {
                return;
            }
            let _ = begins.send(());
            let start = || start(&command, control, leash, &attempt, &runtime);
            let result = guarded(start)
                .unwrap_or_else(|panic| Err(no_runtime(&command, &what_tokio_says(&panic))));
            // Nobody waits any more: SW4.
            drop(answer.send(result));
        }
    };
    let number = submit(Place::of(command), Box::new(job))
        .map_err(|error| SpawnError::diagnose(command, error))?;
    Ok(Queued {
        command: command.clone(),
        attempt,
        number,
        begun,
        started,
    })
}

/// A start that was asked for. It is given up when nobody waits for it any more (SW4). One that has succeeded is not
/// touched by that.
pub(crate) struct Queued {
    command: PluginCommand,
    attempt: Arc<Attempt>,
    number: u64,
    begun: oneshot::Receiver<()>,
    started: oneshot::Receiver<Result<Spawned, SpawnError>>,
}

impl Queued {
    /// Waits until no other start is in its way. To be asked once.
    pub(crate) async fn begun(&mut self) {
        let _ = (&mut self.begun).await;
    }

    /// Waits until it has succeeded or failed.
    pub(crate) async fn started(mut self) -> Result<Spawned, SpawnError> {
        match (&mut self.started).await {
            Ok(result) => result,
            Err(_) => Err(no_runtime(&self.command, ABANDONED)),
        }
    }
}

impl Drop for Queued {
    fn drop(&mut self) {
        self.attempt.give_up();
        let mut guard = lock();
        let job = guard.get_or_insert_default().starts.take_back(self.number);
        drop(guard);
        drop(job);
    }
}

/// The programs that the kernel has been reading for too long, each once.
pub(crate) fn hanging() -> Vec<PathBuf> {
    let mut guard = lock();
    let starts = &guard.get_or_insert_default().starts;
    let mut programs = Vec::new();
    for Place { program, .. } in starts.hanging(Instant::now()) {
        if !programs.contains(program) {
            programs.push(program.clone());
        }
    }
    programs
}

/// What the kernel looks for before a process runs. It is not looked up here, where a file system that does not answer
/// would hold up a runtime.
#[derive(PartialEq)]
struct Place {
    program: PathBuf,
    directory: Option<PathBuf>,
}

impl Place {
    fn of(command: &PluginCommand) -> Self {
        Self {
            program: command.program().into(),
            directory: command.working_directory().map(Into::into),
        }
    }
}

type Job = Box<dyn FnOnce() + Send>;

/// The threads, as far as they are idle or carry out a start.
#[derive(Default)]
struct Pool {
    starts: Starts<Place, Job>,
    threads: usize,
}

impl Pool {
    /// SW5
    fn staff(&mut self) -> io::Result<()> {
        if self.threads == self.starts.running() && self.starts.waiting() > 0 {
            thread::Builder::new()
                .name(thread_names::SPAWNER.into())
                .spawn(work)?;
            self.threads += 1;
        }
        Ok(())
    }
}

static POOL: Mutex<Option<Pool>> = Mutex::new(None);
static CHANGED: Condvar = Condvar::new();

fn lock() -> MutexGuard<'static, Option<Pool>> {
    POOL.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Gives `job` to a thread, which is started if none is idle, and a number.
fn submit(place: Place, job: Job) -> io::Result<u64> {
    let mut guard = lock();
    let pool = guard.get_or_insert_default();
    let number = pool.starts.ask(place, job, Instant::now());
    match pool.staff() {
        // One of those that are busy does it later.
        Err(_) if pool.threads > 0 => {}
        Err(error) => {
            pool.starts.take_back(number);
            return Err(error);
        }
        Ok(()) => {}
    }
    CHANGED.notify_all();
    Ok(number)
}

/// What each thread does, for ever.
fn work() {
    let mut guard = lock();
    loop {
        let pool = guard.get_or_insert_default();
        match pool.starts.next(Instant::now()) {
            Next::Begin(job, number) => {
                // Without, they wait until this one is done.
                let _ = pool.staff();
                drop(guard);
                job();
                guard = lock();
                guard.get_or_insert_default().starts.done(number);
                CHANGED.notify_all();
            }
            Next::Wait(None) => {
                guard = CHANGED.wait(guard).unwrap_or_else(PoisonError::into_inner);
            }
            Next::Wait(Some(at)) => {
                let time = at.saturating_duration_since(Instant::now());
                let waited = CHANGED.wait_timeout(guard, time);
                guard = waited.unwrap_or_else(PoisonError::into_inner).0;
            }
        }
    }
}

/// Runs on the thread.
fn start(
    command: &PluginCommand,
    control: OwnedFd,
    leash: Leash,
    attempt: &Attempt,
    runtime: &Handle,
) -> Result<Spawned, SpawnError> {
    let _inside = runtime.enter();
    let diagnose = |error| SpawnError::diagnose(command, error);
    preflight().map_err(diagnose)?;
    let launch = command.to_launch().map_err(diagnose)?;
    let pipe = || io::pipe().map_err(|error| diagnose(named(Step::Pipe, error)));
    let (stdout, their_stdout) = pipe()?;
    let (stderr, their_stderr) = pipe()?;
    let stdio = [control, their_stdout.into(), their_stderr.into()];
    let (pid, leash) = launch
        .start(stdio, leash, attempt)
        .map_err(|error| SpawnError::of_launch(command, error))?;
    let process =
        PluginProcess::new(Unreaped::new(pid), command.has_own_group(), leash).map_err(diagnose)?;
    // If this fails, dropping `process` kills it: SW3.
    let limited = command.resource_limits().apply(process.pid());
    limited
        .map_err(|(limit, error)| SpawnError::new(command, SpawnErrorKind::Limit(limit), error))?;
    Ok(Spawned {
        process,
        stdout: OwnedFd::from(stdout).into(),
        stderr: OwnedFd::from(stderr).into(),
    })
}
/// Registers two descriptors with the runtime, as a start does after the process runs. Where that cannot succeed, for
/// want of an I/O driver or of room in it, it fails here, before there is a process to lose: SW3. What is registered has
/// nothing to tell, so that the runtime is not woken for it.
fn preflight() -> io::Result<()> {
    let silent = || thread_end::register(thread_end::of_process(Pid::this().as_raw())?);
    let _both = (silent()?, silent()?);
    Ok(())
}

fn no_runtime(command: &PluginCommand, why: &str) -> SpawnError {
    SpawnError::new(
        command,
        SpawnErrorKind::NoRuntime,
        io::Error::other(why.to_owned()),
    )
}

const NO_RUNTIME: &str =
    "there is no tokio runtime here; call this inside of one built with `enable_all`";
const ABANDONED: &str = "the start was abandoned; keep the tokio runtime that it was asked for in";

/// What tokio says of a runtime that lacks something, or is gone.
fn what_tokio_says(message: &str) -> String {
    format!("{message}; call this inside a tokio runtime built with `enable_all`")
}
