//! The host of these tests, and its handles.

use std::sync::{Arc, OnceLock};

use rapace::{Blob, OnPanic, Plugin, Proxy, SegmentConfig};

use super::plugin::{DeskProxy, GatesProxy, SecondProxy, Shelf, ShelfServer, StoreProxy};
use super::{payload, windows};
use crate::support::{in_time, role};

/// What the plugin calls.
#[derive(Clone, Default)]
struct Host {
    second: Arc<OnceLock<SecondProxy>>,
}

impl Shelf for Host {
    async fn take(&mut self, number: u32, len: u32) -> Blob {
        let buffer = rapace::allocate(len as usize).await;
        let mut buffer = buffer.expect("it is short enough");
        buffer.copy_from_slice(&payload(number, len as usize));
        buffer.freeze()
    }

    async fn check(&mut self, number: u32, len: u32) -> bool {
        let second = self.second.get().expect("it is set");
        let buffer = Blob::from(payload(number, len as usize));
        second.verify(number, buffer).await.expect("it answers")
    }
}

/// A plugin, and proxies of its services.
pub(super) struct Running {
    pub(super) plugin: Plugin,
    pub(super) store: StoreProxy,
    pub(super) desk: DeskProxy,
    pub(super) second: SecondProxy,
    pub(super) gates: GatesProxy,
}

impl Running {
    pub(super) async fn start(segment: SegmentConfig) -> Self {
        let host = Host::default();
        let (_, shelf) = Proxy::serve(ShelfServer::new(host.clone()), 64, OnPanic::Continue);
        let spec = role("progress")
            .segment(segment)
            .windows(windows())
            .provides(shelf);
        let plugin = in_time(spec.start()).await.expect("it starts");
        let second: SecondProxy = plugin.proxy();
        host.second.get_or_init(|| second.clone());
        Self {
            store: plugin.proxy(),
            desk: plugin.proxy(),
            gates: plugin.proxy(),
            second,
            plugin,
        }
    }

    /// A buffer of the session's if one is free, otherwise on the heap.
    pub(super) async fn allocated(&self, number: u32, len: usize) -> Blob {
        let mut buffer = in_time(self.desk.allocate(len)).await.unwrap();
        buffer.copy_from_slice(&payload(number, len));
        buffer.freeze()
    }
}
