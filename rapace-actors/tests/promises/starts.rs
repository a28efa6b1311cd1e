//! Programs that do not become plugins: the error of each, and whether it is retried.

use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use rapace::plugin::PluginServer;
use rapace::process::{EndedBy, ExitCause};
use rapace::supervision::{Down, DownReason, Failure, RestartPolicy, StartError};
use rapace::{CallError, Plugin, PluginSpec, SupervisionStrategy, Supervisor, WindowConfig};
use rapace_session::transport::shm;
use rapace_session::{ChannelId, Frame, FrameType, Header, Lane, Payload, Side};
use rapace_shm::{ControlSocket, SegmentConfig, SizeClass};

use crate::subject::SubjectProxy;
use crate::support::{in_time, role, sh};

/// A service with the right name, from another definition.
pub(crate) mod impostor {
    #[rapace::service]
    pub trait Subject {
        async fn echo(&mut self, text: String, times: u32) -> String;
        async fn paint(&mut self);
    }
}

pub(crate) struct Impostor;

impl impostor::Subject for Impostor {
    async fn echo(&mut self, text: String, times: u32) -> String {
        text.repeat(times as usize)
    }

    async fn paint(&mut self) {}
}

/// Sends the first message of a plugin of another release.
pub(crate) async fn say_another_version() {
    let socket = ControlSocket::from_stdin().expect("a host");
    let link = socket.join().await.expect("a segment");
    let endpoint = shm::endpoint(link, Side::Joiner);
    let mut hello = b"rpc\x01".to_vec();
    hello.extend_from_slice(&9_u32.to_le_bytes());
    let mut frame = Frame::bare(Header::new(FrameType::Hello, ChannelId::SESSION));
    frame.payload = Payload::inline(&hello).expect("it is short");
    endpoint
        .transport
        .send(&frame, Lane::Priority)
        .expect("there is room");
    std::future::pending().await
}

/// Sends a hello that claims to list half a million services, and stays to see the result.
pub(crate) async fn boast() {
    let socket = ControlSocket::from_stdin().expect("a host");
    let link = socket.join().await.expect("a segment");
    let endpoint = shm::endpoint(link, Side::Joiner);
    let mut hello = b"rpc\x01".to_vec();
    hello.extend_from_slice(&rapace_session::PROTOCOL_VERSION.to_le_bytes());
    // A name, a window of streams in items, five windows in bytes, and the count of services as postcard writes it.
    hello.extend_from_slice(b"\x05boast\x04\x04\x04\x04\x04\x04\xa0\xc2\x1e");
    let mut frame = Frame::bare(Header::new(FrameType::Hello, ChannelId::SESSION));
    frame.payload = Payload::inline(&hello).expect("it is short");
    endpoint
        .transport
        .send(&frame, Lane::Priority)
        .expect("there is room");
    std::future::pending().await
}

/// Starts a program once that cannot become a plugin.
async fn refused(spec: PluginSpec) -> Down {
    let spec = spec
        .requires::<SubjectProxy>()
        .restart_policy(RestartPolicy::Never);
    in_time(spec.start()).await.expect_err("it is no plugin")
}

/// Returns the exit report of a process that never became ready.
fn death(down: &Down) -> &rapace::process::ExitReport {
    match &down.reason {
        DownReason::NotRestarted(Failure::Died(death)) => death,
        other => panic!("{other:?}"),
    }
}

/// Returns the error that a retry does not fix.
fn for_good(down: &Down) -> &StartError {
    match &down.reason {
        DownReason::StartFailed(_, error) => error,
        other => panic!("{other:?}"),
    }
}

fn assert_says(down: &Down, parts: &[&str]) {
    let text = down.to_string();
    for part in parts {
        assert!(text.contains(part), "{part:?} is not in {text}");
    }
}

#[tokio::test]
async fn a_program_that_never_answers_is_killed_and_quoted() {
    let limit = Duration::from_millis(300);
    let programs = [
        Plugin::builder("deaf", "/bin/sleep").arg("600"),
        sh("echo looking for my config >&2; exec sleep 600"),
    ];
    for spec in programs {
        let down = refused(spec.start_timeout(limit)).await;
        assert_eq!(
            death(&down).ended_by,
            EndedBy::StartTimeout(limit),
            "{down}"
        );
        assert_says(&down, &["was not ready within 300.0ms"]);
        if &*down.plugin == "script" {
            assert_says(&down, &["looking for my config"]);
        }
    }
}

#[tokio::test]
async fn a_program_that_ends_at_once_is_quoted() {
    let down = refused(sh("echo no licence >&2; exit 3")).await;
    assert_eq!(death(&down).cause, ExitCause::Exited(3));
    assert_says(&down, &["exited with code 3", "no licence"]);
    // There is nothing to read yet.
    let down = refused(Plugin::builder("parrot", "/bin/cat")).await;
    assert!(matches!(death(&down).cause, ExitCause::Exited(_)), "{down}");
}

#[tokio::test]
async fn a_program_that_closes_its_socket_and_stays_is_no_plugin() {
    let down = refused(sh("echo a daemon >&2; exec <&-; exec sleep 600")).await;
    for_good(&down);
    assert_says(&down, &["is it a rapace plugin?", "a daemon"]);
}

#[tokio::test]
async fn a_program_that_cannot_be_executed_is_not_tried_again() {
    let directory = tempfile::tempdir().unwrap();
    let plain = directory.path().join("plain");
    std::fs::write(&plain, "text").unwrap();
    std::fs::set_permissions(&plain, PermissionsExt::from_mode(0o644)).unwrap();
    let missing = directory.path().join("missing");
    for (path, part) in [(plain, "chmod +x"), (missing, "does not exist")] {
        // By the default policy, which retries everything else.
        let spec = Plugin::builder("absent", path).requires::<SubjectProxy>();
        let plugin = spec.spawn();
        let subject: SubjectProxy = plugin.proxy();
        let down = in_time(plugin.ready()).await.unwrap_err();
        assert!(matches!(for_good(&down), StartError::Spawn(_)), "{down}");
        assert_says(
            &down,
            &["plugin `absent` (incarnation #1) cannot be started", part],
        );
        let result = in_time(subject.echo("hello".to_owned())).await;
        assert!(
            matches!(&result, Err(CallError::Down(why)) if why.to_string() == down.to_string()),
            "{result:?}"
        );
    }
}

#[tokio::test]
async fn another_definition_of_a_service_is_refused_by_the_methods_that_differ() {
    let down = refused(role("impostor")).await;
    for_good(&down);
    assert_says(
        &down,
        &[
            "`Subject` was built from another schema",
            "echo",
            "note",
            "paint",
        ],
    );
}

#[tokio::test]
async fn a_plugin_without_the_service_is_refused_by_what_it_offers() {
    let spec = role("impostor").requires::<crate::door::DoorProxy>();
    let down = in_time(spec.start()).await.unwrap_err();
    for_good(&down);
    assert_says(&down, &["`Door` is not offered", "Subject"]);
}

#[tokio::test]
async fn a_host_without_the_service_is_refused_by_its_plugin() {
    let journal = crate::journal::Journal::new();
    let spec = role("subject").env(crate::journal::JOURNAL, journal.path());
    let down = refused(spec).await;
    for_good(&down);
    assert_says(&down, &["the other side refused", "`Door` is not offered"]);
}

#[tokio::test]
async fn another_version_of_the_protocol_is_refused_by_its_number() {
    let down = refused(role("other_version")).await;
    for_good(&down);
    assert_says(&down, &["protocol version 9", "same release"]);
}

#[tokio::test]
async fn a_plugin_that_offers_too_much_is_refused_by_what_it_claims() {
    let down = refused(role("boast")).await;
    for_good(&down);
    let text = "the other side's hello lists 500000 services; a hello may list at most 256";
    assert_says(&down, &[text]);
    assert!(!down.to_string().contains("stdin"), "{down}");
}

/// None of these is even started.
#[tokio::test]
async fn two_of_one_name_are_refused() {
    let served = || {
        let (_, oak) = crate::door::door(None);
        let door = crate::door::DoorServer::new(oak);
        rapace::Proxy::serve(door, 1, rapace::OnPanic::Continue).1
    };
    let spec = Plugin::builder("any", "/bin/false");
    let down = refused(spec.provides(served()).provides(served())).await;
    for_good(&down);
    assert_says(&down, &["lists two services called `Door`"]);

    let main = PluginServer::new();
    let main = main.service(crate::starts::impostor::SubjectServer::new(Impostor));
    let main = main.service(crate::starts::impostor::SubjectServer::new(Impostor));
    let error = main.try_run().await.unwrap_err().to_string();
    assert!(
        error.contains("lists two services called `Subject`"),
        "{error}"
    );

    let child = |name: &str| Plugin::builder(name.to_owned(), "/bin/cat");
    let group = Supervisor::builder(SupervisionStrategy::OneForOne);
    let group = group.child(child("first")).child(child("second"));
    let group = group.child(child("first")).spawn();
    let down = in_time(group.plugins()[2].ready()).await.unwrap_err();
    for_good(&down);
    assert_says(
        &down,
        &[
            "plugin `first`",
            "another child of its supervisor has the same name",
        ],
    );
    assert_eq!(group.plugins()[2].pid(), None);

    let group = Supervisor::builder(SupervisionStrategy::OneForAll);
    let group = group.child(child("first")).child(child("first")).start();
    let down = in_time(group).await.unwrap_err();
    assert_says(
        &down,
        &["another child of its supervisor has the same name"],
    );
}

/// Not the error of the sibling that was stopped with it.
#[tokio::test]
async fn a_group_that_does_not_start_says_what_failed() {
    for strategy in [
        SupervisionStrategy::OneForOne,
        SupervisionStrategy::OneForAll,
        SupervisionStrategy::RestForOne,
    ] {
        let bench = crate::journal::Journal::new();
        let store = crate::support::subject(&bench, crate::door::door(None).1);
        let group = Supervisor::builder(strategy)
            .child(store)
            .child(Plugin::builder("index", "/no/such/index"));
        let down = in_time(group.start()).await.unwrap_err();
        assert_says(
            &down,
            &["plugin `index`", "`/no/such/index` does not exist"],
        );
    }
}

#[tokio::test]
async fn a_mailbox_without_room_is_refused_where_it_is_asked_for() {
    let panics = [
        std::panic::catch_unwind(|| PluginServer::new().capacity(0)).map(drop),
        std::panic::catch_unwind(|| {
            let server = impostor::SubjectServer::new(Impostor);
            rapace::Proxy::serve(server, 0, rapace::OnPanic::Continue)
        })
        .map(drop),
    ];
    for panic in panics {
        let text = panic.unwrap_err();
        let text = text.downcast_ref::<&str>().expect("a text");
        assert!(text.contains("a mailbox of capacity 0"), "{text}");
    }
}

/// A service that nobody can call.
mod odd {
    #[derive(facet::Facet)]
    pub(crate) struct Note {
        pub(crate) text: std::borrow::Cow<'static, str>,
    }

    #[rapace::service]
    pub trait Odd {
        async fn at(&mut self, note: Note);
    }
}

struct Even;

impl odd::Odd for Even {
    async fn at(&mut self, note: odd::Note) {
        drop(note.text);
    }
}

/// Plugins that cannot serve their services.
pub(crate) fn odd_main() -> PluginServer {
    PluginServer::new().service(odd::OddServer::new(Even))
}

pub(crate) fn windowless_main() -> PluginServer {
    PluginServer::new().windows(WindowConfig::default().with_request_bytes(0, 1))
}

pub(crate) fn twice_main() -> PluginServer {
    let twin = || impostor::SubjectServer::new(Impostor);
    PluginServer::new().service(twin()).service(twin())
}

/// The host does not retry the start.
#[tokio::test]
async fn a_plugin_that_refuses_itself_is_refused_by_its_reason() {
    for (name, why) in [
        ("odd", "`Odd::at` cannot be called"),
        (
            "twice",
            "refused: its hello lists two services called `Subject`",
        ),
        (
            "windowless",
            "the plugin's `PluginServer::windows` cannot be used: `WindowConfig::with_request_bytes(0, 1)`",
        ),
        ("timeless", "the tokio runtime here has no timers"),
    ] {
        let down = in_time(role(name).start()).await.unwrap_err();
        for_good(&down);
        assert_says(&down, &["incarnation #1", "the other side refused", why]);
    }
}

/// The host does not know what the plugin provides.
#[tokio::test]
async fn a_plugin_whose_hello_has_no_room_is_refused_with_the_least_that_has() {
    for size in [128, 256] {
        let class = SizeClass {
            slot_size: size,
            slots: 1,
        };
        let segment = SegmentConfig::default().with_classes([class]);
        let journal = crate::journal::Journal::new();
        let spec = role("subject").env(crate::journal::JOURNAL, journal.path());
        let spec = spec.segment(segment);
        let down = in_time(spec.start()).await.unwrap_err();
        let StartError::Refused(why) = for_good(&down) else {
            panic!("{down}");
        };
        assert!(
            why.starts_with("the other side refused: the largest buffer has"),
            "{why}"
        );
        assert!(why.contains("its hello needs"), "{why}");
    }
}

/// The plugin is not even started.
#[tokio::test]
async fn windows_that_cannot_be_used_are_refused_by_their_setting_and_values() {
    let windows = WindowConfig::default;
    for (windows, setting) in [
        (windows().with_stream_items(0), "with_stream_items(0)"),
        (
            windows().with_stream_bytes(1 << 20, 1 << 10),
            "with_stream_bytes(1048576, 1024)",
        ),
        (
            windows().with_request_bytes(1 << 20, 1 << 10),
            "with_request_bytes(1048576, 1024)",
        ),
        (windows().with_fragment_bytes(0), "with_fragment_bytes(0)"),
    ] {
        let refused = refused(Plugin::builder("any", "/bin/false").windows(windows)).await;
        for_good(&refused);
        assert_says(
            &refused,
            &["its `PluginSpec::windows` cannot be used", setting],
        );
    }
}

/// The plugin is not even started.
#[tokio::test]
async fn a_service_with_a_type_that_cannot_cross_is_refused() {
    let spec = Plugin::builder("odd", "/bin/false").requires::<odd::OddProxy>();
    let down = in_time(spec.start()).await.unwrap_err();
    for_good(&down);
    assert_says(&down, &["`Odd::at` cannot be called"]);
}

#[tokio::test]
async fn a_service_that_is_not_offered_is_named_when_it_is_called() {
    let bench = crate::support::Bench::new().await;
    let door: crate::door::DoorProxy = bench.plugin.proxy();
    let result = in_time(door.enter("back door".to_owned())).await;
    let text = result.as_ref().unwrap_err().to_string();
    assert!(
        matches!(result, Err(CallError::Unavailable(_))),
        "{result:?}"
    );
    assert!(
        text.contains("`Door`") && text.contains("Subject"),
        "{text}"
    );
}

/// Started from a shell, a plugin says what it is.
#[tokio::test]
async fn a_plugin_without_a_host_says_how_it_is_used() {
    let error = PluginServer::new().try_run().await.unwrap_err().to_string();
    assert!(
        error.contains("is a rapace plugin") && error.contains("Plugin::builder"),
        "{error}"
    );
}

#[tokio::test]
async fn a_segment_that_cannot_hold_the_handshake_is_refused_with_the_least_that_can() {
    let with = |slot_size| {
        let class = SizeClass {
            slot_size,
            slots: 1,
        };
        let segment = SegmentConfig::default()
            .with_ring_capacity(8)
            .with_classes([class]);
        let spec = role("impostor").segment(segment);
        spec.restart_policy(RestartPolicy::Never)
    };
    let mut least = None;
    let mut size = 64;
    while size < 4096 {
        let refused = match in_time(with(size).requires::<impostor::SubjectProxy>().start()).await {
            Ok(_) => break,
            Err(refused) => refused,
        };
        let text = refused.to_string();
        let has = format!("the largest slot has {size} bytes");
        assert_says(&refused, &["cannot hold the handshake", &has]);
        assert!(matches!(for_good(&refused), StartError::Refused(_)));
        let (_, said) = text.split_once("a class of at least ").expect("a way out");
        let said: u32 = said
            .split(' ')
            .next()
            .and_then(|least| least.parse().ok())
            .expect("a number");
        assert!(
            said > size && least.is_none_or(|least| least == said),
            "{text}"
        );
        least = Some(said);
        size *= 2;
    }
    assert_eq!(least, Some(size), "what is said is the least that will do");
    let impossible = SegmentConfig::default().with_ring_capacity(12);
    let refused = refused(role("subject").segment(impossible)).await;
    assert_says(
        &refused,
        &["its segment cannot be made", "a ring of 12 entries"],
    );
    for_good(&refused);
}
