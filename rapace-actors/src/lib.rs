//! Plugins as supervised actors, each in a process of its own.
//!
//! Write an async trait and mark it with [`macro@service`]. A plugin is a small program that serves it; a host
//! starts that program, supervises it, and calls it through a typed proxy like a local kameo actor. Host and
//! plugin share memory, so a small call costs a wake-up and a large buffer that lies there is not copied.
//!
//! # The shortest program
//!
//! The plugin:
//!
//! ```no_run
//! #[rapace::service]
//! pub trait Greeter {
//!     /// Greets somebody.
//!     #[rapace(idempotent)]
//!     async fn greet(&mut self, name: String) -> String;
//! }
//!
//! struct Polite;
//!
//! impl Greeter for Polite {
//!     async fn greet(&mut self, name: String) -> String {
//!         format!("Good day, {name}")
//!     }
//! }
//!
//! #[tokio::main]
//! async fn main() -> std::process::ExitCode {
//!     rapace::plugin::serve(GreeterServer::new(Polite)).await
//! }
//! ```
//!
//! The host:
//!
//! ```no_run
//! # #[rapace::service]
//! # pub trait Greeter {
//! #     async fn greet(&mut self, name: String) -> String;
//! # }
//! use std::time::Duration;
//!
//! use rapace::Plugin;
//!
//! # async fn host() -> Result<(), Box<dyn std::error::Error>> {
//! let plugin = Plugin::builder("greeter", "target/release/greeter")
//!     .requires::<GreeterProxy>()
//!     .start()
//!     .await?;
//! let greeter: GreeterProxy = plugin.proxy();
//! let greeting = greeter
//!     .greet("Ada".to_owned())
//!     .timeout(Duration::from_secs(1))
//!     .await?;
//! println!("{greeting}");
//! # Ok(())
//! # }
//! ```
//!
//! # Architecture
//!
//! ```text
//!   your host                                          your plugin
//!   ─────────                                          ───────────
//!   GreeterProxy ── Call ──┐                    ┌──► GreeterServer(Polite)
//!                          │                    │    one message at a time
//!   Plugin ◄─ PluginActor ─┤ route              │
//!     ▲        restarts    │                    │
//!   Supervisor             ▼                    │
//!                       Session ◄══ rings ══► Session        rapace-session
//!                          ╰──── slabs, doorbells ────╯      rapace-shm
//! ```
//!
//! - [`macro@service`] generates from a trait: a message type for each method, a typed proxy, a server that
//!   wraps an implementation, and a descriptor.
//! - [`Proxy`] is the address of a service: in this process ([`Proxy::local`]), at the other end of a session
//!   ([`Proxy::from_channel`]), or behind a supervised [`Plugin`].
//! - [`plugin`] has both sides of a plugin: [`Plugin`] in the host, [`plugin::serve`] for its `main`.
//! - [`supervision`] decides what follows when a process exits; [`Supervisor`] coordinates siblings.
//! - [`process`] starts, watches and stops processes.
//!
//! # Guarantees for callers
//!
//! | when | what happens |
//! |---|---|
//! | the plugin dies, the call was answered | the answer is delivered |
//! | the plugin dies, the call had not begun | it goes to the next incarnation, in order, under its deadline |
//! | the plugin dies, the call had begun | [`CallError::PluginDied`]; an idempotent method is sent again, and refused as [`CallError::Poisoned`] when it was running at two deaths |
//! | the plugin is being restarted | the call waits up to its deadline, or fails at once if it is `fail_fast` |
//! | the plugin will not come back | [`CallError::Down`] at once |
//! | a stream is open when the plugin dies | both ends see an error |
//! | the mailbox is full | `tell` waits, `try_tell` gives the message back |
//!
//! Each call settles exactly once, and dropping its future cancels it.
//!
//! # When not to use it
//!
//! If the plugin's code is trusted, small and yours, link it in. If it must run on another machine, use a
//! network protocol. If it is untrusted and must be confined, add a sandbox: a process is a boundary for memory
//! and crashes, not for files and network.
#![forbid(unsafe_code)]

// The attribute's expansion names `::rapace`, even within this crate and its tests.
extern crate self as rapace;

mod clock;
pub mod error;
pub mod plugin;
pub mod process;
pub mod proxy;
mod route;
pub mod service;
pub mod supervision;
pub mod supervisor;

#[cfg(test)]
mod tests;

pub use error::CallError;
pub use plugin::{Plugin, PluginSpec, WindowConfig};
pub use proxy::{Proxy, TryTellError, TypedProxy};
pub use rapace_codec::{Blob, BlobMut, BlobWriter, Deque, Timestamp};
pub use rapace_macros::service;
pub use rapace_session::{
    BufferError, CallContext, EndReason, StartState, StreamError, allocate, blocking,
};
pub use rapace_shm::{ClassStats, LinkStats, OnExhaustion, SegmentConfig, SizeClass, Trust};
pub use service::actor::OnPanic;
pub use service::handle::ServiceHandle;
pub use service::streaming::Streaming;
pub use supervision::{RestartPolicy, SupervisionStrategy};
pub use supervisor::Supervisor;

/// The serializer, `rapace-codec`, for programs that need only that.
#[doc(no_inline)]
pub use rapace_codec as codec;
/// Sessions and channels between any two peers: `rapace-session`. Its types are used by [`Proxy::from_channel`]
/// and in errors.
#[doc(no_inline)]
pub use rapace_session as session;
/// Shared memory between two processes: `rapace-shm`, for peers that connect on their own. Its types are used
/// in errors.
#[doc(no_inline)]
pub use rapace_shm as shm;

/// Items that the attribute's expansion uses. Not for use by hand.
#[doc(hidden)]
pub mod __macro {
    pub use std::convert::Infallible;

    pub use facet::{Facet, Shape};
    pub use rapace_codec::{DecodeError, EncodeError, Reader, Wire, Writer};
    pub use rapace_session::{Status, StreamReceiver};

    pub use crate::proxy::{Call, Proxy, TypedProxy};
    pub use crate::service::descriptor::{ArgumentDescriptor, MethodDescriptor, ServiceDescriptor};
    pub use crate::service::streaming::{IntoStreaming, OutgoingItems, Streaming};
    pub use crate::service::{MethodCall, RequestError, Serve, Service};

    /// Converts a method's own error for logging. It needs no bound that [`MethodCall`] does not have.
    pub fn own_error<S: Service, M: MethodCall<S>>(error: &M::Error) -> &dyn std::fmt::Debug {
        error
    }

    /// Returns the error of decoding the error of a method that has none: there should be no bytes.
    ///
    /// # Errors
    /// Always; the proxy checks before, with a better text.
    pub fn no_error<T>() -> Result<T, DecodeError> {
        Err(rapace_codec::from_slice::<()>(&[0], &[]).unwrap_err())
    }
}
