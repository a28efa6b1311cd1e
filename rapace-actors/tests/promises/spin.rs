//! Spinning for the next frame instead of sleeping: which side does it, and at whose request.

use std::time::Duration;

use rapace::plugin::PluginServer;
use rapace::{CallContext, Plugin, PluginSpec};
use rapace_shm::LinkStats;

use crate::support::{in_time, role};

/// Set if the plugin overrides its host: it never spins.
const SLEEPS: &str = "RAPACE_TEST_SLEEPS";

const BOUND: Duration = Duration::from_micros(200);

#[rapace::service]
pub trait Watch {
    /// Returns how often this side of the session has spun so far.
    async fn spins(&self) -> u64;
}

struct Watching;

impl Watch for Watching {
    async fn spins(&self) -> u64 {
        let session = CallContext::with(CallContext::session).flatten();
        spins(&session.and_then(|session| session.link_stats()))
    }
}

fn spins(stats: &Option<LinkStats>) -> u64 {
    let stats = stats.as_ref().expect("a session over shared memory");
    stats.spin_hits + stats.spin_misses
}

/// The plugin's main.
pub(crate) fn main() -> PluginServer {
    let main = PluginServer::new().service(WatchServer::new(Watching));
    match std::env::var_os(SLEEPS) {
        Some(_) => main.spin(Duration::ZERO),
        None => main,
    }
}

async fn start(change: impl FnOnce(PluginSpec) -> PluginSpec) -> (Plugin, WatchProxy) {
    let spec = role("watch").requires::<WatchProxy>();
    let plugin = in_time(change(spec).start()).await.expect("it starts");
    let proxy = plugin.proxy();
    (plugin, proxy)
}

/// Returns how often host and plugin have spun after a call that nothing followed within the bound.
async fn after_a_pause(plugin: &Plugin, proxy: &WatchProxy) -> (u64, u64) {
    in_time(proxy.spins()).await.expect("an answer");
    tokio::time::sleep(BOUND * 10).await;
    let there = in_time(proxy.spins()).await.expect("an answer");
    (spins(&plugin.link_stats()), there)
}

#[tokio::test]
async fn both_sides_spin_if_the_host_asks_for_it() {
    let (plugin, proxy) = start(|spec| spec.spin(BOUND)).await;
    in_time(async {
        loop {
            let (here, there) = after_a_pause(&plugin, &proxy).await;
            if here > 0 && there > 0 {
                break;
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_plugin_that_refuses_to_spin_does_not() {
    let (plugin, proxy) = start(|spec| spec.spin(BOUND).env(SLEEPS, "1")).await;
    in_time(async {
        loop {
            let (here, there) = after_a_pause(&plugin, &proxy).await;
            assert_eq!(there, 0);
            if here > 0 {
                break;
            }
        }
    })
    .await;
}

#[tokio::test]
async fn no_side_spins_unasked() {
    let (plugin, proxy) = start(|spec| spec).await;
    for _ in 0..5 {
        assert_eq!(after_a_pause(&plugin, &proxy).await, (0, 0));
    }
}
