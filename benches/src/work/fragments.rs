//! Asking a plugin with payloads that travel in fragments.

use rapace_measure::subject::Work;
use rapace_measure::tasks::echoes;
use rapace_measure::{Request, Round, Setting};

use super::ask::Asking;
use super::without_slots::WithoutSlots;

/// A plugin that is asked without slots.
pub(super) struct Fragments(WithoutSlots, Setting);

impl Fragments {
    pub(super) async fn set_up(setting: Setting) -> Result<Self, String> {
        Ok(Self(WithoutSlots::set_up(setting).await?, setting))
    }
}

impl Work for Fragments {
    async fn round(&mut self, request: &Request) -> Result<Round, String> {
        let Self(without, setting) = self;
        without.hold(request.bytes).await?;
        let stage = &without.stage;
        let client = |_| Asking(stage.proxy.clone());
        let sent = || {
            stage
                .plugin
                .link_stats()
                .map(|stats| stats.descriptors_sent)
        };
        let before = sent();
        let round = echoes(request, *setting, &stage.watched, client).await?;
        let frames = sent().zip(before).map(|(now, before)| now - before);
        if frames.is_none_or(|frames| frames < 2 * round.ops) {
            return Err("requests did not travel in fragments".to_owned());
        }
        Ok(round)
    }
}
