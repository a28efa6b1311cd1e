//! The options of a call.

use rapace_session::CallOptions;

/// The options of a call through a proxy.
#[derive(Clone, Debug, Default)]
pub(crate) struct AskOptions {
    pub(crate) call: CallOptions,
    pub(crate) fail_fast: bool,
}
