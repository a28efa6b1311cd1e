//! The description of a child to start. All allocation happens here, before there is a child.

use std::ffi::{CString, OsStr, OsString, c_char};
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::waitpid;
use nix::unistd::Pid;

use crate::attempt::Attempt;
use crate::error::{LaunchError, Step, Unusable};
use crate::leash::{Leash, LeashHold};
use crate::raw::{self, Orders};

/// Describes a program and how it is started.
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
    /// Describes a start of the file at `program`, which is not looked up in the `PATH`, with this process's
    /// environment and working directory.
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

    /// Sets the program's `argv[0]`. Default: its path.
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

    /// Sets the working directory. Default: this process's.
    pub fn directory(mut self, directory: Option<PathBuf>) -> Self {
        self.directory = directory;
        self
    }

    /// Sets whether the child leads a process group of its own, which the leash then kills as a whole. Default `false`.
    pub fn own_group(mut self, own_group: bool) -> Self {
        self.own_group = own_group;
        self
    }

    /// Starts the program with these descriptors as standard input, output and error. Returns when it was
    /// executed.
    ///
    /// This blocks while the kernel reads the program, which can take long on a network file system:
    /// [`Attempt::give_up`] ends it from another thread.
    ///
    /// # Errors
    /// The step that failed. No child is left.
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
            // N2: it has ended, or was cancelled too late to be killed earlier.
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
            // A name may begin with `=`, as in some shells.
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

/// Returns the pointers for the kernel, with a null pointer at the end.
fn pointers(strings: &[CString]) -> Vec<*const c_char> {
    let strings = strings.iter().map(|string| string.as_ptr());
    strings.chain(std::iter::once(std::ptr::null())).collect()
}

/// Moves a descriptor out of the range of the child's standard ones: a parent may have closed its own.
fn above_stdio(fd: OwnedFd) -> Result<OwnedFd, LaunchError> {
    const FIRST: RawFd = 3;
    if fd.as_raw_fd() >= FIRST {
        return Ok(fd);
    }
    raw::duplicate_from(&fd, FIRST).map_err(|errno| LaunchError::new(Step::Descriptors, errno))
}
