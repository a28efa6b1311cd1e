//! The kinds of work.

use std::fmt;

/// Payloads in bytes: in a descriptor, in a small slot, in a large one, in one that does not fit a cache.
const SIZES: [usize; 4] = [16, 1 << 10, 64 << 10, 1 << 20];

/// One kind of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Row {
    /// A bare eventfd ping-pong of two processes.
    Doorbells,
    /// One copy of so many bytes, from one hot buffer to another.
    Memcpy(usize),
    /// Asking a kameo actor in this process.
    Local(usize),
    /// Asking the plugin, the payload as `Vec<u8>`, there and back.
    Bytes(usize),
    /// The payload as `Blob`, there and back: one copy.
    Blob(usize),
    /// The payload as `Blob`, there only: no copy.
    BlobThere(usize),
    /// 16 bytes, many calls at once, to a kameo actor in this process: time of one call.
    LocalPipelined,
    /// The same to the plugin.
    Pipelined,
}

impl Row {
    pub(crate) fn all() -> Vec<Self> {
        let sized = [
            Self::Memcpy,
            Self::Local,
            Self::Bytes,
            Self::Blob,
            Self::BlobThere,
        ];
        let sized = SIZES.iter().flat_map(|size| sized.map(|row| row(*size)));
        [Self::Doorbells]
            .into_iter()
            .chain(sized)
            .chain([Self::LocalPipelined, Self::Pipelined])
            .collect()
    }

    /// Its name with its payload.
    pub(crate) fn in_full(self) -> String {
        match self.payload() {
            Some(size) => format!("{self}, {size}"),
            None => self.to_string(),
        }
    }

    pub(crate) fn payload(self) -> Option<usize> {
        match self {
            Self::Doorbells => None,
            Self::Memcpy(size)
            | Self::Local(size)
            | Self::Bytes(size)
            | Self::Blob(size)
            | Self::BlobThere(size) => Some(size),
            Self::LocalPipelined | Self::Pipelined => Some(16),
        }
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Doorbells => "eventfd ping-pong",
            Self::Memcpy(_) => "memcpy",
            Self::Local(_) => "local kameo ask",
            Self::Bytes(_) => "ask, Vec<u8> there and back",
            Self::Blob(_) => "ask, Blob there and back",
            Self::BlobThere(_) => "ask, Blob there",
            Self::LocalPipelined => "64 local kameo asks at once",
            Self::Pipelined => "64 asks at once",
        })
    }
}
