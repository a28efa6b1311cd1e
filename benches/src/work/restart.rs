//! From SIGKILL to the first reply of the next process.
//!
//! Each process lives for a moment before it is killed, so that everything that its host sets up after the first reply
//! exists, and has to be torn down.

use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rapace_measure::subject::Work;
use rapace_measure::tasks::{Operation, round};
use rapace_measure::{Request, Round, Setting, Watched};

use super::stage::Stage;
use crate::mirror::MirrorProxy;

/// Plugins that are killed, as many as a round needs.
pub(super) struct Restart {
    setting: Setting,
    stages: Vec<Stage>,
}

impl Restart {
    pub(super) async fn set_up(setting: Setting) -> Result<Self, String> {
        let stages = vec![Stage::set_up(setting).await?];
        Ok(Self { setting, stages })
    }
}

impl Work for Restart {
    async fn round(&mut self, request: &Request) -> Result<Round, String> {
        while self.stages.len() < request.inflight {
            self.stages.push(Stage::set_up(self.setting).await?);
        }
        let killed = self.stages[..request.inflight].iter();
        let killing = killed.map(|stage| Killing(stage.proxy.clone()));
        round(request, &Watched::Children, killing.collect()).await
    }
}

struct Killing(MirrorProxy);

/// The lifetime of each process: ten starts.
const LIFE: Duration = Duration::from_millis(15);

impl Operation for Killing {
    async fn run(&mut self, _: u64) -> Result<Duration, String> {
        let ask = async || {
            let asked = self.0.process().send().await;
            asked.map_err(|why| why.to_string())
        };
        let before = ask().await?;
        tokio::time::sleep(LIFE).await;
        let start = Instant::now();
        let pid = Pid::from_raw(before as i32);
        kill(pid, Signal::SIGKILL).map_err(|why| why.to_string())?;
        // The call is idempotent, so the next process answers it even if the old one had begun it.
        // Only a reply that was sent before the kill can come from the old process.
        while ask().await? == before {}
        Ok(start.elapsed())
    }
}
