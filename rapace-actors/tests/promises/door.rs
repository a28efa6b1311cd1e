//! A service of the host that a plugin calls in the middle of its calls: so a test knows that a
//! handler has begun, and says when it goes on.

use std::sync::Arc;

use tokio::sync::{Mutex, Semaphore, mpsc};

use crate::subject::SubjectProxy;
use crate::support::in_time;

#[rapace::service]
pub trait Door {
    /// Says that somebody is here, and returns when the door has been opened for one more.
    #[rapace(idempotent)]
    async fn enter(&mut self, who: String);

    /// Has another plugin echo a text.
    async fn relay(&mut self, text: String) -> String;
}

/// The host's side.
#[derive(Clone)]
pub(crate) struct Doorkeeper {
    arrived: Arc<Mutex<mpsc::UnboundedReceiver<String>>>,
    places: Arc<Semaphore>,
}

/// What stands behind the service.
#[derive(Clone)]
pub(crate) struct OakDoor {
    arrivals: mpsc::UnboundedSender<String>,
    places: Arc<Semaphore>,
    other: Option<SubjectProxy>,
}

pub(crate) fn door(other: Option<SubjectProxy>) -> (Doorkeeper, OakDoor) {
    let (arrivals, arrived) = mpsc::unbounded_channel();
    let places = Arc::new(Semaphore::new(0));
    let keeper = Doorkeeper {
        arrived: Arc::new(Mutex::new(arrived)),
        places: Arc::clone(&places),
    };
    let door = OakDoor {
        arrivals,
        places,
        other,
    };
    (keeper, door)
}

impl Doorkeeper {
    /// Waits for the next to arrive, who must be `who`.
    pub(crate) async fn expect(&self, who: &str) {
        let mut arrived = self.arrived.lock().await;
        assert_eq!(in_time(arrived.recv()).await.as_deref(), Some(who));
    }

    /// Lets so many in.
    pub(crate) fn open(&self, count: usize) {
        self.places.add_permits(count);
    }
}

/// Says so when somebody leaves without having entered.
struct Waiting<'a> {
    who: String,
    arrivals: &'a mpsc::UnboundedSender<String>,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let _ = self.arrivals.send(format!("{} left", self.who));
    }
}

impl Door for OakDoor {
    async fn enter(&mut self, who: String) {
        // A test that ended wants no news.
        let _ = self.arrivals.send(who.clone());
        let waiting = Waiting {
            who,
            arrivals: &self.arrivals,
        };
        let place = self
            .places
            .acquire()
            .await
            .expect("the door is not walled up");
        place.forget();
        std::mem::forget(waiting);
    }

    async fn relay(&mut self, text: String) -> String {
        let other = self.other.as_ref().expect("another plugin");
        other.echo(text).await.expect("it echoes")
    }
}
