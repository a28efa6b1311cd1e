//! A service of the host that a plugin calls in the middle of its calls: so a test knows that a handler has
//! begun, and decides when it continues.

use std::sync::Arc;

use tokio::sync::{Mutex, Semaphore, mpsc};

use crate::subject::SubjectProxy;
use crate::support::in_time;

#[rapace::service]
pub trait Door {
    /// Announces the caller, and returns when the door is opened for one more.
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

/// The door's state, which the test controls.
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
    /// Waits for the next arrival, which must be `who`.
    pub(crate) async fn expect(&self, who: &str) {
        let mut arrived = self.arrived.lock().await;
        assert_eq!(in_time(arrived.recv()).await.as_deref(), Some(who));
    }

    /// Lets `count` callers through.
    pub(crate) fn open(&self, count: usize) {
        self.places.add_permits(count);
    }
}

/// Announces a caller that leaves without having entered.
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
        // If the test has ended, the message is dropped.
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
