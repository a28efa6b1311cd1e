//! The cases and the floors, with their names. What a case measures under given options is decided by
//! [`plan`](super::plan).

/// The cases that can be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Case {
    Floor,
    Ask,
    Recipient,
    Local,
    Tell,
    Blob,
    Stream,
    Fanout,
    Kept,
    Idle,
    Spawn,
    Restart,
    Codec,
    Compare,
    Count,
}

/// The floor that a case is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Floor {
    /// A bare ping-pong of two processes; of as many pairs as are under way at once.
    PingPong,
    /// The same work on a local kameo actor.
    Local,
    /// Telling a local kameo actor.
    LocalTell,
    /// A channel to a task, and a oneshot back.
    Channel,
    /// One copy of the same bytes.
    Memcpy,
    /// A bare start of the same program, to its first byte.
    Process,
}

impl Case {
    #[cfg(test)]
    pub(super) const ALL: [Self; 15] = [
        Self::Floor,
        Self::Ask,
        Self::Recipient,
        Self::Local,
        Self::Tell,
        Self::Blob,
        Self::Stream,
        Self::Fanout,
        Self::Kept,
        Self::Idle,
        Self::Spawn,
        Self::Restart,
        Self::Codec,
        Self::Compare,
        Self::Count,
    ];

    pub(super) fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "floor" => Self::Floor,
            "ask" => Self::Ask,
            "recipient" => Self::Recipient,
            "local" => Self::Local,
            "tell" => Self::Tell,
            "blob" => Self::Blob,
            "stream" => Self::Stream,
            "fanout" => Self::Fanout,
            "kept" => Self::Kept,
            "idle" => Self::Idle,
            "spawn" => Self::Spawn,
            "restart" => Self::Restart,
            "codec" => Self::Codec,
            "compare" => Self::Compare,
            "count" => Self::Count,
            _ => return None,
        })
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Floor => "floor",
            Self::Ask => "ask",
            Self::Recipient => "recipient",
            Self::Local => "local",
            Self::Tell => "tell",
            Self::Blob => "blob",
            Self::Stream => "stream",
            Self::Fanout => "fanout",
            Self::Kept => "kept",
            Self::Idle => "idle",
            Self::Spawn => "spawn",
            Self::Restart => "restart",
            Self::Codec => "codec",
            Self::Compare => "compare",
            Self::Count => "count",
        }
    }

    /// The name of one operation.
    pub(super) fn operation(self) -> &'static str {
        match self {
            Self::Tell => "message",
            Self::Stream => "item, on average over a stream of 1024",
            Self::Idle => "second of rest",
            Self::Spawn => "start",
            Self::Restart => "restart",
            Self::Codec => "record to bytes and back",
            _ => "round trip",
        }
    }

    /// Operations whose system calls are counted.
    pub(super) fn counted(self) -> u64 {
        match self {
            Self::Idle => 2,
            Self::Spawn | Self::Restart => 5,
            Self::Stream => 4,
            _ => 400,
        }
    }
}

impl Floor {
    /// The work of the subject.
    pub(super) fn work(self) -> &'static str {
        match self {
            Self::PingPong => "ping-pong",
            Self::Local => "local",
            Self::LocalTell => "local-tell",
            Self::Channel => "channel",
            Self::Memcpy => "memcpy",
            Self::Process => "process",
        }
    }

    /// The description of the floor.
    pub(super) fn description(self) -> &'static str {
        match self {
            Self::PingPong => "a bare eventfd ping-pong of two processes",
            Self::Local => "the same work on a local kameo actor",
            Self::LocalTell => "telling a local kameo actor",
            Self::Channel => "a bare tokio channel to a task and a oneshot back",
            Self::Memcpy => "one memcpy of the same bytes, hot",
            Self::Process => "a bare start of the same program to its first byte",
        }
    }
}
