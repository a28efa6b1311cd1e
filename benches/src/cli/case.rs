//! The cases, and the floor of each.

use std::time::Duration;

use super::options::Options;
use super::run::Point;

/// What can be measured.
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
    Idle,
    Spawn,
    Restart,
    Codec,
    Compare,
    Count,
}

/// What a case is held against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Floor {
    /// A bare ping-pong of two processes; of as many pairs as are under way at once.
    Bell,
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
    pub(super) const ALL: [Self; 14] = [
        Self::Floor,
        Self::Ask,
        Self::Recipient,
        Self::Local,
        Self::Tell,
        Self::Blob,
        Self::Stream,
        Self::Fanout,
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
            Self::Idle => "idle",
            Self::Spawn => "spawn",
            Self::Restart => "restart",
            Self::Codec => "codec",
            Self::Compare => "compare",
            Self::Count => "count",
        }
    }

    /// The work of its subject.
    pub(super) fn work(self, options: &Options) -> Vec<&'static str> {
        match self {
            Self::Floor => vec!["bell"],
            Self::Stream if options.blob => vec!["blobs"],
            _ => vec![self.name()],
        }
    }

    /// Its name, with the options that make it another.
    pub(super) fn label(self, options: &Options) -> String {
        let blob = if options.blob { " --blob" } else { "" };
        let touch = if options.setting.touch {
            " --touch"
        } else {
            ""
        };
        format!("{}{blob}{touch}", self.name())
    }

    /// What an operation is.
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

    /// Payload and depth, as asked for or by default. What has no payload has none.
    pub(super) fn point(self, options: &Options) -> Point {
        let bytes = match self {
            Self::Floor | Self::Idle | Self::Spawn | Self::Restart => 0,
            Self::Blob => options.bytes.unwrap_or(64 << 10),
            Self::Stream if options.blob => options.bytes.unwrap_or(64 << 10),
            Self::Stream | Self::Codec => options.bytes.unwrap_or(1 << 10),
            _ => options.bytes.unwrap_or(16),
        };
        let inflight = match self {
            Self::Idle | Self::Codec => 1,
            Self::Fanout => options.inflight.unwrap_or(4),
            _ => options.inflight.unwrap_or(1),
        };
        Point { bytes, inflight }
    }

    /// What it is held against.
    pub(super) fn floor(self, options: &Options, point: &Point) -> Option<Floor> {
        Some(match self {
            Self::Floor | Self::Fanout => Floor::Bell,
            Self::Blob if options.setting.touch => Floor::Memcpy,
            Self::Ask | Self::Recipient | Self::Blob if point.inflight > 1 => Floor::Local,
            Self::Ask | Self::Recipient | Self::Blob => Floor::Bell,
            Self::Local => Floor::Channel,
            Self::Tell => Floor::LocalTell,
            Self::Stream | Self::Codec => Floor::Memcpy,
            Self::Spawn | Self::Restart => Floor::Process,
            Self::Idle | Self::Compare | Self::Count => return None,
        })
    }

    /// Whether what it does with many is held against what it does with one.
    pub(super) fn scales(self, point: &Point) -> bool {
        self == Self::Fanout && point.inflight > 1
    }

    /// How long one round is: long enough for several operations, short enough that a disturbance
    /// hits the floor too.
    pub(super) fn round(self, options: &Options) -> Duration {
        match self {
            Self::Idle => options.time(),
            Self::Spawn | Self::Restart => Duration::from_millis(200),
            _ => Duration::from_millis(40),
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
    /// The work of its subject.
    pub(super) fn work(self) -> &'static str {
        match self {
            Self::Bell => "bell",
            Self::Local => "local",
            Self::LocalTell => "local-tell",
            Self::Channel => "channel",
            Self::Memcpy => "memcpy",
            Self::Process => "process",
        }
    }

    /// In words.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Bell => "a bare eventfd ping-pong of two processes",
            Self::Local => "the same work on a local kameo actor",
            Self::LocalTell => "telling a local kameo actor",
            Self::Channel => "a bare tokio channel to a task and a oneshot back",
            Self::Memcpy => "one memcpy of the same bytes, hot",
            Self::Process => "a bare start of the same program to its first byte",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pipelined_call_is_held_against_local_work_and_a_single_one_against_the_bell() {
        let mut options = Options::default();
        let floor = |case: Case, options: &Options| case.floor(options, &case.point(options));
        assert_eq!(floor(Case::Ask, &options), Some(Floor::Bell));
        assert_eq!(floor(Case::Blob, &options), Some(Floor::Bell));
        options.inflight = Some(64);
        assert_eq!(floor(Case::Ask, &options), Some(Floor::Local));
        assert_eq!(floor(Case::Fanout, &options), Some(Floor::Bell));
        options.setting.touch = true;
        assert_eq!(floor(Case::Blob, &options), Some(Floor::Memcpy));
    }
}
