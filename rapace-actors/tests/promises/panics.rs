//! A handler panics.

use rapace::CallError;
use rapace::process::{ExitCause, Incarnation};

use crate::roles::STOPS;
use crate::subject::Note;
use crate::support::{Bench, Sent, event, in_time};

#[tokio::test]
async fn a_panic_fails_its_call_alone() {
    let bench = Bench::new().await;
    bench.subject.note("before".to_owned()).await.unwrap();
    let result = in_time(bench.subject.fall("out of paint".to_owned())).await;
    let Err(CallError::Panicked(message)) = result else {
        panic!("{result:?}");
    };
    assert_eq!(message, "out of paint");
    // The same process, with its state.
    assert_eq!(bench.subject.note("after".to_owned()).await.unwrap(), 2);
    assert_eq!(bench.plugin.incarnation(), Some(Incarnation::FIRST));
}

/// The host can print it unchanged.
#[tokio::test]
async fn the_message_of_a_plugins_panic_drives_no_terminal_and_forges_no_line() {
    let bench = Bench::new().await;
    let message = "\x1b[2Jno\n2026-11-27 ERROR all is lost".to_owned();
    let error = in_time(bench.subject.fall(message)).await.unwrap_err();
    let text = r"\u{1b}[2Jno\n2026-11-27 ERROR all is lost";
    assert!(error.to_string().ends_with(text), "{error}");
    let CallError::Panicked(message) = error else {
        panic!("{error:?}");
    };
    assert_eq!(message, text);
}

#[tokio::test]
async fn a_plugin_that_stops_with_a_panic_is_restarted() {
    let bench = Bench::with(|spec| spec.env(STOPS, "1")).await;
    let mut events = bench.plugin.events();
    let falls = Sent::new(bench.subject.fall("out of paint".to_owned()));
    let waits = Sent::new(bench.subject.note("waits".to_owned()));
    let text = "told".to_owned();
    bench
        .subject
        .tell(Note { text })
        .await
        .expect("it is on its way");
    let result = falls.outcome().await;
    assert!(
        matches!(&result, Err(CallError::Panicked(why)) if why == "out of paint"),
        "{result:?}"
    );
    // They had not begun.
    assert_eq!(waits.outcome().await.unwrap(), 1);
    let death = event(&mut events, |kind| match kind {
        rapace::plugin::PluginEventKind::Died(death) => Some(death.clone()),
        _ => None,
    })
    .await;
    assert_eq!(death.cause, ExitCause::Exited(70));
    let text = death.to_string();
    assert!(text.contains("`Subject` stopped after a panic"), "{text}");
    bench.journal.wait_for("told").await;
    assert_eq!(bench.journal.lines(), ["#1 waits", "#1 told"]);
}
