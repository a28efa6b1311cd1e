//! From nothing to the first reply, and its floor: the same program started bare, to its first byte.
//!
//! The floor consists of: one `posix_spawn` from the thread that measures, the kernel's exec, the dynamic linker, the
//! start of Rust's runtime, and a tokio runtime of the plugin's kind, in which one byte is written to a pipe that
//! the other side waits on in a plain `read`. Nothing is watched, limited, registered, mapped or agreed upon, and the
//! process is collected after the clock.

use std::io::{self, Read, Write};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rapace_measure::subject::Work;
use rapace_measure::tasks::{Operation, round};
use rapace_measure::{Request, Round, Setting, Watched, machine};

use super::parts::HELLO;
use super::stage::spec;
use crate::mirror::MirrorProxy;

/// Starts a plugin for each operation, and stops it after the clock.
pub(super) struct Spawn(pub(super) Setting);

impl Work for Spawn {
    async fn round(&mut self, request: &Request) -> Result<Round, String> {
        let spawning = (0..request.inflight).map(|_| Spawning(self.0));
        round(request, &Watched::Children, spawning.collect()).await
    }
}

struct Spawning(Setting);

impl Operation for Spawning {
    async fn run(&mut self, _: u64) -> Result<Duration, String> {
        let spec = spec(self.0)?;
        let start = Instant::now();
        let plugin = spec.spawn();
        let proxy = plugin.proxy::<MirrorProxy>();
        let pid = proxy.process().send().await;
        let took = start.elapsed();
        let shown = plugin.pid();
        plugin.stop().await;
        match pid {
            Ok(pid) if Some(pid) == shown => Ok(took),
            Ok(pid) => Err(format!("process {pid} answered, not {shown:?}")),
            Err(why) => Err(why.to_string()),
        }
    }
}

/// Starts the program bare for each operation.
pub(super) struct Hello(pub(super) Setting);

impl Work for Hello {
    async fn round(&mut self, request: &Request) -> Result<Round, String> {
        let helloing = (0..request.inflight).map(|_| Helloing(self.0));
        round(request, &Watched::Children, helloing.collect()).await
    }
}

struct Helloing(Setting);

impl Operation for Helloing {
    async fn run(&mut self, _: u64) -> Result<Duration, String> {
        hello(self.0).map_err(|why| why.to_string())
    }
}

/// The byte that the started program writes.
const BYTE: u8 = 0x68;

fn hello(setting: Setting) -> io::Result<Duration> {
    let (name, usable) = machine::usable_for_children()?;
    let mut command = Command::new(std::env::current_exe()?);
    command
        .arg(HELLO)
        .args(setting.arguments())
        .env(name, usable);
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    let start = Instant::now();
    let mut child = command.spawn()?;
    let mut said = [0];
    let read = match child.stdout.as_mut() {
        Some(out) => out.read(&mut said),
        None => Err(io::Error::other("a piped stream")),
    };
    let took = start.elapsed();
    child.wait()?;
    match read? {
        1 if said == [BYTE] => Ok(took),
        _ => Err(io::Error::other("another process said something else")),
    }
}

pub(super) fn say_hello() -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(&[BYTE])?;
    out.flush()
}
