//! The plugin of which every member of the group is an instance: only the names differ.
//!
//! Its two services are separate actors: a read does not wait for a write that hangs.

use std::path::Path;
use std::process::ExitCode;

use rapace::ServiceHandle;
use rapace::plugin::PluginServer;
use rapace::{Plugin, PluginSpec};

use super::desk::{Action, DeskProxy};

/// Methods that must not run twice. The results name the process that ran them.
#[rapace::service]
pub trait Writes {
    /// Writes something. Acts as the host's desk decides.
    async fn write(&mut self, what: String) -> u32;

    /// Crashes the process.
    async fn crash(&mut self);
}

/// Methods that may run twice. The results name the process that ran them.
#[rapace::service]
pub trait Reads {
    /// Reads something. Acts as the host's desk decides.
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
        Ok(Action::Finish) => {}
        Ok(Action::Hang) => std::future::pending().await,
        Ok(Action::Crash) => crash(),
        // Without a host there is nobody to answer.
        Err(_) => {}
    }
}

fn crash() -> ! {
    eprintln!("that was one call too many");
    std::process::exit(70)
}

/// The `main` of such a plugin.
pub async fn serve_member() -> ExitCode {
    let mut plugin = PluginServer::new();
    let desk = plugin.host::<DeskProxy>();
    plugin
        .service(WritesServer::new(Writing(desk.clone())))
        .service(ReadsServer::new(Reading(desk)))
        .run()
        .await
}

/// Describes a member with this name: the executable `program` with the argument `--plugin`.
pub fn member(name: &'static str, program: &Path, desk: &ServiceHandle) -> PluginSpec {
    Plugin::builder(name, program)
        .arg("--plugin")
        .requires::<WritesProxy>()
        .requires::<ReadsProxy>()
        .provides(desk.clone())
}
