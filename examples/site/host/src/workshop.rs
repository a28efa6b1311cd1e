//! The services that do the work, and their processes, if there are any.
//!
//! - WS1: calls through a proxy are the same whatever is behind it, so the rest of the host cannot tell.
//! - WS2: all five plugins are started at once. If one cannot be started, its first failure ends the build with
//!   rapace's error, whatever its restart policy allows: there is no work yet that could be lost.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use rapace::plugin::{Plugin, PluginEventKind};
use rapace::supervision::{BackoffConfig, Breaker, RestartConfig};
use rapace::{PluginSpec, RestartPolicy};
use site_api::highlight::HighlighterProxy;
use site_api::images::ImagesProxy;
use site_api::links::LinksProxy;
use site_api::markdown::MarkdownProxy;
use site_api::search::SearchProxy;

use crate::error::BuildError;
use crate::plugin::PluginKind;

/// The proxies of the five services.
#[derive(Clone, Debug)]
pub struct Services {
    /// Markdown to HTML.
    pub markdown: MarkdownProxy,
    /// Syntax highlighting.
    pub highlight: HighlighterProxy,
    /// Images.
    pub images: ImagesProxy,
    /// The search index.
    pub search: SearchProxy,
    /// Link checking.
    pub links: LinksProxy,
}

/// The services, and their processes.
#[derive(Clone, Debug)]
pub struct Workshop {
    pub(crate) services: Services,
    /// In the order of [`PluginKind::ALL`]; `None` if the services are in this process.
    pub(crate) plugins: Option<Arc<[Plugin]>>,
}

impl Workshop {
    /// Uses services in this process.
    #[must_use]
    pub fn local(services: Services) -> Self {
        Self {
            services,
            plugins: None,
        }
    }

    /// Starts the plugins whose executables are in `folder`, with enough restarts for `kills` kills.
    ///
    /// # Cancel safety
    /// Dropping the future stops the plugins.
    ///
    /// # Errors
    /// [`BuildError::PluginStart`] for the first plugin, in the order of the report, that cannot be started.
    pub async fn start(folder: &Path, kills: u32) -> Result<Self, BuildError> {
        let starts = PluginKind::ALL.map(|kind| start(kind, folder, kills));
        let (started, failed): (Vec<_>, Vec<_>) =
            join_all(starts).await.into_iter().partition(Result::is_ok);
        let plugins: Vec<Plugin> = started.into_iter().flatten().collect();
        if let Some(Err(error)) = failed.into_iter().next() {
            join_all(plugins.iter().map(Plugin::stop)).await;
            return Err(error);
        }
        let of = |kind: PluginKind| &plugins[kind as usize];
        let services = Services {
            markdown: of(PluginKind::Markdown).proxy(),
            highlight: of(PluginKind::Highlight).proxy(),
            images: of(PluginKind::Images).proxy(),
            search: of(PluginKind::Search).proxy(),
            links: of(PluginKind::Links).proxy(),
        };
        Ok(Self {
            services,
            plugins: Some(plugins.into()),
        })
    }

    /// Stops the plugins; each finishes its calls first.
    ///
    /// # Cancel safety
    /// Dropping the future does not undo the request.
    pub async fn stop(&self) {
        if let Some(plugins) = &self.plugins {
            join_all(plugins.iter().map(Plugin::stop)).await;
        }
    }
}

async fn start(kind: PluginKind, folder: &Path, kills: u32) -> Result<Plugin, BuildError> {
    let path = kind.executable(folder);
    let spec = Plugin::builder(kind.name(), &path).restart(restarts(kills));
    let spec = match kind {
        PluginKind::Markdown => spec.requires::<MarkdownProxy>(),
        PluginKind::Highlight => spec.requires::<HighlighterProxy>(),
        PluginKind::Images => spec.requires::<ImagesProxy>(),
        PluginKind::Search => spec.requires::<SearchProxy>(),
        PluginKind::Links => spec.requires::<LinksProxy>(),
    };
    first_start(spec)
        .await
        .map_err(|reason| BuildError::PluginStart { path, reason })
}

/// Starts a plugin once (WS2).
async fn first_start(spec: PluginSpec) -> Result<Plugin, String> {
    let plugin = spec.spawn();
    let mut events = plugin.events();
    let failure = async {
        loop {
            match events.recv().await.map(|event| event.kind) {
                Ok(PluginEventKind::Died(death)) => return death.to_string(),
                Ok(PluginEventKind::NotStarted(error)) => return error.to_string(),
                Ok(_) | Err(tokio::sync::broadcast::error::RecvError::Lagged(_)) => {}
                // The plugin is down; `ready` returns the reason.
                Err(tokio::sync::broadcast::error::RecvError::Closed) => {
                    std::future::pending::<()>().await
                }
            }
        }
    };
    let failure = tokio::select! {
        ready = plugin.ready() => match ready {
            Ok(()) => return Ok(plugin),
            Err(down) => down.to_string(),
        },
        failure = failure => failure,
    };
    plugin.stop().await;
    Err(failure)
}

/// Allows a restart for each kill, and a few for other failures.
fn restarts(kills: u32) -> RestartConfig {
    RestartConfig {
        policy: RestartPolicy::Permanent,
        limit: kills as usize + 5,
        within: Duration::from_secs(3600),
        backoff: BackoffConfig {
            first_is_immediate: true,
            // A start takes a few milliseconds, and every kill is intended.
            first: Duration::from_millis(5),
            factor: if kills > 0 { 1.0 } else { 2.0 },
            ..BackoffConfig::default()
        },
        breaker: Breaker::GiveUp,
    }
}
