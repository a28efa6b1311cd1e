//! Tells that fail: they have no answer, so the failures are logged.

use std::time::Duration;

use crate::log_lines::LogLines;

/// Notes.
#[rapace::service]
pub(crate) trait Notes {
    /// Fails.
    async fn fails(&mut self) -> Result<u32, String>;
    /// Fails with an error whose `Debug` panics.
    async fn fails_badly(&mut self) -> Result<u32, Unspeakable>;
    /// Panics.
    async fn panics(&mut self);
    /// Succeeds.
    async fn note(&mut self);
}

/// Its `Debug` panics.
#[derive(facet::Facet)]
pub(crate) struct Unspeakable;

impl std::fmt::Debug for Unspeakable {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::panic::panic_any(Again)
    }
}

/// A panic payload that panics again.
struct Again;

impl Drop for Again {
    fn drop(&mut self) {
        std::panic::panic_any(Again);
    }
}

struct Full;

impl Notes for Full {
    async fn fails_badly(&mut self) -> Result<u32, Unspeakable> {
        Err(Unspeakable)
    }

    async fn fails(&mut self) -> Result<u32, String> {
        Err("disk full".to_owned())
    }

    async fn panics(&mut self) {
        panic!("out of paint")
    }

    async fn note(&mut self) {}
}

#[tokio::test(start_paused = true)]
async fn a_tell_that_fails_is_logged_with_its_error_and_one_that_does_not_is_not() {
    let warnings = LogLines::warnings();
    let _guard = tracing::subscriber::set_default(warnings.clone());
    let notes = NotesProxy::local(NotesServer::new(Full));
    notes.tell(Fails).await.unwrap();
    notes.tell(FailsBadly).await.unwrap();
    notes.tell(Panics).await.unwrap();
    notes.tell(Note).await.unwrap();
    // An ask returns the error itself.
    assert!(notes.fails().await.is_err());
    notes
        .tell(Note)
        .timeout(Duration::from_secs(1))
        .await
        .unwrap();
    tokio::time::advance(Duration::from_secs(2)).await;
    notes.note().await.unwrap();
    let logged = warnings.lines();
    let expected = [
        ("fails", "\"disk full\""),
        ("fails_badly", "an error whose `Debug` panics"),
        ("panics", "out of paint"),
        ("note", "the deadline passed"),
    ];
    assert_eq!(logged.len(), expected.len(), "{logged:?}");
    for (line, (method, error)) in logged.iter().zip(expected) {
        for part in ["service=\"Notes\"", method, error] {
            assert!(line.contains(part), "{part} is not in {line}");
        }
    }
}
