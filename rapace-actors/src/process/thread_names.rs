//! Names of threads by which another process finds them.

/// The plugin's thread that watches its host.
pub(super) const GUARD: &str = "rapace-guard";

/// The plugin's second thread, which does nothing but end with the process.
pub(super) const WITNESS: &str = "rapace-witness";

/// The host's threads that start plugins.
pub(super) const SPAWNER: &str = "rapace-spawner";
