//! How much the other side of a session may have waiting for this side.

use rapace_session::SessionConfig;

/// How much the other side of a session may have waiting for this side: items of streams that nobody has read, and
/// requests whose handlers have not begun.
///
/// Given to [`PluginSpec::windows`](crate::PluginSpec::windows) for what a plugin sends to its host, and to
/// [`PluginServer::windows`](crate::plugin::PluginServer::windows) for what the host sends to the plugin.
///
/// Each window begins small, and grows when what it lets in is taken, out of a budget that the session's streams and
/// channels share. So what waits is at most the budget, and the initial window of each stream and each channel, and one
/// item or request of each.
///
/// Each number must be at least 1, the budget may be 0. A session with a window of 0 is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[must_use]
pub struct WindowConfig {
    /// How many items of a stream, at most 65,536. Default 32.
    pub stream_items: u32,
    /// How many bytes of a stream at first. Default 64 KiB.
    pub stream_initial_bytes: u32,
    /// How many bytes of a stream whose items are taken. Default 4 MiB.
    pub stream_bytes: u32,
    /// How many bytes of requests to a service over one channel at first. Default 1 MiB.
    pub request_initial_bytes: u32,
    /// How many bytes of requests to a service that takes them. Default 16 MiB.
    pub request_bytes: u32,
    /// By how many bytes all windows may grow together. Default 256 MiB.
    pub budget_bytes: u64,
    /// How many bytes [in fragments](rapace_session::SessionConfig::fragment_window_bytes) whose message has not come yet,
    /// at least those of the largest slot. This is also the most that one message may have in fragments. Default 256 MiB.
    pub fragment_bytes: u32,
}

impl Default for WindowConfig {
    fn default() -> Self {
        let config = SessionConfig::new("");
        Self {
            stream_items: config.stream_window,
            stream_initial_bytes: config.stream_initial_bytes,
            stream_bytes: config.stream_window_bytes,
            request_initial_bytes: config.request_initial_bytes,
            request_bytes: config.request_window_bytes,
            budget_bytes: config.window_budget_bytes,
            fragment_bytes: config.fragment_window_bytes,
        }
    }
}

impl WindowConfig {
    /// Sets the window of a stream in items.
    pub fn with_stream_items(self, stream_items: u32) -> Self {
        Self {
            stream_items,
            ..self
        }
    }

    /// Sets the window of a stream in bytes, at first and at most.
    pub fn with_stream_bytes(self, stream_initial_bytes: u32, stream_bytes: u32) -> Self {
        Self {
            stream_initial_bytes,
            stream_bytes,
            ..self
        }
    }

    /// Sets the window in bytes of the requests to a service, at first and at most.
    pub fn with_request_bytes(self, request_initial_bytes: u32, request_bytes: u32) -> Self {
        Self {
            request_initial_bytes,
            request_bytes,
            ..self
        }
    }

    /// Sets by how many bytes all windows may grow together.
    pub fn with_budget_bytes(self, budget_bytes: u64) -> Self {
        Self {
            budget_bytes,
            ..self
        }
    }

    /// Sets how many bytes in fragments may wait for their message. Less than the largest slot has no effect.
    pub fn with_fragment_bytes(self, fragment_bytes: u32) -> Self {
        Self {
            fragment_bytes,
            ..self
        }
    }

    pub(crate) fn apply(&self, config: &mut SessionConfig) {
        let Self {
            stream_items,
            stream_initial_bytes,
            stream_bytes,
            request_initial_bytes,
            request_bytes,
            budget_bytes,
            fragment_bytes,
        } = *self;
        config.stream_window = stream_items;
        config.stream_initial_bytes = stream_initial_bytes;
        config.stream_window_bytes = stream_bytes;
        config.request_initial_bytes = request_initial_bytes;
        config.request_window_bytes = request_bytes;
        config.window_budget_bytes = budget_bytes;
        config.fragment_window_bytes = fragment_bytes;
    }
}
