//! How much the other side of a session may have waiting for this side.

use rapace_session::{MAX_WINDOW, SessionConfig};

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
/// Each number must be at least 1, the budget may be 0, and no window may be larger at first than at most.
/// [`validate`](Self::validate) says so. Other windows are refused when a plugin is started, or serves.
///
/// ```
/// use rapace::WindowConfig;
///
/// let windows = WindowConfig::default().with_stream_bytes(16 << 10, 1 << 20);
/// assert!(windows.validate().is_ok());
/// ```
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

    /// Sets the window of a stream in bytes, at first and at most. One item may exceed it.
    pub fn with_stream_bytes(self, stream_initial_bytes: u32, stream_bytes: u32) -> Self {
        Self {
            stream_initial_bytes,
            stream_bytes,
            ..self
        }
    }

    /// Sets the window in bytes of the requests to a service, at first and at most. One request may exceed it.
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

    /// Checks that the windows can be used.
    ///
    /// # Errors
    /// [`WindowConfigError`] names the first setting that cannot be used, and its values.
    pub fn validate(&self) -> Result<(), WindowConfigError> {
        let items = self.stream_items;
        if !(1..=MAX_WINDOW).contains(&items) {
            return Err(WindowConfigError::StreamItems { items });
        }
        let can_grow = |first, most| (1..=most).contains(&first);
        let (initial, maximum) = (self.stream_initial_bytes, self.stream_bytes);
        if !can_grow(initial, maximum) {
            return Err(WindowConfigError::StreamBytes { initial, maximum });
        }
        let (initial, maximum) = (self.request_initial_bytes, self.request_bytes);
        if !can_grow(initial, maximum) {
            return Err(WindowConfigError::RequestBytes { initial, maximum });
        }
        match self.fragment_bytes {
            0 => Err(WindowConfigError::FragmentBytes),
            _ => Ok(()),
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

/// Why a [`WindowConfig`] cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WindowConfigError {
    /// A stream's window has no item, or more than 65,536.
    #[error(
        "`WindowConfig::with_stream_items({items})`: the window of a stream has 1 to {MAX_WINDOW} items"
    )]
    StreamItems {
        /// The items that were configured.
        items: u32,
    },
    /// A stream's window has no byte, or more at first than at most.
    #[error("`WindowConfig::with_stream_bytes({initial}, {maximum})`: {RULE}")]
    StreamBytes {
        /// The bytes that were configured at first.
        initial: u32,
        /// The bytes that were configured at most.
        maximum: u32,
    },
    /// The window of requests has no byte, or more at first than at most.
    #[error("`WindowConfig::with_request_bytes({initial}, {maximum})`: {RULE}")]
    RequestBytes {
        /// The bytes that were configured at first.
        initial: u32,
        /// The bytes that were configured at most.
        maximum: u32,
    },
    /// The window of fragments has no byte.
    #[error(
        "`WindowConfig::with_fragment_bytes(0)`: give it 1 byte or more; it is never less than the largest slot"
    )]
    FragmentBytes,
}

const RULE: &str = "a window has 1 byte or more at first, and no more at first than at most";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_window_that_cannot_be_used_is_refused_by_its_setting() {
        let windows = WindowConfig::default;
        let stream = |initial, maximum| {
            let refused = windows().with_stream_bytes(initial, maximum).validate();
            assert_eq!(
                refused,
                Err(WindowConfigError::StreamBytes { initial, maximum })
            );
        };
        let request = |initial, maximum| {
            let refused = windows().with_request_bytes(initial, maximum).validate();
            assert_eq!(
                refused,
                Err(WindowConfigError::RequestBytes { initial, maximum })
            );
        };
        for (initial, maximum) in [(0, 0), (0, 1), (1, 0), (1 << 20, 1 << 10)] {
            stream(initial, maximum);
            request(initial, maximum);
        }
        for items in [0, MAX_WINDOW + 1] {
            let refused = windows().with_stream_items(items).validate();
            assert_eq!(refused, Err(WindowConfigError::StreamItems { items }));
        }
        let refused = windows().with_fragment_bytes(0).validate();
        assert_eq!(refused, Err(WindowConfigError::FragmentBytes));
    }

    #[test]
    fn the_default_and_the_smallest_windows_can_be_used() {
        let smallest = WindowConfig::default()
            .with_stream_items(1)
            .with_stream_bytes(1, 1)
            .with_request_bytes(1, 1)
            .with_budget_bytes(0)
            .with_fragment_bytes(1);
        let most = WindowConfig::default().with_stream_items(MAX_WINDOW);
        for windows in [WindowConfig::default(), smallest, most] {
            assert_eq!(windows.validate(), Ok(()));
        }
    }
}
