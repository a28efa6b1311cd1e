//! Why a plugin process could not be started, and what to do about it.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use nix::errno::Errno;
use rapace_shm::{NoRuntime, Unsupported};
use rapace_spawn::{LaunchError, Step, Unusable};

use super::PluginCommand;
use super::command::is_bare;
use super::starts::HANGS_AFTER;
use super::transient::{is_shortage, is_transient};

/// A plugin process could not be started. No process is left running.
#[derive(Clone, Debug)]
pub struct SpawnError {
    program: PathBuf,
    kind: SpawnErrorKind,
    cause: Arc<Cause>,
}

#[derive(Debug)]
struct Cause {
    source: io::Error,
    /// Whether a bare name is in no directory of the `PATH`, but in the working directory.
    lies_here: bool,
}

impl From<io::Error> for Cause {
    fn from(source: io::Error) -> Self {
        Self {
            source,
            lies_here: false,
        }
    }
}

/// Why a start failed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SpawnErrorKind {
    /// The file does not exist.
    NotFound,
    /// The path names a directory.
    IsDirectory,
    /// The file may not be executed by this user, or a directory in its path may not be searched.
    NotExecutable,
    /// The file exists, but the interpreter or loader that it names does not.
    NoInterpreter,
    /// The kernel does not support this executable format, or it is for another architecture.
    BadFormat,
    /// The requested working directory does not exist or is not a directory.
    BadDirectory(PathBuf),
    /// The file is open for writing: it is being built or copied.
    Busy,
    /// Out of processes, descriptors or memory.
    OutOfResources,
    /// The program was not executed within this time: it, or its working directory, is on a file system that
    /// does not respond. It never runs.
    Hangs(Duration),
    /// Other starts blocked it for its whole timeout. It never runs.
    HeldUp(Box<HeldUp>),
    /// The plugin was stopped, restarted or killed before its program was executed. It never runs.
    GivenUp,
    /// The process was started and killed again, because a resource limit could not be set. Names the limit.
    Limit(&'static str),
    /// A system call that rapace needs is missing: the kernel is too old, or a sandbox forbids it. The source says which.
    Unsupported,
    /// The call was made outside a tokio runtime with I/O and timers enabled.
    NoRuntime,
    /// An argument, environment variable or path cannot be passed to a program. Says which and why.
    Unusable(Box<Unusable>),
    /// Any other error of the system.
    Os,
}

/// What blocked a start.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HeldUp {
    /// How long it waited.
    pub limit: Duration,
    /// The programs whose starts hang, as they were given.
    pub by: Vec<PathBuf>,
}

impl SpawnError {
    pub(crate) fn new(command: &PluginCommand, kind: SpawnErrorKind, source: io::Error) -> Self {
        Self {
            program: command.resolved(),
            kind,
            cause: Arc::new(source.into()),
        }
    }

    /// The program was not executed within `limit`.
    pub(crate) fn hangs(command: &PluginCommand, limit: Duration) -> Self {
        Self::unread(
            command,
            SpawnErrorKind::Hangs(limit),
            io::ErrorKind::TimedOut,
        )
    }

    /// Other starts blocked it for `limit`: those of the programs `by` hang.
    pub(crate) fn held_up(command: &PluginCommand, limit: Duration, by: Vec<PathBuf>) -> Self {
        let kind = SpawnErrorKind::HeldUp(Box::new(HeldUp { limit, by }));
        Self::unread(command, kind, io::ErrorKind::TimedOut)
    }

    /// Does not look for the program: a file system that does not respond would block the caller.
    fn unread(command: &PluginCommand, kind: SpawnErrorKind, source: impl Into<io::Error>) -> Self {
        Self {
            program: command.as_given(),
            kind,
            cause: Arc::new(Cause::from(source.into())),
        }
    }

    /// The start was cancelled.
    pub(crate) fn given_up(command: &PluginCommand) -> Self {
        Self::unread(command, SpawnErrorKind::GivenUp, Errno::ECANCELED)
    }

    /// Finds the kind of a failed step, where several share an error number.
    pub(super) fn of_launch(command: &PluginCommand, error: LaunchError) -> Self {
        let (step, source) = match error {
            LaunchError::Unusable(what) => {
                let source = io::Error::from(io::ErrorKind::InvalidInput);
                return Self::new(command, SpawnErrorKind::Unusable(Box::new(what)), source);
            }
            LaunchError::Os { step, source } => (step, source),
        };
        let source = named(step, source);
        match (step, command.working_directory()) {
            (Step::GivenUp, _) => Self::given_up(command),
            _ if is_unsupported(&source) => Self::diagnose(command, source),
            (Step::Directory, Some(directory)) => Self::new(
                command,
                SpawnErrorKind::BadDirectory(directory.into()),
                source,
            ),
            (Step::Exec, _) => Self::diagnose(command, source),
            _ if is_shortage(&source) => Self::new(command, SpawnErrorKind::OutOfResources, source),
            _ => {
                let text = format!("{step} failed: {source}");
                let source = io::Error::new(source.kind(), text);
                Self::new(command, SpawnErrorKind::Os, source)
            }
        }
    }

    /// Finds the kind of an error, where several share an error number.
    pub(super) fn diagnose(command: &PluginCommand, source: io::Error) -> Self {
        let program = command.resolved();
        let bare = is_bare(&program);
        let kind = match source.raw_os_error().map(Errno::from_raw) {
            // It was looked up only in the `PATH`.
            Some(Errno::ENOENT) if bare && is_dots(&program) => SpawnErrorKind::IsDirectory,
            Some(Errno::ENOENT) if bare => SpawnErrorKind::NotFound,
            Some(Errno::ENOENT | Errno::ENOTDIR) => {
                why_missing(&program, command.working_directory())
            }
            Some(Errno::EACCES | Errno::EPERM) if bare => SpawnErrorKind::Os,
            Some(Errno::EACCES | Errno::EPERM) if program.is_dir() => SpawnErrorKind::IsDirectory,
            Some(Errno::EACCES | Errno::EPERM) => why_denied(&program, command.working_directory()),
            Some(Errno::EISDIR) => SpawnErrorKind::IsDirectory,
            Some(Errno::ENOEXEC | Errno::ELIBBAD) => SpawnErrorKind::BadFormat,
            Some(Errno::ETXTBSY) => SpawnErrorKind::Busy,
            _ if is_shortage(&source) => SpawnErrorKind::OutOfResources,
            None if is_unsupported(&source) => SpawnErrorKind::Unsupported,
            None if NoRuntime::within(&source).is_some() => SpawnErrorKind::NoRuntime,
            _ => SpawnErrorKind::Os,
        };
        let lies_here = bare && kind == SpawnErrorKind::NotFound && program.is_file();
        Self {
            program,
            kind,
            cause: Arc::new(Cause { source, lies_here }),
        }
    }

    /// Returns why the start failed.
    #[must_use]
    pub fn kind(&self) -> &SpawnErrorKind {
        &self.kind
    }

    /// Returns the program's path, as looked up.
    #[must_use]
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// Whether the same start may succeed later without a correction.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self.kind {
            SpawnErrorKind::Busy
            | SpawnErrorKind::OutOfResources
            | SpawnErrorKind::Hangs(_)
            | SpawnErrorKind::HeldUp(_)
            | SpawnErrorKind::GivenUp => true,
            SpawnErrorKind::Os => is_transient(&self.cause.source),
            SpawnErrorKind::NotFound
            | SpawnErrorKind::IsDirectory
            | SpawnErrorKind::NotExecutable
            | SpawnErrorKind::NoInterpreter
            | SpawnErrorKind::BadFormat
            | SpawnErrorKind::BadDirectory(_)
            | SpawnErrorKind::Limit(_)
            | SpawnErrorKind::Unsupported
            | SpawnErrorKind::Unusable(_)
            | SpawnErrorKind::NoRuntime => false,
        }
    }
}

/// How many of the programs that hang are named.
const NAMED: usize = 3;

fn is_unsupported(error: &io::Error) -> bool {
    error
        .get_ref()
        .is_some_and(|inner| inner.is::<Unsupported>())
}

/// Returns the system's error of a step, and names the system call if that is missing or forbidden here.
pub(crate) fn refused(error: LaunchError) -> io::Error {
    match error {
        LaunchError::Os { step, source } => named(step, source),
        LaunchError::Unusable(what) => {
            io::Error::new(io::ErrorKind::InvalidInput, what.to_string())
        }
    }
}

/// Names the system call, if it is missing or forbidden here.
pub(super) fn named(step: Step, source: io::Error) -> io::Error {
    // These steps have other reasons to fail.
    let refuses = matches!(step, Step::Directory | Step::Exec);
    match step.call() {
        Some((call, since)) if !refuses || source.raw_os_error() == Some(Errno::ENOSYS as i32) => {
            Unsupported::explain(call, since, source)
        }
        _ => source,
    }
}

/// Whether the path is `.` or `..`.
fn is_dots(program: &Path) -> bool {
    matches!(program.as_os_str().as_encoded_bytes(), b"." | b"..")
}

/// Returns advice for an error that has no kind of its own.
fn way_out(error: &io::Error) -> &'static str {
    match error.raw_os_error().map(Errno::from_raw) {
        Some(Errno::E2BIG) => {
            "; its arguments and environment are longer than ARG_MAX (see `getconf ARG_MAX`), or one of them is longer \
             than 128 KiB: pass less, or a file that holds it"
        }
        Some(Errno::ELOOP) => {
            "; its path leads through too many symbolic links, or in a circle: correct them, or give the path of the file \
             itself"
        }
        Some(Errno::ENAMETOOLONG) => {
            "; its path has more than 4,095 bytes, or a name in it more than 255: give a shorter one"
        }
        _ => "",
    }
}

/// Distinguishes what ENOENT may mean: a missing program, interpreter or working directory.
fn why_missing(program: &Path, directory: Option<&Path>) -> SpawnErrorKind {
    match directory {
        Some(directory) if !directory.is_dir() => SpawnErrorKind::BadDirectory(directory.into()),
        _ if program.exists() => SpawnErrorKind::NoInterpreter,
        _ => SpawnErrorKind::NotFound,
    }
}

/// Distinguishes what EACCES may mean: a file without the x bit, or a working directory that may not be
/// entered.
fn why_denied(program: &Path, directory: Option<&Path>) -> SpawnErrorKind {
    match directory {
        Some(directory) if std::fs::metadata(directory.join(".")).is_err() => {
            SpawnErrorKind::BadDirectory(directory.into())
        }
        _ => SpawnErrorKind::NotExecutable,
    }
    .or_os(program)
}

impl SpawnErrorKind {
    /// Returns [`Os`](Self::Os) if the file is executable for everybody: it was refused for another reason (a
    /// policy, a mount option).
    fn or_os(self, program: &Path) -> Self {
        use std::os::unix::fs::PermissionsExt;
        let executable =
            std::fs::metadata(program).is_ok_and(|file| file.permissions().mode() & 0o111 == 0o111);
        if executable && self == Self::NotExecutable {
            Self::Os
        } else {
            self
        }
    }
}

impl fmt::Display for HeldUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { limit, by } = self;
        write!(
            f,
            "was not executed within {limit:.1?}, because it waits for other starts"
        )?;
        if by.is_empty() {
            return f.write_str("; give the plugin a longer `start_timeout`");
        }
        for (nth, program) in by.iter().take(NAMED).enumerate() {
            let before = if nth == 0 { " that hang: " } else { ", " };
            write!(f, "{before}`{}`", program.display())?;
        }
        if by.len() > NAMED {
            write!(f, " and {} more", by.len() - NAMED)?;
        }
        f.write_str("; check the mounts that those lie on, or copy them to a local disk")
    }
}

impl fmt::Display for SpawnError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let program = self.program.display();
        match &self.kind {
            SpawnErrorKind::NotFound if self.program.is_absolute() => {
                write!(
                    f,
                    "plugin program `{program}` does not exist; build it, or correct the path"
                )
            }
            SpawnErrorKind::NotFound if self.cause.lies_here => {
                write!(
                    f,
                    "plugin program `{program}` is in no directory of the host's PATH, and a name without a slash is not \
                     looked for in its working directory, where there is one; write `./{program}`"
                )
            }
            SpawnErrorKind::NotFound if !is_bare(&self.program) => {
                write!(
                    f,
                    "plugin program `{program}` is a relative path, and the host's working directory is not there any \
                     more; give an absolute path, or enter a directory that exists"
                )
            }
            SpawnErrorKind::NotFound => {
                write!(
                    f,
                    "plugin program `{program}` is in no directory of the host's PATH; install it, or give its path"
                )
            }
            SpawnErrorKind::IsDirectory => {
                write!(
                    f,
                    "plugin program `{program}` is a directory; give the path of the executable in it"
                )
            }
            SpawnErrorKind::NotExecutable => {
                write!(
                    f,
                    "plugin program `{program}` may not be executed by this user; check `ls -l` and `chmod +x` it"
                )
            }
            SpawnErrorKind::NoInterpreter => write!(
                f,
                "plugin program `{program}` exists, but the interpreter or loader that it names does not; check its \
                 first line, or build it for this system"
            ),
            SpawnErrorKind::BadFormat => write!(
                f,
                "plugin program `{program}` is no executable that this machine can run; build it for this machine, \
                 or give a script its `#!` line"
            ),
            SpawnErrorKind::BadDirectory(directory) => write!(
                f,
                "plugin program `{program}` cannot be started in `{}`; create that directory, or give another",
                directory.display()
            ),
            SpawnErrorKind::Busy => {
                write!(
                    f,
                    "plugin program `{program}` is open for writing, so it may be incomplete; start it when it is complete"
                )
            }
            SpawnErrorKind::OutOfResources => write!(
                f,
                "no process could be started for plugin program `{program}`: {}; raise the limit, or stop something",
                self.cause.source
            ),
            SpawnErrorKind::Hangs(limit) if *limit < HANGS_AFTER => write!(
                f,
                "plugin program `{program}` was not executed within {limit:.1?}, which is too short to tell why; give \
                 the plugin a longer `start_timeout`"
            ),
            SpawnErrorKind::HeldUp(held_up) => write!(f, "plugin program `{program}` {held_up}"),
            SpawnErrorKind::Hangs(limit) => write!(
                f,
                "plugin program `{program}` was not executed within {limit:.1?}: the kernel waits for the file system \
                 that it, or its working directory, lies on; check the mounts, or copy both to a local disk"
            ),
            SpawnErrorKind::GivenUp => write!(
                f,
                "plugin program `{program}` was not executed, because the plugin was stopped, restarted or killed first"
            ),
            SpawnErrorKind::Limit(limit) => write!(
                f,
                "plugin program `{program}` was killed at its start, because its limit on {limit} could not be set: {}; ask \
                 for no more than the host itself may use, or for no limits, with `ResourceLimits::INHERITED`",
                self.cause.source
            ),
            // The text of these includes advice.
            SpawnErrorKind::Unsupported | SpawnErrorKind::NoRuntime => write!(
                f,
                "plugin program `{program}` was not started: {}",
                self.cause.source
            ),
            SpawnErrorKind::Unusable(what) => write!(
                f,
                "plugin program `{program}` was not started: {what}; correct the plugin's command"
            ),
            SpawnErrorKind::Os => write!(
                f,
                "plugin program `{program}` could not be started: {}{}",
                self.cause.source,
                way_out(&self.cause.source)
            ),
        }
    }
}

impl std::error::Error for SpawnError {
    /// Returns the system's error, unless the text includes it.
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self.kind {
            SpawnErrorKind::OutOfResources
            | SpawnErrorKind::Limit(_)
            | SpawnErrorKind::NoRuntime
            | SpawnErrorKind::Unsupported
            | SpawnErrorKind::Hangs(_)
            | SpawnErrorKind::HeldUp(_)
            | SpawnErrorKind::GivenUp
            | SpawnErrorKind::Unusable(_)
            | SpawnErrorKind::Os => None,
            _ => Some(&self.cause.source),
        }
    }
}
