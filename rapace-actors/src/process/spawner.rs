//! The threads that start plugin processes.
//!
//! - SW1: they live as long as the host, and plugins watch for the end of one as the earliest sign of the
//!   host's death. For the kernel's parent-death signal, the parent is the *thread* that started a process: if
//!   a runtime's worker thread did, the end of that runtime would look like the host's death.
//! - SW2: no failed start ends a thread, not even a panic.
//! - SW3: a start either returns a handle or leaves no process behind.
//! - SW4: if the caller stops waiting, the process's handle is dropped, which kills it. A process still in
//!   `exec` is killed there and never runs. A queued start leaves the queue.
//! - SW5: usually there is one thread. While a start waits in the queue there is one more, which takes over if
//!   the first one hangs.

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

/// A started process and its two pipes.
#[derive(Debug)]
pub struct Spawned {
    /// The process.
    pub process: PluginProcess,
    /// Its stdout.
    pub stdout: ChildStdout,
    /// Its stderr.
    pub stderr: ChildStderr,
}

/// Starts a process for `command`, with `control` as its stdin. When this process dies, the kernel kills the
/// new process, and its group if it leads one; that holds from before it runs, for as long as it keeps the
/// [worn](Leash::worn) end of `leash` open. So send that end into the other end of `control` first.
///
/// The process is tied to the calling runtime. Pass the pipes to [`Output`](super::Output): a process whose
/// pipes nobody reads blocks after 64 KiB.
///
/// # Cancel safety
/// Dropping the future kills the process. A process still in `exec`, which reads the program, never runs.
///
/// # Errors
/// [`SpawnError`] says why the start failed and how to fix it. No process is left behind.
pub async fn spawn(
    command: &PluginCommand,
    control: OwnedFd,
    leash: Leash,
) -> Result<Spawned, SpawnError> {
    queue(command, control, leash)?.started().await
}

/// Queues a start, as [`spawn`] does. It begins as soon as no other start blocks it.
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
            // If the caller is gone, the handle is dropped (SW4).
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

/// A queued start. Dropping it cancels the start (SW4), unless it has succeeded already.
pub(crate) struct Queued {
    command: PluginCommand,
    attempt: Arc<Attempt>,
    number: u64,
    begun: oneshot::Receiver<()>,
    started: oneshot::Receiver<Result<Spawned, SpawnError>>,
}

impl Queued {
    /// Waits until no other start blocks it. Call it once.
    pub(crate) async fn begun(&mut self) {
        let _ = (&mut self.begun).await;
    }

    /// Waits until the start has succeeded or failed.
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

/// Returns the programs whose starts hang, each once.
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

/// The paths that the kernel looks up at a start. They are not looked up here, where a file system that does
/// not respond would block a runtime.
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

/// The spawner threads and what they do.
#[derive(Default)]
struct Pool {
    starts: Starts<Place, Job>,
    threads: usize,
}

impl Pool {
    /// Starts another thread if one is needed (SW5).
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

/// Passes `job` to a thread, starting one if none is idle. Returns the job's number.
fn submit(place: Place, job: Job) -> io::Result<u64> {
    let mut guard = lock();
    let pool = guard.get_or_insert_default();
    let number = pool.starts.ask(place, job, Instant::now());
    match pool.staff() {
        // A busy thread does it later.
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

/// The loop of each thread.
fn work() {
    let mut guard = lock();
    loop {
        let pool = guard.get_or_insert_default();
        match pool.starts.next(Instant::now()) {
            Next::Begin(job, number) => {
                // Without another thread, queued starts wait for this one.
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

/// Starts one process; runs on a spawner thread.
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
    // On failure, dropping `process` kills it (SW3).
    let limited = command.resource_limits().apply(process.pid());
    limited
        .map_err(|(limit, error)| SpawnError::new(command, SpawnErrorKind::Limit(limit), error))?;
    Ok(Spawned {
        process,
        stdout: OwnedFd::from(stdout).into(),
        stderr: OwnedFd::from(stderr).into(),
    })
}
/// Registers two descriptors with the runtime, as a start does once the process runs. If the runtime has no I/O
/// driver or no room in it, that fails here, before there is a process to lose (SW3). The descriptors never
/// become ready, so that the runtime is not woken for them.
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

/// Turns tokio's panic message about a missing feature or a runtime that is gone into an error text.
fn what_tokio_says(message: &str) -> String {
    format!("{message}; call this inside a tokio runtime built with `enable_all`")
}
