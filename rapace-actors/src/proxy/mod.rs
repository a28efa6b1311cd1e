//! Proxies: the typed address of a service in this process, at the other end of a session, or behind a plugin.
//!
//! Decides how a call is made: its options, its order, whether it is sent again, and the error that its caller
//! sees. Uses local services, channels, and the route to a plugin's current incarnation; does not depend on
//! what starts and supervises that plugin.

pub mod actor;
pub mod call;
mod channel_call;
mod handle;
mod local_call;
mod options;
mod routed_call;
mod try_tell;
mod turn;

pub use actor::{ProxyActor, ServiceGone};
pub use call::{Call, Tell};
pub use handle::{Proxy, TypedProxy};
pub use try_tell::TryTellError;
