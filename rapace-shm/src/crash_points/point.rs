//! Everything that this crate does and another process can see, by name.
//!
//! - Z1: a store to the mapping names its crash point: [`OwnMap`](crate::memory::mapping::OwnMap) has no other way to
//!   store, and no other module reaches the mapping's address.
//! - Z2: so does each system call whose result another process can see: rings, messages, holes, and
//!   what happens at a socket path. A test looks for those that do not.
//! - Z3: what only takes is no crash point: receiving a message, emptying a pipe, accepting. Nobody waits
//!   for it. Neither is closing a descriptor, which is what dying does; the hang-up that precedes it
//!   is one.
//!
//! With the feature `crash-points`, a process can be made to die before or after each.

macro_rules! crash_points {
    ($($(#[$doc:meta])+ $name:ident,)+) => {
        /// What another process can see happen.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum CrashPoint {
            $($(#[$doc])+ $name,)+
        }

        #[cfg(feature = "crash-points")]
        impl CrashPoint {
            /// All of them, in the order of their numbers, with their names.
            pub(crate) const ALL: &[(Self, &str)] = &[$((Self::$name, stringify!($name)),)+];
        }
    };
}

crash_points! {
    /// Bytes of a slot. Before: the slot is lent to be written; after: it is frozen.
    Payload,
    /// A part of a descriptor.
    Entry,
    /// The cursor that publishes descriptors.
    Tail,
    /// The cursor that gives ring room back.
    Head,
    /// The receiver's armed word.
    RecvArmed,
    /// The armed word of who waits for room.
    SpaceArmed,
    /// A slot on its way back.
    ReturnEntry,
    /// The cursor that gives slots back.
    ReturnsTail,
    /// A start marker.
    StartMarker,
    /// Progress.
    Heartbeat,
    /// Pages of an idle slot given back.
    Hole,
    /// The peer's doorbell.
    Ring,
    /// The descriptor that ties a child to its host.
    Leash,
    /// The joining side's first message.
    Hello,
    /// The segment's geometry and descriptors.
    Segment,
    /// The joining side's last message.
    Joined,
    /// The answer to a peer of another version.
    Refused,
    /// The end of a link: the control socket is shut down.
    HangUp,
    /// The lock of a path is opened, and made if it is not there.
    Lock,
    /// A path that a dead process left is removed.
    TakeOver,
    /// A socket gets the mode that its path will have.
    Permit,
    /// A socket appears at a path.
    Bind,
    /// The socket takes connections.
    Listen,
    /// A connection to a path.
    Connect,
    /// The path is removed by who made it.
    Unlink,
    /// The lock of a path is removed by who holds it.
    Unlock,
}
