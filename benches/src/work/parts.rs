//! The arguments that decide which part of the benchmark this program runs.

/// The argument that makes this program a subject.
pub const SUBJECT: &str = "--subject";

/// The argument that makes this program the plugin of a subject.
pub const PLUGIN: &str = "--plugin";

/// The argument that makes this program the other end of a ping-pong.
pub const ANSWERER: &str = "--answerer";

/// The argument that makes this program write one byte and end.
pub const HELLO: &str = "--hello";

/// The argument that makes this program make calls in turns, which another program counts.
pub(crate) const COUNTED: &str = "--counted";
