//! Every store to shared memory, by name.

/// What is stored. Each store to the mapping names one of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Store {
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
    /// A claim mark.
    Claim,
    /// Progress.
    Heartbeat,
}

impl Store {
    /// Does the store.
    #[inline(always)]
    pub(crate) fn around(self, store: impl FnOnce()) {
        store();
    }
}
