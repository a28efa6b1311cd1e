//! Asking a plugin through kameo's recipient, which is an actor that stands for the proxy.

use kameo::actor::ReplyRecipient;
use rapace::CallError;
use rapace_measure::subject::Work;
use rapace_measure::tasks::{Echo, echoes};
use rapace_measure::{Request, Round, Setting};

use super::stage::Stage;
use crate::mirror::BytesBack;

type Answers = ReplyRecipient<BytesBack, Vec<u8>, CallError<std::convert::Infallible>>;

/// A plugin that is asked by way of an actor.
pub(super) struct ByRecipient {
    stage: Stage,
    recipient: Answers,
}

impl ByRecipient {
    pub(super) async fn set_up(setting: Setting) -> Result<Self, String> {
        let stage = Stage::set_up(setting).await?;
        let recipient = stage.proxy.reply_recipient::<BytesBack>();
        Ok(Self { stage, recipient })
    }
}

impl Work for ByRecipient {
    async fn round(&mut self, request: &Request) -> Result<Round, String> {
        let client = |_| Asking(self.recipient.clone());
        let setting = Setting::default();
        echoes(request, setting, &self.stage.watched, client).await
    }
}

struct Asking(Answers);

impl Echo for Asking {
    async fn echo(&mut self, payload: Vec<u8>) -> Result<Vec<u8>, String> {
        let asked = self.0.ask(BytesBack { payload }).send().await;
        asked.map_err(|why| why.to_string())
    }
}
