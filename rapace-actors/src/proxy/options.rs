//! How a call through a proxy is made.

use rapace_session::CallOptions;

/// How a call through a proxy is to be made.
#[derive(Clone, Debug, Default)]
pub(crate) struct AskOptions {
    pub(crate) call: CallOptions,
    pub(crate) fail_fast: bool,
}
