//! The floor of an actor: a bare channel to a task, and a oneshot back.

use rapace_measure::subject::Work;
use rapace_measure::tasks::{Echo, echoes};
use rapace_measure::{Request, Round, Setting, Watched};
use tokio::sync::{mpsc, oneshot};

type Asked = (Vec<u8>, oneshot::Sender<Vec<u8>>);

/// A task that echoes its requests.
pub(super) struct Channel(mpsc::Sender<Asked>);

impl Channel {
    pub(super) fn set_up() -> Self {
        let (sender, mut asked) = mpsc::channel::<Asked>(64);
        tokio::spawn(async move {
            while let Some((payload, answer)) = asked.recv().await {
                // The caller may be gone.
                let _ = answer.send(payload);
            }
        });
        Self(sender)
    }
}

impl Work for Channel {
    async fn round(&mut self, request: &Request) -> Result<Round, String> {
        let nobody = Watched::Partners(Vec::new());
        let setting = Setting::default();
        echoes(request, setting, &nobody, |_| Asking(self.0.clone())).await
    }
}

struct Asking(mpsc::Sender<Asked>);

impl Echo for Asking {
    async fn echo(&mut self, payload: Vec<u8>) -> Result<Vec<u8>, String> {
        let (answer, back) = oneshot::channel();
        let sent = self.0.send((payload, answer)).await;
        sent.map_err(|why| why.to_string())?;
        back.await.map_err(|why| why.to_string())
    }
}
