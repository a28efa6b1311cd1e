//! The output of plugins, and the part of it that is kept.

use std::fmt::Debug;
use std::sync::{Arc, Mutex};

use rapace::process::ExitCause;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use crate::support::{PATIENCE, sh, start};

#[tokio::test]
async fn the_end_of_stderr_is_kept_with_and_without_a_newline() {
    for (script, tail) in [
        ("echo one >&2; echo two >&2", "one\ntwo"),
        ("echo one >&2; printf two >&2", "one\ntwo"),
        (
            "printf 'thread main panicked' >&2; kill -ABRT $$",
            "thread main panicked",
        ),
        ("echo to stdout", ""),
    ] {
        let mut started = start(&sh(script)).await;
        started.process.wait().await;
        assert_eq!(started.output.finish().await.as_str(), tail, "{script}");
    }
}

/// Far more than both pipes hold, in endless lines.
#[tokio::test]
async fn huge_output_blocks_nobody() {
    let script = "head -c 20000000 /dev/zero | tr '\\0' x; seq 1 200000 >&2; exit 5";
    let mut started = start(&sh(script)).await;
    let ended = tokio::time::timeout(PATIENCE, started.process.wait()).await;
    assert_eq!(ended.expect("it was not held up"), ExitCause::Exited(5));
    let tail = started.output.finish().await;
    assert!(tail.as_str().ends_with("\n199999\n200000"), "{tail}");
    assert_eq!(tail.omitted_lines(), 200_000 - 20);
}

#[tokio::test]
async fn a_grandchild_that_holds_the_pipe_delays_nothing() {
    // It runs until the test closes the control socket, since it is not in the plugin's group.
    let script = "exec 3<&0; cat <&3 >/dev/null & printf 'last words' >&2";
    let mut started = start(&sh(script).own_group(false)).await;
    started.process.wait().await;
    let tail = tokio::time::timeout(PATIENCE, started.output.finish()).await;
    assert_eq!(tail.expect("it is not waited for").as_str(), "last words");
}

/// More than one read, written by the process just before its end and not read until then.
#[tokio::test(flavor = "current_thread")]
async fn what_a_dead_process_left_in_the_pipe_is_read() {
    let script = "seq 1 5000 >&2";
    let mut started = start(&sh(script)).await;
    // Blocks the only thread that could read the pipe.
    while started.process.try_wait().is_none() {
        std::thread::yield_now();
    }
    let tail = started.output.finish().await;
    assert!(tail.as_str().ends_with("\n4999\n5000"), "{tail}");
    assert_eq!(tail.omitted_lines(), 5_000 - 20);
}

#[tokio::test]
async fn each_line_is_one_event_that_says_where_it_came_from() {
    let log = Log::default();
    // With a single dispatcher in the process, tracing asks the first thread that reaches an event whether it
    // is enabled, and other tests' threads have no subscriber.
    let _second = tracing::Dispatch::new(Log::default());
    let subscribed = tracing::subscriber::set_default(log.clone());
    let mut started = start(&sh("echo hello; echo ouch >&2; printf rest")).await;
    started.process.wait().await;
    started.output.finish().await;
    drop(subscribed);
    let mut lines = log.0.lock().expect("not poisoned").clone();
    lines.sort();
    assert_eq!(
        lines,
        [
            "INFO stderr under test 1 ouch",
            "INFO stdout under test 1 hello",
            "INFO stdout under test 1 rest",
        ]
    );
}

/// Collects plugins' events as text.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

#[derive(Default)]
struct Fields {
    stream: String,
    plugin: String,
    incarnation: String,
    message: String,
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let text = format!("{value:?}");
        match field.name() {
            "plugin" => self.plugin = text,
            "incarnation" => self.incarnation = text,
            "stream" => self.stream = text.trim_matches('"').to_owned(),
            "message" => self.message = text,
            other => panic!("unknown field {other}"),
        }
    }
}

impl Subscriber for Log {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "rapace::output"
    }

    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let Fields {
            stream,
            plugin,
            incarnation,
            message,
        } = fields;
        let level = event.metadata().level();
        let line = format!("{level} {stream} {plugin} {incarnation} {message}");
        self.0.lock().expect("not poisoned").push(line);
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}
