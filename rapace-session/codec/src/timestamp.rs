//! Points in time that mean the same in every process: those of the system's clock.
//!
//! - T1: a [`Timestamp`] is laid out as the `SystemTime` in it.

use std::ops::Deref;
use std::time::SystemTime;

use facet::Facet;

/// A [`SystemTime`] that can be sent. facet does not describe `SystemTime` itself.
///
/// On the wire are the seconds since 1970 and the nanoseconds beyond them, as serde writes them. A time before 1970
/// cannot be encoded. In a struct of your own, a field `#[facet(opaque)] at: SystemTime` does the same.
///
/// ```
/// use std::time::SystemTime;
///
/// use rapace_codec::{Timestamp, from_slice, to_vec};
///
/// let now = SystemTime::now();
/// let (bytes, _) = to_vec(&Timestamp(now))?;
/// assert_eq!(*from_slice::<Timestamp>(&bytes, &[])?, now);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Facet, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct Timestamp(#[facet(opaque)] pub SystemTime);

impl Timestamp {
    /// The time at this moment.
    pub fn now() -> Self {
        Self(SystemTime::now())
    }
}

impl Deref for Timestamp {
    type Target = SystemTime;

    fn deref(&self) -> &SystemTime {
        &self.0
    }
}

impl From<SystemTime> for Timestamp {
    fn from(time: SystemTime) -> Self {
        Self(time)
    }
}

impl From<Timestamp> for SystemTime {
    fn from(time: Timestamp) -> Self {
        time.0
    }
}
