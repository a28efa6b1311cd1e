//! The plugin of every command: this program, started again.

use std::process::ExitCode;
use std::time::Duration;

use futures_util::StreamExt;
use rapace::plugin::PluginServer;
use rapace::supervision::{BackoffConfig, RestartConfig};
use rapace::{Blob, Plugin, PluginSpec, Streaming};

use crate::journal::Pen;
use crate::proc;
use crate::violation::Outcome;

/// Work that is counted: each execution is in the journal.
#[rapace::service]
pub trait Worker {
    /// Returns the number.
    async fn once(&mut self, id: u64) -> u64;

    /// Returns the number and the bytes.
    async fn bytes(&mut self, id: u64, bytes: Vec<u8>) -> (u64, Vec<u8>);

    /// The same, as an idempotent method.
    #[rapace(idempotent)]
    async fn again(&mut self, id: u64, bytes: Vec<u8>) -> (u64, Vec<u8>);

    /// Does the same with a buffer: odd numbers get the same buffer back, even numbers another one with the same bytes.
    async fn buffer(&mut self, id: u64, bytes: Blob) -> (u64, Blob);

    /// A stream of this many numbers, from `id`.
    async fn count(&mut self, id: u64, items: u64) -> Streaming<u64>;

    /// Returns the id, the number of items, and their sum if the stream ended without an error.
    async fn sum(&mut self, id: u64, items: Streaming<u64>) -> (u64, u64, Option<u64>);

    /// Blocks the thread forever.
    async fn hang(&mut self, id: u64);

    /// Answers without a journal entry.
    async fn answer(&self) -> bool;
}

/// The state of a process besides its work.
#[rapace::service]
pub trait Body {
    /// Private bytes that were resident before there was a session.
    async fn before(&self) -> u64;

    /// Allocates and touches so much memory, and keeps it.
    async fn grow(&mut self, mebibytes: u64);

    /// Ends the process with SIGABRT.
    async fn abort(&self);

    /// Starts a process that ignores all signals that can be ignored, and returns its id.
    async fn start_child(&mut self) -> u32;
}

struct Counting(Pen);

impl Worker for Counting {
    async fn once(&mut self, id: u64) -> u64 {
        self.0.write(id);
        id
    }

    async fn bytes(&mut self, id: u64, bytes: Vec<u8>) -> (u64, Vec<u8>) {
        self.0.write(id);
        (id, bytes)
    }

    async fn again(&mut self, id: u64, bytes: Vec<u8>) -> (u64, Vec<u8>) {
        self.0.write(id);
        (id, bytes)
    }

    async fn buffer(&mut self, id: u64, bytes: Blob) -> (u64, Blob) {
        self.0.write(id);
        if !id.is_multiple_of(2) {
            return (id, bytes);
        }
        let mut other = rapace::allocate(bytes.len())
            .await
            .expect("as large as what came");
        other.copy_from_slice(&bytes);
        (id, other.freeze())
    }

    async fn count(&mut self, id: u64, items: u64) -> Streaming<u64> {
        self.0.write(id);
        Streaming::iter(id..id + items)
    }

    async fn sum(&mut self, id: u64, mut items: Streaming<u64>) -> (u64, u64, Option<u64>) {
        self.0.write(id);
        let (mut count, mut sum) = (0, 0_u64);
        while let Some(item) = items.next().await {
            let Ok(item) = item else {
                return (id, count, None);
            };
            count += 1;
            sum = sum.wrapping_add(item);
        }
        (id, count, Some(sum))
    }

    async fn hang(&mut self, id: u64) {
        self.0.write(id);
        loop {
            std::thread::park();
        }
    }

    async fn answer(&self) -> bool {
        true
    }
}

struct Process {
    before: u64,
    memory: Vec<u8>,
}

impl Body for Process {
    async fn before(&self) -> u64 {
        self.before
    }

    async fn grow(&mut self, mebibytes: u64) {
        self.memory = vec![7; (mebibytes << 20) as usize];
    }

    async fn abort(&self) {
        std::process::abort();
    }

    async fn start_child(&mut self) -> u32 {
        let program = std::env::current_exe().expect("a process knows its program");
        let child = std::process::Command::new(program).arg("--child").spawn();
        child.expect("it can be started again").id()
    }
}

/// The plugin's main.
pub(crate) async fn serve() -> ExitCode {
    let process = Process {
        before: proc::private(std::process::id()),
        memory: Vec::new(),
    };
    PluginServer::new()
        .service(WorkerServer::new(Counting(Pen::new())))
        .service(BodyServer::new(process))
        .run()
        .await
}

/// Describes a plugin that is always restarted at once.
pub(crate) fn spec(name: &str) -> Outcome<PluginSpec> {
    let program = std::env::current_exe()?;
    Ok(Plugin::builder(name.to_owned(), program)
        .arg("--plugin")
        .requires::<WorkerProxy>()
        .requires::<BodyProxy>()
        .restart(RestartConfig {
            limit: usize::MAX,
            within: Duration::from_secs(1),
            backoff: BackoffConfig {
                first: Duration::ZERO,
                cap: Duration::ZERO,
                ..BackoffConfig::default()
            },
            ..RestartConfig::default()
        }))
}
