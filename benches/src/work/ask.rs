//! Asking a plugin through its typed proxy.

use rapace_measure::subject::Work;
use rapace_measure::tasks::{Echo, echoes};
use rapace_measure::{Request, Round, Setting};

use super::stage::Stage;
use crate::mirror::MirrorProxy;

/// A plugin that is asked.
pub(super) struct Ask(Stage, Setting);

impl Ask {
    pub(super) async fn set_up(setting: Setting) -> Result<Self, String> {
        Ok(Self(Stage::set_up(setting).await?, setting))
    }
}

impl Work for Ask {
    async fn round(&mut self, request: &Request) -> Result<Round, String> {
        let Self(stage, setting) = self;
        let client = |_| Asking(stage.proxy.clone());
        echoes(request, *setting, &stage.watched, client).await
    }
}

/// A caller.
pub(super) struct Asking(pub(super) MirrorProxy);

impl Echo for Asking {
    async fn echo(&mut self, payload: Vec<u8>) -> Result<Vec<u8>, String> {
        let asked = self.0.bytes_back(payload).send().await;
        asked.map_err(|why| why.to_string())
    }
}
