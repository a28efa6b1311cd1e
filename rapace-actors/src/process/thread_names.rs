//! Thread names by which another process finds a thread.

/// The plugin's thread that watches its host.
pub(super) const PARENT_WATCHDOG: &str = "rapace-watchdog";

/// The plugin's second thread, which only ends with the process.
pub(super) const SENTINEL: &str = "rapace-sentinel";

/// The host's threads that start plugins.
pub(super) const SPAWNER: &str = "rapace-spawner";
