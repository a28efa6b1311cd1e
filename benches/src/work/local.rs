//! Asking the same actor in this process: plain kameo.

use kameo::actor::ActorRef;
use rapace_measure::subject::Work;
use rapace_measure::tasks::{Echo, echoes};
use rapace_measure::{Request, Round, Setting, Watched};

use crate::local::{self, EchoBytes, LocalEcho};

/// An actor that is asked.
pub(super) struct Local(ActorRef<LocalEcho>);

impl Local {
    pub(super) fn set_up() -> Self {
        Self(local::spawn())
    }
}

impl Work for Local {
    async fn round(&mut self, request: &Request) -> Result<Round, String> {
        let nobody = Watched::Partners(Vec::new());
        let setting = Setting::default();
        echoes(request, setting, &nobody, |_| Asking(self.0.clone())).await
    }
}

struct Asking(ActorRef<LocalEcho>);

impl Echo for Asking {
    async fn echo(&mut self, payload: Vec<u8>) -> Result<Vec<u8>, String> {
        let asked = self.0.ask(EchoBytes(payload)).send().await;
        asked.map_err(|why| why.to_string())
    }
}
