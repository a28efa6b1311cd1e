//! One host, many plugins, one call at a time to each of them.

use rapace_measure::payload::payload;
use rapace_measure::subject::Work;
use rapace_measure::tasks::echoes;
use rapace_measure::{Request, Round, Setting, Watched};

use super::ask::Asking;
use super::stage::Stage;

/// The plugins, as many as a round needs.
pub(super) struct Fanout {
    setting: Setting,
    stages: Vec<Stage>,
}

impl Fanout {
    pub(super) fn set_up(setting: Setting) -> Self {
        let stages = Vec::new();
        Self { setting, stages }
    }
}

impl Work for Fanout {
    async fn round(&mut self, request: &Request) -> Result<Round, String> {
        while self.stages.len() < request.inflight {
            let stage = Stage::set_up(self.setting).await?;
            let first = stage.proxy.bytes_back(payload(16)).send().await;
            first.map_err(|why| why.to_string())?;
            self.stages.push(stage);
        }
        let asked = &self.stages[..request.inflight];
        let pids = asked.iter().filter_map(|stage| stage.plugin.pid());
        let watched = Watched::Partners(pids.collect());
        let client = |index: usize| Asking(asked[index].proxy.clone());
        echoes(request, self.setting, &watched, client).await
    }
}
