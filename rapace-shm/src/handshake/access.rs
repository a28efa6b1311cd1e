//! Which processes may connect at a socket path.

use std::fmt;
use std::sync::Arc;

use nix::unistd::geteuid;

use crate::kernel::credentials::PeerCredentials;

/// Which processes a [`Listener`](crate::Listener) accepts: those of this user and root, unless configured otherwise.
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
    /// Accepts this process's effective user, and root; the path has mode 0600.
    #[must_use]
    pub fn same_user() -> Self {
        let ours = geteuid().as_raw();
        Self::decided_by(move |who| who.uid == ours || who.uid == 0)
    }

    /// Accepts every process for which `decide` returns `true`. The kernel vouches for the credentials: those of the
    /// process that connected or, when connecting, of the one that listens. The process may have ended since and its id
    /// may belong to another; user and group cannot change.
    ///
    /// The mode of the path applies first: see [`with_mode`](Self::with_mode).
    #[must_use]
    pub fn decided_by(decide: impl Fn(PeerCredentials) -> bool + Send + Sync + 'static) -> Self {
        Self {
            mode: 0o600,
            decide: Arc::new(decide),
        }
    }

    /// Sets the mode of the path, by default 0600. A process needs write permission to connect. The path has this mode
    /// before anybody can connect, and never a wider one.
    #[must_use]
    pub fn with_mode(mut self, mode: u32) -> Self {
        self.mode = mode & 0o777;
        self
    }

    pub(crate) fn mode(&self) -> u32 {
        self.mode
    }

    pub(crate) fn accepts(&self, who: PeerCredentials) -> bool {
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
