//! Who is let in at a socket path.

use std::fmt;
use std::sync::Arc;

use nix::unistd::geteuid;

use crate::kernel::credentials::PeerCredentials;

/// Who is let in at a [`Listener`](crate::Listener): this user and root, unless somebody else decides.
///
/// ```
/// use rapace_shm::Access;
///
/// // Members of group 100, whatever user they are.
/// let access = Access::decided_by(|who| who.gid == 100).with_mode(0o666);
/// ```
#[derive(Clone)]
pub struct Access {
    mode: u32,
    decide: Arc<Decide>,
}

type Decide = dyn Fn(PeerCredentials) -> bool + Send + Sync;

impl Access {
    /// This process's effective user, and root; the path has mode 0600.
    #[must_use]
    pub fn same_user() -> Self {
        let ours = geteuid().as_raw();
        Self::decided_by(move |who| who.uid == ours || who.uid == 0)
    }

    /// Whoever `decide` says yes to. The credentials are the kernel's word: those of the process that connected or, for
    /// who connects, of the one that listens. The process may have ended since and its id belong to another; user and
    /// group cannot change.
    ///
    /// The kernel asks first, whether the mode of the path lets somebody connect: see [`with_mode`](Self::with_mode).
    #[must_use]
    pub fn decided_by(decide: impl Fn(PeerCredentials) -> bool + Send + Sync + 'static) -> Self {
        Self {
            mode: 0o600,
            decide: Arc::new(decide),
        }
    }

    /// Gives the path another mode than 0600. Who is to connect needs write permission. The path has this mode before
    /// anybody can connect, and never a wider one.
    #[must_use]
    pub fn with_mode(mut self, mode: u32) -> Self {
        self.mode = mode & 0o777;
        self
    }

    pub(crate) fn mode(&self) -> u32 {
        self.mode
    }

    pub(crate) fn lets_in(&self, who: PeerCredentials) -> bool {
        (self.decide)(who)
    }
}

impl Default for Access {
    fn default() -> Self {
        Self::same_user()
    }
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Access")
            .field("mode", &format_args!("{:o}", self.mode))
            .finish_non_exhaustive()
    }
}
