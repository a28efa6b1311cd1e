//! The description of a plugin process: what to start.
//!
//! - C1: a description starts nothing. It is kept and used for every incarnation.
//! - C2: it has no hook for user code between clone and exec, where hardly anything is allowed.
//! - C3: the host looks up the program at each start: a bare name in the host's `PATH`, a relative path from
//!   the host's working directory, whatever environment and directory the plugin gets.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use rapace_spawn::Launch;

use super::ResourceLimits;

/// Describes a plugin process: program, arguments, environment, directory, limits.
///
/// ```
/// use rapace::process::{PluginCommand, ResourceLimits};
///
/// let images = PluginCommand::new("/usr/lib/site/images")
///     .arg("--quality=80")
///     .env("RUST_LOG", "info")
///     .limits(ResourceLimits { memory: Some(512 << 20), ..ResourceLimits::default() });
/// assert_eq!(images.program().to_str(), Some("/usr/lib/site/images"));
/// ```
#[derive(Clone, Debug)]
pub struct PluginCommand {
    program: PathBuf,
    args: Vec<OsString>,
    env: Vec<(OsString, Option<OsString>)>,
    inherit_env: bool,
    directory: Option<PathBuf>,
    limits: ResourceLimits,
    own_group: bool,
}

impl PluginCommand {
    /// Describes a plugin that runs `program` with the host's environment and working directory, without
    /// arguments.
    ///
    /// A name without a slash is looked up in the host's `PATH`.
    #[must_use]
    pub fn new(program: impl Into<PathBuf>) -> Self {
        Self {
            program: program.into(),
            args: Vec::new(),
            env: Vec::new(),
            inherit_env: true,
            directory: None,
            limits: ResourceLimits::default(),
            own_group: true,
        }
    }

    /// Adds an argument.
    #[must_use]
    pub fn arg(mut self, arg: impl Into<OsString>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<A: Into<OsString>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Sets an environment variable of the plugin.
    #[must_use]
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.env.push((name.into(), Some(value.into())));
        self
    }

    /// Removes a variable of the host's environment from the plugin's.
    #[must_use]
    pub fn env_remove(mut self, name: impl Into<OsString>) -> Self {
        self.env.push((name.into(), None));
        self
    }

    /// Clears the plugin's environment, except for what [`env`](Self::env) sets.
    #[must_use]
    pub fn env_clear(mut self) -> Self {
        self.inherit_env = false;
        self
    }

    /// Sets the plugin's working directory. Default: the host's.
    #[must_use]
    pub fn directory(mut self, directory: impl Into<PathBuf>) -> Self {
        self.directory = Some(directory.into());
        self
    }

    /// Sets resource limits. Default: no core dumps, otherwise the host's limits.
    #[must_use]
    pub fn limits(mut self, limits: ResourceLimits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets whether the plugin leads a process group of its own. Default `true`: Ctrl-C in a terminal then
    /// reaches only the host, which can drain its plugins, and a kill also reaches the plugin's own children.
    #[must_use]
    pub fn own_group(mut self, own_group: bool) -> Self {
        self.own_group = own_group;
        self
    }

    /// Returns the program as it was given.
    #[must_use]
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// Returns the working directory, if one was given.
    #[must_use]
    pub fn working_directory(&self) -> Option<&Path> {
        self.directory.as_deref()
    }

    /// Returns the resource limits of a process.
    #[must_use]
    pub fn resource_limits(&self) -> &ResourceLimits {
        &self.limits
    }

    pub(super) fn has_own_group(&self) -> bool {
        self.own_group
    }

    /// Prepares the start of one process, with the current environment and `PATH` of this process.
    pub(super) fn to_launch(&self) -> io::Result<Launch> {
        let program = self.resolved();
        if is_bare(&program) {
            // The kernel would look for the program in the working directory (C3).
            return Err(Errno::ENOENT.into());
        }
        Ok(Launch::new(program)
            .arg0(&self.program)
            .args(&self.args)
            .env(self.environment())
            .directory(self.directory.clone())
            .own_group(self.own_group))
    }

    fn environment(&self) -> Vec<(OsString, OsString)> {
        let inherited = self.inherit_env.then(std::env::vars_os);
        let mut variables = inherited.into_iter().flatten().collect::<BTreeMap<_, _>>();
        for (name, value) in &self.env {
            match value {
                Some(value) => variables.insert(name.clone(), value.clone()),
                None => variables.remove(name),
            };
        }
        variables.into_iter().collect()
    }

    /// Returns the program as a path with a slash, unless it is a bare name that is in no directory of the
    /// `PATH` (C3).
    pub(super) fn resolved(&self) -> PathBuf {
        if is_bare(&self.program) {
            let found = on_path(&self.program, std::env::var_os("PATH").as_deref());
            return found.unwrap_or_else(|| self.program.clone());
        }
        self.as_given()
    }

    /// Returns the same, without looking up a bare name.
    pub(super) fn as_given(&self) -> PathBuf {
        match is_bare(&self.program) {
            true => self.program.clone(),
            false => std::path::absolute(&self.program).unwrap_or_else(|_| self.program.clone()),
        }
    }
}

/// Whether the program is looked up in the `PATH` (C3).
pub(super) fn is_bare(program: &Path) -> bool {
    !program.as_os_str().as_encoded_bytes().contains(&b'/')
}

/// Returns the file `name` in the first directory of `path` that has it. An empty entry means the working
/// directory.
fn on_path(name: &Path, path: Option<&OsStr>) -> Option<PathBuf> {
    let found = std::env::split_paths(path?)
        .map(|directory| directory.join(name))
        .find(|candidate| candidate.is_file())?;
    std::path::absolute(found).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_name_is_found_on_the_path() {
        let found = PluginCommand::new("sh").resolved();
        assert!(found.is_absolute(), "{}", found.display());
    }

    #[test]
    fn a_bare_name_that_is_nowhere_stays_as_given() {
        assert_eq!(
            on_path(
                Path::new("no-such-plugin"),
                Some(OsStr::new("/bin:/usr/bin"))
            ),
            None
        );
        assert_eq!(
            PluginCommand::new("no-such-plugin").resolved(),
            Path::new("no-such-plugin")
        );
    }

    /// As in a shell.
    #[test]
    fn an_empty_directory_of_the_path_is_the_working_directory() {
        let here = std::env::current_dir().expect("tests have a working directory");
        let found = on_path(Path::new("Cargo.toml"), Some(OsStr::new("/nowhere:")));
        assert_eq!(found, Some(here.join("Cargo.toml")));
    }

    #[test]
    fn a_relative_path_does_not_depend_on_the_plugins_directory() {
        let here = std::env::current_dir().expect("tests have a working directory");
        let resolved = PluginCommand::new("./plugins/images")
            .directory("/")
            .resolved();
        assert_eq!(resolved, here.join("plugins/images"));
    }
}
