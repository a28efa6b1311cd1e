//! Every action of this crate that another process can observe, by name.
//!
//! - Z1: a store to the mapping names its crash point: [`OwnMap`](crate::memory::mapping::OwnMap) has no other way to
//!   store, and no other module accesses the mapping's address.
//! - Z2: so does each system call whose result another process can observe: rings, messages, holes, and
//!   changes at a socket path. A test searches the sources for calls that do not.
//! - Z3: an action that only consumes is no crash point: receiving a message, emptying a pipe, accepting. No process
//!   waits for it. Neither is closing a descriptor, which every death does; the hang-up that precedes it
//!   is one.
//!
//! With the feature `crash-points`, a process can be made to die before or after each.

macro_rules! crash_points {
    ($($(#[$doc:meta])+ $name:ident,)+) => {
        /// An action that another process can observe.
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
    /// Bytes of a slot. Before: the slot is lent for writing; after: it is frozen.
    Payload,
    /// A part of a descriptor.
    Entry,
    /// The cursor that publishes descriptors.
    Tail,
    /// The cursor that returns ring room.
    Head,
    /// The receiver's armed word.
    ReceiverArmed,
    /// The armed word of waiters for room.
    ProducerArmed,
    /// The entry of a returned slot.
    ReturnEntry,
    /// The cursor that returns slots.
    ReturnsTail,
    /// A start marker.
    StartMarker,
    /// The heartbeat.
    Heartbeat,
    /// The pages of an idle slot are given back.
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
    /// The answer to a peer of another layout version.
    Refused,
    /// The end of a link: the control socket is shut down.
    HangUp,
    /// The lock file of a path is opened, and created if it does not exist.
    Lock,
    /// The path of a dead process's socket is removed.
    TakeOver,
    /// A socket gets the mode that its path will have.
    Permit,
    /// A socket appears at a path.
    Bind,
    /// The socket takes connections.
    Listen,
    /// A connection to a path.
    Connect,
    /// The path is removed by its creator.
    Unlink,
    /// The lock file of a path is removed by its holder.
    Unlock,
}
