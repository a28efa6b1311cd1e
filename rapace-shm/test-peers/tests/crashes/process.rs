//! The victim's process, from the survivor's side.

use std::io::Read;
use std::process::{Child, Command, ExitStatus};

/// The process that dies; killed in any case at the end of the test.
pub(crate) struct Victim(Child);

impl Victim {
    pub(crate) fn start(command: &mut Command) -> Self {
        Self(command.spawn().unwrap())
    }

    /// Waits until it speaks. Returns whether it did, since it may die before.
    pub(crate) async fn wait_until_it_speaks(mut self) -> (Self, bool) {
        let mut stdout = self.0.stdout.take().expect("it was piped");
        let reading = tokio::task::spawn_blocking(move || {
            let mut word = [0; 10];
            stdout.read_exact(&mut word).is_ok()
        });
        let spoke = reading.await.unwrap();
        (self, spoke)
    }

    /// Waits until it is dead, or has left.
    pub(crate) async fn end(mut self) -> ExitStatus {
        // It sets an alarm for itself, so this ends.
        let waiting = tokio::task::spawn_blocking(move || self.0.wait());
        waiting.await.unwrap().unwrap()
    }
}

impl Drop for Victim {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
