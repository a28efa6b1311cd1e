//! The right to a socket path: a lock on a file beside it, as in Wayland's compositors.
//!
//! - PL1: the lock is the kernel's, and ends with the process that held it, however that ended.
//! - PL2: the lock counts only if the locked file still lies at the lock's path. The previous holder
//!   has removed its file, and other processes may have opened that one meanwhile.
//! - PL3: the file is removed while it is locked.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use nix::libc;

use crate::crash_points::point::CrashPoint;
use crate::handshake::listener_error::{ListenerError, at_step};

/// The right to a socket path, until it is dropped.
#[derive(Debug)]
pub(crate) struct PathLock {
    path: PathBuf,
    _locked: File,
}

impl PathLock {
    /// Takes the right to `socket`, an absolute path, if no process has it.
    pub(crate) fn take(socket: &Path) -> Result<Self, ListenerError> {
        let path = beside(socket);
        let in_use = || ListenerError::InUse {
            path: socket.to_owned(),
        };
        for _ in 0..TURNS {
            let file = CrashPoint::Lock
                .around(|| open(&path))
                .map_err(|error| not_opened(error, socket))?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Err(in_use()),
                Err(TryLockError::Error(error)) => return Err(at_step(LOCKING, &path)(error)),
            }
            if lies_at(&file, &path).map_err(at_step(LOCKING, &path))? {
                return Ok(Self {
                    path,
                    _locked: file,
                }); // PL2
            }
        }
        // In every turn another process had taken the path and left it.
        Err(in_use())
    }
}

impl Drop for PathLock {
    fn drop(&mut self) {
        // PL3
        if let Err(error) = CrashPoint::Unlock.around(|| fs::remove_file(&self.path)) {
            tracing::warn!(%error, path = %self.path.display(), "a lock file was left behind");
        }
    }
}

/// Returns the socket's name with `.lock` appended.
fn beside(socket: &Path) -> PathBuf {
    let mut path = OsString::from(socket);
    path.push(".lock");
    path.into()
}

/// Opens the file for this user only, and follows no link and opens no pipe of that name.
fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).mode(0o600);
    options.custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK);
    options.open(path)
}

fn not_opened(error: io::Error, socket: &Path) -> ListenerError {
    let nowhere = matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    );
    if nowhere {
        return ListenerError::NoDirectory {
            path: socket.to_owned(),
        };
    }
    at_step(LOCKING, &beside(socket))(error)
}

/// Returns whether an open file lies at its path (PL2).
fn lies_at(file: &File, path: &Path) -> io::Result<bool> {
    let opened = file.metadata()?;
    match fs::symlink_metadata(path) {
        Ok(found) => Ok((found.dev(), found.ino()) == (opened.dev(), opened.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

const LOCKING: &str = "locking";

/// For each turn that fails, another process's listener came and went.
const TURNS: usize = 100;

#[cfg(all(test, not(miri)))]
mod tests {
    use super::*;

    #[test]
    fn one_has_the_right_and_leaves_nothing_behind() {
        let directory = tempfile::tempdir().unwrap();
        let socket = directory.path().join("socket");
        let lock = PathLock::take(&socket).unwrap();
        assert!(matches!(
            PathLock::take(&socket),
            Err(ListenerError::InUse { .. })
        ));
        drop(lock);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
        drop(PathLock::take(&socket).unwrap());
    }

    /// PL2
    #[test]
    fn a_lock_on_a_file_that_was_removed_meanwhile_does_not_count() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("lock");
        let removed = open(&path).unwrap();
        fs::remove_file(&path).unwrap();
        assert!(!lies_at(&removed, &path).unwrap());
        let present = open(&path).unwrap();
        assert!(!lies_at(&removed, &path).unwrap());
        assert!(lies_at(&present, &path).unwrap());
    }

    #[test]
    fn the_error_names_what_prevents_the_lock() {
        let directory = tempfile::tempdir().unwrap();
        let nowhere = directory.path().join("nowhere/socket");
        assert!(matches!(
            PathLock::take(&nowhere),
            Err(ListenerError::NoDirectory { .. })
        ));
        let socket = directory.path().join("socket");
        fs::create_dir(beside(&socket)).unwrap();
        let said = PathLock::take(&socket).unwrap_err().to_string();
        assert!(
            said.contains("locking") && said.contains("socket.lock"),
            "{said}"
        );
    }
}
