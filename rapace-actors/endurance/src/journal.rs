//! The calls that a plugin executed, written by the plugin to a file that survives it.
//!
//! - J1: a record is written with one system call before the handler goes on, so no kill loses it.
//! - J2: records of all incarnations are appended to one file.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

/// The environment variable with the path of a plugin's journal.
pub(crate) const JOURNAL: &str = "RAPACE_ENDURANCE_JOURNAL";

/// The reading side.
#[derive(Debug)]
pub(crate) struct Journal {
    path: PathBuf,
}

impl Journal {
    pub(crate) fn create(directory: &Path, name: &str) -> std::io::Result<Self> {
        let path = directory.join(name);
        File::create_new(&path)?;
        Ok(Self { path })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The number of entries.
    pub(crate) fn len(&self) -> u64 {
        std::fs::metadata(&self.path).map_or(0, |file| file.len() / 8)
    }

    /// Counts how often each number was written since the last call. No plugin may write meanwhile.
    pub(crate) fn take(&self) -> std::io::Result<HashMap<u64, u32>> {
        let mut bytes = Vec::new();
        let mut file = OpenOptions::new().read(true).write(true).open(&self.path)?;
        file.read_to_end(&mut bytes)?;
        file.set_len(0)?;
        let mut counts = HashMap::with_capacity(bytes.len() / 8);
        for record in bytes.chunks(8) {
            let record = record.try_into().map_err(std::io::Error::other)?;
            *counts.entry(u64::from_ne_bytes(record)).or_default() += 1;
        }
        Ok(counts)
    }
}

/// The writing side, in a plugin. Without a journal it writes nothing.
#[derive(Debug)]
pub(crate) struct Pen(Option<File>);

impl Pen {
    pub(crate) fn new() -> Self {
        Self(std::env::var_os(JOURNAL).map(|path| {
            let file = OpenOptions::new().append(true).open(path);
            file.expect("the host keeps a journal")
        }))
    }

    /// Writes a number, which survives any kill once this returns (J1).
    pub(crate) fn write(&mut self, number: u64) {
        if let Some(file) = &mut self.0 {
            let wrote = file.write_all(&number.to_ne_bytes());
            wrote.expect("the journal has room");
        }
    }
}
