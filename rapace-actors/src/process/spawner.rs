//! The one thread that starts every plugin process.
//!
//! - S1: the thread lives as long as the host, and its end is the earliest sign of the host's: plugins wait for it. For
//!   the kernel, which signals a parent's death, the parent is the *thread* that started a process: a worker thread of
//!   a runtime that is shut down would be taken for a host that died.
//! - S2: nothing that goes wrong with one start ends the thread, not even a panic.
//! - S3: a start either yields a handle or leaves no process behind.
//! - S4: a handle nobody waits for any more is dropped, and so its process is killed.

use std::io;
use std::os::fd::OwnedFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::{ChildStderr, ChildStdout, Stdio};
use std::sync::{Mutex, PoisonError, mpsc};
use std::thread;

use nix::unistd::Pid;
use rapace_session::check_timers;
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use super::{PluginCommand, PluginProcess, SpawnError, SpawnErrorKind, thread_end};

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

/// Starts a process for `command`, with `control` as its stdin.
///
/// The process belongs to the runtime that this is called in. Give the pipes to [`Output`](super::Output): a process
/// whose pipes nobody reads stops at the first 64 KiB.
///
/// # Cancel safety
/// If the future is dropped, a process that was started meanwhile is killed.
///
/// # Errors
/// [`SpawnError`] says what stood in the way and how to remove it. No process is left behind.
pub async fn spawn(command: &PluginCommand, control: OwnedFd) -> Result<Spawned, SpawnError> {
    let runtime =
        Handle::try_current().map_err(|_| no_runtime(command, "no tokio runtime here"))?;
    check_timers().map_err(|why| no_runtime(command, why))?;
    let (answer, started) = oneshot::channel();
    let job = {
        let command = command.clone();
        move || {
            let spawned = catch_unwind(AssertUnwindSafe(|| start(&command, control, &runtime)));
            let result =
                spawned.unwrap_or_else(|panic| Err(no_runtime(&command, panic_text(&*panic))));
            // Nobody waits any more: S4.
            drop(answer.send(result));
        }
    };
    submit(Box::new(job)).map_err(|error| SpawnError::diagnose(command, error))?;
    match started.await {
        Ok(result) => result,
        Err(_) => Err(no_runtime(command, "the start was abandoned")),
    }
}

type Job = Box<dyn FnOnce() + Send>;

/// Gives `job` to the thread, which is started by the first job.
fn submit(job: Job) -> io::Result<()> {
    static SPAWNER: Mutex<Option<mpsc::Sender<Job>>> = Mutex::new(None);

    let mut spawner = SPAWNER.lock().unwrap_or_else(PoisonError::into_inner);
    if spawner.is_none() {
        let (sender, jobs) = mpsc::channel::<Job>();
        thread::Builder::new()
            .name(THREAD.into())
            .spawn(move || jobs.into_iter().for_each(|job| job()))?;
        *spawner = Some(sender);
    }
    let sender = spawner.as_ref().expect("it was put there above");
    sender
        .send(job)
        .map_err(|_| io::Error::other("the thread that starts processes is gone"))
}

/// Runs on the thread.
fn start(
    command: &PluginCommand,
    control: OwnedFd,
    runtime: &Handle,
) -> Result<Spawned, SpawnError> {
    let _inside = runtime.enter();
    rehearse().map_err(|error| SpawnError::diagnose(command, error))?;
    let spawned = command.to_std(Stdio::from(control)).spawn();
    let mut child = spawned.map_err(|error| SpawnError::diagnose(command, error))?;
    let pipes = child.stdout.take().zip(child.stderr.take());
    let process = PluginProcess::new(child, command.has_own_group())
        .map_err(|error| SpawnError::diagnose(command, error))?;
    let Some((stdout, stderr)) = pipes else {
        let error = io::Error::other("the process has no pipes");
        return Err(SpawnError::new(command, SpawnErrorKind::Os, error));
    };
    // If this fails, dropping `process` kills it: S3.
    let limited = command.resource_limits().apply(process.pid());
    limited
        .map_err(|(limit, error)| SpawnError::new(command, SpawnErrorKind::Limit(limit), error))?;
    Ok(Spawned {
        process,
        stdout,
        stderr,
    })
}

/// Registers two descriptors with the runtime, as a start does after the process runs. Where that cannot succeed, for
/// want of an I/O driver or of room in it, it fails here, before there is a process to lose: S3. What is registered has
/// nothing to tell, so that the runtime is not woken for it.
fn rehearse() -> io::Result<()> {
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

/// The thread's name, by which plugins find it.
pub(super) const THREAD: &str = "rapace-spawner";

fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("the start panicked")
}
