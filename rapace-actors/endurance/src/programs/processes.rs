//! The processes that run programs: the plugins, and the services of the host.

use std::process::ExitCode;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures_util::future::{join_all, try_join_all};
use rapace::plugin::PluginServer;
use rapace::process::ShutdownTimeouts;
use rapace::supervision::{BackoffConfig, RestartConfig};
use rapace::{OnPanic, Plugin, PluginSpec, SegmentConfig, ServiceHandle, SizeClass, Trust};

use super::links::{Links, NodeProxy};
use super::memory::Level;
use super::node::{Serving, first, second};
use super::plan::{PluginPlan, Ranked, Setup};
use super::runner::Runner;
use crate::options::Options;
use crate::violation::Outcome;
use crate::waiting::in_time;

/// The plugins of a setup, and the services of the host.
pub(super) struct Processes {
    pub(super) plugins: Vec<Plugin>,
    pub(super) links: Links,
    /// Local proxies of the host's services, by client.
    host: Vec<[NodeProxy; 2]>,
}

impl Processes {
    pub(super) async fn start(setup: &Setup) -> Outcome<Self> {
        let linked = Arc::new(OnceLock::new());
        let links = Links::Plugins(Arc::clone(&linked));
        let of_host = match setup.shared_host {
            true => 1,
            false => setup.plugins.len(),
        };
        let served: Vec<_> = (0..of_host)
            .map(|_| serve(&links, setup.host_capacity))
            .collect();
        let starts = setup.plugins.iter().enumerate().map(|(nth, plan)| {
            let (_, handles) = &served[nth.min(of_host - 1)];
            start(nth + 1, plan, handles.clone())
        });
        let plugins: Vec<Plugin> = try_join_all(starts).await?;
        let proxies = plugins.iter().map(|plugin| {
            [
                NodeProxy::First(plugin.proxy()),
                NodeProxy::Second(plugin.proxy()),
            ]
        });
        // Only this task sets it.
        let _ = linked.set(proxies.collect());
        Ok(Self {
            plugins,
            links,
            host: served.into_iter().map(|(proxies, _)| proxies).collect(),
        })
    }

    /// A proxy of any service, for the host.
    pub(super) fn proxy(&self, ranked: Ranked) -> Option<&NodeProxy> {
        match ranked.target.process {
            0 => {
                let both = self.host.get(usize::from(ranked.client.max(1)) - 1)?;
                both.get(usize::from(ranked.target.service))
            }
            _ => self.links.to(ranked.target).ok(),
        }
    }

    /// The memory of these processes; of the host alone, if the others are `killed`.
    pub(super) fn level(&self, killed: bool) -> Level {
        let plugins = self.plugins.iter().filter_map(Plugin::pid);
        let plugins = plugins.filter(|_| !killed);
        Level::now(plugins.chain([std::process::id()]))
    }

    pub(super) async fn stop(self) -> Outcome {
        let stops = self.plugins.iter().map(Plugin::stop);
        in_time("a stop", join_all(stops)).await.map(drop)
    }
}

fn serve(links: &Links, capacity: u32) -> ([NodeProxy; 2], [ServiceHandle; 2]) {
    let serving = || Serving(Runner::new(links.clone()));
    let (one, first) = rapace::Proxy::serve(
        first::NodeServer::new(serving()),
        capacity,
        OnPanic::Continue,
    );
    let (other, second) = rapace::Proxy::serve(
        second::NodeServer::new(serving()),
        capacity,
        OnPanic::Continue,
    );
    let proxies = [
        NodeProxy::First(one.into()),
        NodeProxy::Second(other.into()),
    ];
    (proxies, [first, second])
}

async fn start(number: usize, plan: &PluginPlan, handles: [ServiceHandle; 2]) -> Outcome<Plugin> {
    let [first, second] = handles;
    let spec = plan.spec(number)?.provides(first).provides(second);
    Ok(in_time("a start", spec.start()).await??)
}

impl PluginPlan {
    fn spec(&self, number: usize) -> Outcome<PluginSpec> {
        let mut segment = SegmentConfig::default()
            .with_ring_capacity(self.ring)
            .with_call_table(self.call_table);
        if self.untrusted {
            segment = segment.with_trust(Trust::Untrusted);
        }
        if let Some(classes) = &self.classes {
            let classes = classes.iter().map(|class| SizeClass {
                slot_size: class.size,
                slots: class.count,
            });
            segment = segment.with_classes(classes.collect::<Vec<_>>());
        }
        let program = std::env::current_exe()?;
        Ok(Plugin::builder(format!("node-{number}"), program)
            .arg("--node")
            .arg("--inflight")
            .arg(self.capacity.to_string())
            .arg("--threads")
            .arg(if self.threads { "2" } else { "1" })
            .requires::<first::NodeProxy>()
            .requires::<second::NodeProxy>()
            .segment(segment)
            .spin(Duration::from_micros(self.spin.into()))
            .shutdown_timeouts(ShutdownTimeouts {
                // A program may hold a stream for ever.
                drain: Duration::from_millis(200),
                ..ShutdownTimeouts::default()
            })
            .restart(RestartConfig {
                limit: usize::MAX,
                within: Duration::from_secs(1),
                backoff: BackoffConfig {
                    first: Duration::ZERO,
                    cap: Duration::ZERO,
                    ..BackoffConfig::default()
                },
                ..RestartConfig::default()
            }))
    }
}

/// The plugin's main.
pub(crate) async fn serve_plugin(options: &Options) -> ExitCode {
    let mut plugin = PluginServer::new().capacity(options.inflight as u32);
    let host = Links::Host([
        NodeProxy::First(plugin.host()),
        NodeProxy::Second(plugin.host()),
    ]);
    let serving = || Serving(Runner::new(host.clone()));
    plugin
        .service(first::NodeServer::new(serving()))
        .service(second::NodeServer::new(serving()))
        .run()
        .await
}
