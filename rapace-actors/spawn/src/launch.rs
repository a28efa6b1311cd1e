//! What to start, ready to be handed to the kernel: everything that allocates happens here, before there is a child.

use std::ffi::{CString, OsStr, OsString, c_char};
use std::fmt;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::waitpid;
use nix::unistd::Pid;

use crate::attempt::Attempt;
use crate::leash::{Leash, LeashHold};
use crate::raw::{self, Orders};

/// A program and how it is started.
#[derive(Clone, Debug)]
#[must_use]
pub struct Launch {
    program: PathBuf,
    arg0: OsString,
    args: Vec<OsString>,
    env: Vec<(OsString, OsString)>,
    directory: Option<PathBuf>,
    own_group: bool,
}

impl Launch {
    /// Starts the file at `program`, which is not looked up anywhere, with this process's environment and directory.
    pub fn new(program: impl Into<PathBuf>) -> Self {
        let program = program.into();
        Self {
            arg0: program.clone().into(),
            program,
            args: Vec::new(),
            env: std::env::vars_os().collect(),
            directory: None,
            own_group: false,
        }
    }

    /// What the program is told is its name. Default: its path.
    pub fn arg0(mut self, arg0: impl Into<OsString>) -> Self {
        self.arg0 = arg0.into();
        self
    }

    /// Adds arguments.
    pub fn args<A: Into<OsString>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Replaces the environment.
    pub fn env(mut self, env: Vec<(OsString, OsString)>) -> Self {
        self.env = env;
        self
    }

    /// The working directory. Default: this process's.
    pub fn directory(mut self, directory: Option<PathBuf>) -> Self {
        self.directory = directory;
        self
    }

    /// Whether it leads a process group of its own, which the leash then holds as a whole. Default `false`.
    pub fn own_group(mut self, own_group: bool) -> Self {
        self.own_group = own_group;
        self
    }

    /// Starts it, with these as its standard input, output and error. Returns when it runs the program.
    ///
    /// This blocks for as long as the kernel takes to read the program, which a network file system may draw out:
    /// [`Attempt::give_up`] ends it from another thread.
    ///
    /// # Errors
    /// The step that failed. There is no child then.
    pub fn start(
        &self,
        stdio: [OwnedFd; 3],
        leash: Leash,
        attempt: &Attempt,
    ) -> Result<(Pid, LeashHold), LaunchError> {
        let program = c_string(self.program.as_os_str(), || Unusable::Program)?;
        let directory = match &self.directory {
            None => None,
            Some(path) => Some(c_string(path.as_os_str(), || Unusable::Directory)?),
        };
        let args = self.arguments()?;
        let env = self.environment()?;
        let [stdin, stdout, stderr] = stdio.map(above_stdio);
        let stdio = [stdin?, stdout?, stderr?];
        let leash = Leash {
            hold: above_stdio(leash.hold)?,
            worn: above_stdio(leash.worn)?,
        };
        let (argv, envp) = (pointers(&args), pointers(&env));
        let orders = Orders {
            program: &program,
            argv: &argv,
            envp: &envp,
            directory: directory.as_deref(),
            own_group: self.own_group,
            stdio: [0, 1, 2].map(|place: usize| stdio[place].as_raw_fd()),
            hold: leash.hold.as_raw_fd(),
            worn: leash.worn.as_raw_fd(),
            attempt,
        };
        let cloned = raw::start(&orders);
        let failed = attempt.end();
        let pid = cloned.map_err(|errno| LaunchError::new(Step::Clone, errno))?;
        let failed = match attempt.is_given_up() {
            true => Some((Step::GivenUp, Errno::ECANCELED)),
            false => failed,
        };
        if let Some((step, errno)) = failed {
            // N2. It has ended, or has been given up too late to be killed before.
            let _ = kill(pid, Signal::SIGKILL);
            // If the parent ignores SIGCHLD, there is nothing to reap.
            while waitpid(pid, None) == Err(Errno::EINTR) {}
            return Err(LaunchError::new(step, errno));
        }
        Ok((pid, leash.held()))
    }

    fn arguments(&self) -> Result<Vec<CString>, LaunchError> {
        let first = c_string(&self.arg0, || Unusable::Program);
        let others = self
            .args
            .iter()
            .enumerate()
            .map(|(place, arg)| c_string(arg, || Unusable::Argument(place + 1)));
        std::iter::once(first).chain(others).collect()
    }

    fn environment(&self) -> Result<Vec<CString>, LaunchError> {
        let variables = self.env.iter().map(|(name, value)| {
            let named = || Unusable::Variable(name.clone());
            let bytes = name.as_bytes();
            // A name may begin with `=`, as some shells have it.
            match bytes.get(1..) {
                None if bytes.is_empty() => {
                    return Err(LaunchError::Unusable(Unusable::EmptyName));
                }
                Some(rest) if rest.contains(&b'=') => {
                    return Err(LaunchError::Unusable(Unusable::EqualsInName(name.clone())));
                }
                _ => {}
            }
            let mut pair = name.clone();
            pair.push("=");
            pair.push(value);
            c_string(&pair, named)
        });
        variables.collect()
    }
}

fn c_string(text: &OsStr, what: impl FnOnce() -> Unusable) -> Result<CString, LaunchError> {
    CString::new(text.to_owned().into_vec()).map_err(|_| LaunchError::Unusable(what()))
}

/// For the kernel: the end is a null pointer.
fn pointers(strings: &[CString]) -> Vec<*const c_char> {
    let strings = strings.iter().map(|string| string.as_ptr());
    strings.chain(std::iter::once(std::ptr::null())).collect()
}

/// Moves a descriptor away from where the child's standard ones will be: a parent may have closed its own.
fn above_stdio(fd: OwnedFd) -> Result<OwnedFd, LaunchError> {
    const FIRST: RawFd = 3;
    if fd.as_raw_fd() >= FIRST {
        return Ok(fd);
    }
    raw::duplicate_from(&fd, FIRST).map_err(|errno| LaunchError::new(Step::Descriptors, errno))
}

/// What cannot be handed to a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unusable {
    /// The program's path has a NUL byte in it.
    Program,
    /// The directory's path has a NUL byte in it.
    Directory,
    /// This argument, counted from one, has a NUL byte in it.
    Argument(usize),
    /// This environment variable has a NUL byte in its name or its value.
    Variable(OsString),
    /// The name of an environment variable is empty.
    EmptyName,
    /// The name of this environment variable has a `=` in it, behind its first byte: there it would end.
    EqualsInName(OsString),
}

/// What is done to start a child, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Step {
    /// The pipe of the leash.
    Pipe = 1,
    /// Descriptors for it.
    Descriptors = 2,
    /// The process itself.
    Clone = 3,
    /// A process group of its own.
    Group = 4,
    /// The leash.
    Leash = 5,
    /// A look whether its host is still there.
    Host = 6,
    /// Its standard input, output and error.
    Stdio = 7,
    /// Its working directory.
    Directory = 8,
    /// The program.
    Exec = 9,
    /// Nothing failed: it was [given up](Attempt::give_up).
    GivenUp = 10,
}

impl Step {
    pub(crate) fn from_number(number: u32) -> Option<Self> {
        [
            Self::Pipe,
            Self::Descriptors,
            Self::Clone,
            Self::Group,
            Self::Leash,
            Self::Host,
            Self::Stdio,
            Self::Directory,
            Self::Exec,
            Self::GivenUp,
        ]
        .into_iter()
        .find(|step| *step as u32 == number)
    }

    /// The system call that does it, as `man 2` spells it, and the first version of Linux that has it. None if nothing
    /// was done.
    #[must_use]
    pub fn call(self) -> Option<(&'static str, &'static str)> {
        Some(match self {
            Self::Pipe => ("pipe2", "2.6.27"),
            Self::Descriptors => ("fcntl(F_DUPFD_CLOEXEC)", "2.6.24"),
            Self::Clone => ("clone", "2.2"),
            Self::Group => ("setpgid", "2.2"),
            Self::Leash => ("fcntl(F_SETSIG, F_SETOWN)", "2.2"),
            Self::Host => ("poll", "2.2"),
            Self::Stdio => ("dup2", "2.2"),
            Self::Directory => ("chdir", "2.2"),
            Self::Exec => ("execve", "2.2"),
            Self::GivenUp => return None,
        })
    }
}

/// Why there is no child.
#[derive(Debug)]
pub enum LaunchError {
    /// Something cannot be handed to a program.
    Unusable(Unusable),
    /// The operating system refused.
    Os {
        /// At this step.
        step: Step,
        /// What it said.
        source: io::Error,
    },
}

impl LaunchError {
    pub(crate) fn new(step: Step, errno: Errno) -> Self {
        Self::Os {
            step,
            source: errno.into(),
        }
    }
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Program => f.write_str("the program's path contains a NUL byte"),
            Self::Directory => f.write_str("the working directory's path contains a NUL byte"),
            Self::Argument(place) => write!(f, "argument {place} contains a NUL byte"),
            Self::Variable(name) => write!(f, "environment variable {name:?} contains a NUL byte"),
            Self::EmptyName => f.write_str("the name of an environment variable is empty"),
            Self::EqualsInName(name) => write!(
                f,
                "the name of environment variable {name:?} contains a `=`, which only its first character may be"
            ),
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pipe => "making its leash",
            Self::Descriptors => "getting descriptors for it",
            Self::Clone => "creating the process",
            Self::Group => "giving it a process group",
            Self::Leash => "tying it to its host",
            Self::Host => "looking for its host",
            Self::Stdio => "giving it its standard input, output and error",
            Self::Directory => "changing to its directory",
            Self::Exec => "executing the program",
            Self::GivenUp => "waiting for it",
        })
    }
}

impl fmt::Display for LaunchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unusable(what) => what.fmt(f),
            Self::Os { step, source } => write!(f, "{step} failed: {source}"),
        }
    }
}

impl std::error::Error for LaunchError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Unusable(_) => None,
            Self::Os { source, .. } => Some(source),
        }
    }
}
