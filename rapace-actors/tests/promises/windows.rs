//! Each side of a session sets how much the other may have waiting for it.

use rapace::plugin::PluginServer;
use rapace::{CallContext, OnPanic, Proxy, WindowConfig};

use crate::support::{in_time, role};

/// The windows in bytes that the caller's side grants: of a stream, and of requests, at first and at most.
type Bytes = [u32; 4];

#[rapace::service]
pub trait Windows {
    /// Returns what the caller grants to this side, and what this side grants to the caller.
    async fn granted(&self) -> (Bytes, Bytes);
}

/// Returns what the peer of the session grants.
fn by_peer() -> Bytes {
    let session = CallContext::with(CallContext::session).flatten();
    let session = session.expect("a call of another process");
    let hello = session.peer().expect("a session that is established");
    [
        hello.stream_initial_bytes,
        hello.stream_window_bytes,
        hello.request_initial_bytes,
        hello.request_window_bytes,
    ]
}

struct OnHost;

impl Windows for OnHost {
    async fn granted(&self) -> (Bytes, Bytes) {
        (by_peer(), Bytes::default())
    }
}

struct InPlugin(WindowsProxy);

impl Windows for InPlugin {
    async fn granted(&self) -> (Bytes, Bytes) {
        let (own, _) = self.0.granted().await.expect("the host answers");
        (by_peer(), own)
    }
}

/// The plugin's main.
pub(crate) fn main() -> PluginServer {
    let windows = WindowConfig::default()
        .with_stream_bytes(11, 12)
        .with_request_bytes(13, 14);
    let mut main = PluginServer::new().windows(windows);
    let host = main.host();
    main.service(WindowsServer::new(InPlugin(host)))
}

#[tokio::test]
async fn each_side_grants_the_windows_that_it_was_given() {
    let windows = WindowConfig::default()
        .with_stream_bytes(1, 2)
        .with_request_bytes(3, 4);
    let (_, provided) = Proxy::serve(WindowsServer::new(OnHost), 8, OnPanic::Stop);
    let spec = role("windows")
        .requires::<WindowsProxy>()
        .provides(provided);
    let plugin = in_time(spec.windows(windows).start())
        .await
        .expect("it starts");
    let proxy: WindowsProxy = plugin.proxy();
    let (host, own) = in_time(proxy.granted()).await.expect("an answer");
    assert_eq!((host, own), ([1, 2, 3, 4], [11, 12, 13, 14]));
}
