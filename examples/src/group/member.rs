//! The plugin that every member of the group is: only the names differ.
//!
//! Its two services are actors of their own: a read does not wait for a write that hangs.

use std::path::Path;
use std::process::ExitCode;

use rapace::ServiceHandle;
use rapace::plugin::PluginServer;
use rapace::{Plugin, PluginSpec};

use super::desk::{DeskProxy, Verdict};

/// What must not be done twice. The results name the process that did it.
#[rapace::service]
pub trait Writes {
    /// Writes something down. Does as the host's desk says.
    async fn write(&mut self, what: String) -> u32;

    /// Takes the process down.
    async fn crash(&mut self);
}

/// What may be done twice. The results name the process that did it.
#[rapace::service]
pub trait Reads {
    /// Looks something up. Does as the host's desk says.
    #[rapace(idempotent)]
    async fn read(&mut self, what: String) -> u32;
}

struct Writing(DeskProxy);
struct Reading(DeskProxy);

impl Writes for Writing {
    async fn write(&mut self, what: String) -> u32 {
        obey(&self.0, what).await;
        std::process::id()
    }

    async fn crash(&mut self) {
        crash()
    }
}

impl Reads for Reading {
    async fn read(&mut self, what: String) -> u32 {
        obey(&self.0, what).await;
        std::process::id()
    }
}

async fn obey(desk: &DeskProxy, call: String) {
    match desk.announce(call).await {
        Ok(Verdict::Finish) => {}
        Ok(Verdict::Hang) => std::future::pending().await,
        Ok(Verdict::Crash) => crash(),
        // Without a host there is nobody to answer to.
        Err(_) => {}
    }
}

fn crash() -> ! {
    eprintln!("that was one call too many");
    std::process::exit(70)
}

/// What such a plugin's `main` does.
pub async fn serve_member() -> ExitCode {
    let mut plugin = PluginServer::new();
    let desk = plugin.host::<DeskProxy>();
    plugin
        .service(WritesServer::new(Writing(desk.clone())))
        .service(ReadsServer::new(Reading(desk)))
        .run()
        .await
}

/// A member called `name`, which is the program at `program` with the argument `--plugin`.
pub fn member(name: &'static str, program: &Path, desk: &ServiceHandle) -> PluginSpec {
    Plugin::builder(name, program)
        .arg("--plugin")
        .requires::<WritesProxy>()
        .requires::<ReadsProxy>()
        .provides(desk.clone())
}
