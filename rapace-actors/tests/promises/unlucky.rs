//! A peer sends values that make code of the receiver's own types panic: keys, invariants, drops. Only the call
//! fails, with the type's name; the process, the service and its other callers go on.
//!
//! Both sides have the same types. On the number 13 they panic in this process, and not in the plugin.

use std::any::Any;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use facet::Facet;
use futures_util::StreamExt;
use rapace::plugin::PluginServer;
use rapace::{Blob, CallError, OnPanic, Plugin, Proxy, ServiceHandle, Streaming};
use rapace_codec::BlobStorage;

use crate::support::{ROLE, in_time, role};

fn is_host() -> bool {
    std::env::var_os(ROLE).is_none()
}

#[derive(Facet, Clone, Copy, Debug)]
#[facet(invariants = Sure::is_lucky)]
pub(crate) struct Sure(u32);

impl Sure {
    fn is_lucky(&self) -> bool {
        assert!(self.0 != 13 || !is_host(), "unlucky");
        true
    }
}

#[derive(Facet, Clone, Copy, Debug, PartialEq)]
pub(crate) struct Float(f64);

impl Eq for Float {}

impl PartialOrd for Float {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Float {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        match self.0.partial_cmp(&other.0) {
            Some(order) => order,
            None if is_host() => panic!("not a number"),
            None => self.0.to_bits().cmp(&other.0.to_bits()),
        }
    }
}

#[derive(Facet, Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Key(u32);

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        assert!(self.0 != 13 || !is_host(), "unlucky");
        self.0.hash(state);
    }
}

/// Panics when it is dropped, on either side; with 14 again and again, and only in this process.
#[derive(Facet, Clone, Debug)]
pub(crate) struct Fragile(u32);

impl Drop for Fragile {
    fn drop(&mut self) {
        assert!(self.0 != 13, "broken");
        if self.0 == 14 && is_host() {
            std::panic::panic_any(Again);
        }
    }
}

/// A panic payload that panics again.
struct Again;

impl Drop for Again {
    fn drop(&mut self) {
        std::panic::panic_any(Again);
    }
}

#[rapace::service]
trait Sender {
    async fn tree(&mut self) -> BTreeMap<Float, u32>;
    async fn ordered(&mut self) -> BTreeSet<Float>;
    async fn table(&mut self) -> HashMap<Key, u32>;
    async fn hashed(&mut self) -> HashSet<Key>;
    async fn number(&mut self, number: u32) -> Sure;
    async fn numbers(&mut self) -> Streaming<Sure>;
    /// Returns a value that panics after it was sent.
    async fn breaks(&mut self) -> Fragile;
    /// Leaks the value, so that it does not panic in the plugin.
    async fn keep(&mut self, given: Fragile) -> u32;
    /// Returns a blob whose bytes cannot be read.
    async fn unreadable(&mut self) -> Blob;
    /// Consumes all items, and returns a value that panics.
    async fn spend(&mut self, items: Streaming<u32>) -> Fragile;
    /// Returns a stream whose producer panics.
    async fn falls(&mut self) -> Streaming<u32>;
    /// Has the host check a number, and returns the result.
    async fn have_checked(&mut self, number: u32) -> String;
    async fn have_all_checked(&mut self) -> String;
}

#[rapace::service]
trait Checker {
    async fn check(&mut self, number: Sure, keys: HashSet<Key>) -> u32;
    async fn check_all(&mut self, numbers: Streaming<Sure>) -> String;
    /// Holds a value that panics, until its caller cancels.
    async fn hold(&mut self, begun: Fragile) -> u32;
}

struct Bench(CheckerProxy);

struct Torn(std::sync::atomic::AtomicBool);

impl BlobStorage for Torn {
    fn bytes(&self) -> &[u8] {
        let first = !self.0.swap(true, std::sync::atomic::Ordering::Relaxed);
        assert!(first, "torn");
        &[0; 100]
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl Sender for Bench {
    async fn tree(&mut self) -> BTreeMap<Float, u32> {
        [(Float(1.0), 1), (Float(f64::NAN), 2)].into()
    }

    async fn ordered(&mut self) -> BTreeSet<Float> {
        [Float(1.0), Float(f64::NAN)].into()
    }

    async fn table(&mut self) -> HashMap<Key, u32> {
        [(Key(7), 1), (Key(13), 2)].into()
    }

    async fn hashed(&mut self) -> HashSet<Key> {
        [Key(7), Key(13)].into()
    }

    async fn number(&mut self, number: u32) -> Sure {
        Sure(number)
    }

    async fn numbers(&mut self) -> Streaming<Sure> {
        Streaming::iter([Sure(7), Sure(13), Sure(8)])
    }

    async fn breaks(&mut self) -> Fragile {
        Fragile(13)
    }

    async fn keep(&mut self, given: Fragile) -> u32 {
        let number = given.0;
        std::mem::forget(given);
        number
    }

    async fn unreadable(&mut self) -> Blob {
        Blob::from_storage(Arc::new(Torn(false.into())))
    }

    async fn spend(&mut self, items: Streaming<u32>) -> Fragile {
        Fragile(items.count().await as u32)
    }

    async fn falls(&mut self) -> Streaming<u32> {
        Streaming::iter((0..3).inspect(|n| assert!(*n < 2, "out of numbers")))
    }

    async fn have_checked(&mut self, number: u32) -> String {
        let result = self.0.check(Sure(number), [Key(number)].into()).await;
        result.map_or_else(|error| error.to_string(), |number| number.to_string())
    }

    async fn have_all_checked(&mut self) -> String {
        let numbers = Streaming::iter([Sure(7), Sure(13)]);
        self.0.check_all(numbers).await.expect("the host looks")
    }
}

struct StrictChecker;

impl Checker for StrictChecker {
    async fn check(&mut self, number: Sure, _: HashSet<Key>) -> u32 {
        number.0
    }

    async fn check_all(&mut self, mut numbers: Streaming<Sure>) -> String {
        let mut seen = 0;
        while let Some(number) = numbers.next().await {
            match number {
                Ok(_) => seen += 1,
                Err(error) => return format!("{seen}, then {error}"),
            }
        }
        format!("{seen}, then the end")
    }

    async fn hold(&mut self, begun: Fragile) -> u32 {
        std::future::pending::<()>().await;
        begun.0
    }
}

pub(crate) fn main() -> PluginServer {
    let mut main = PluginServer::new().on_panic(OnPanic::Stop);
    let decide = main.host::<CheckerProxy>();
    main.service(SenderServer::new(Bench(decide)))
}

async fn plugin(decide: ServiceHandle) -> (Plugin, SenderProxy) {
    let spec = role("sender").requires::<SenderProxy>().provides(decide);
    let plugin = spec.start().await.expect("it starts");
    let proxy = plugin.proxy();
    (plugin, proxy)
}

fn decide() -> (CheckerProxy, ServiceHandle) {
    let (decide, served) = Proxy::serve(CheckerServer::new(StrictChecker), 8, OnPanic::Stop);
    (decide.into(), served)
}

fn undecodable<T: std::fmt::Debug>(
    result: Result<T, CallError<std::convert::Infallible>>,
) -> String {
    match result {
        Err(CallError::Protocol(what)) => what,
        other => panic!("{other:?} could be decoded"),
    }
}

#[tokio::test]
async fn a_result_whose_type_panics_fails_its_call_and_names_the_type() {
    let (plugin, sender) = plugin(decide().1).await;
    let of = "the result of `Sender` could not be decoded: ";
    let ord = format!("{of}`Ord` of `Float` panicked: not a number (at byte ");
    let hash = format!("{of}`Hash` of `Key` panicked: unlucky (at byte ");
    let invariants = format!("{of}`invariants` of `Sure` panicked: unlucky (at byte 1)");
    let text = undecodable(in_time(sender.tree()).await);
    assert!(text.starts_with(&ord), "{text}");
    let text = undecodable(in_time(sender.ordered()).await);
    assert!(text.starts_with(&ord), "{text}");
    let text = undecodable(in_time(sender.table()).await);
    assert!(text.starts_with(&hash), "{text}");
    let text = undecodable(in_time(sender.hashed()).await);
    assert!(text.starts_with(&hash), "{text}");
    assert_eq!(undecodable(in_time(sender.number(13)).await), invariants);
    // The proxy's actor decodes for everybody who uses it.
    let actor = sender.actor_ref();
    let failed = in_time(actor.ask(Number { number: 13 })).await.unwrap_err();
    assert!(failed.to_string().contains(&invariants), "{failed}");
    assert_eq!(in_time(actor.ask(Number { number: 7 })).await.unwrap().0, 7);
    // The plugin is still the same process.
    assert_eq!(in_time(sender.number(7)).await.unwrap().0, 7);
    assert_eq!(plugin.stats().restarts, 0);
}

#[tokio::test]
async fn an_item_whose_type_panics_ends_its_stream_with_an_error() {
    let (_plugin, sender) = plugin(decide().1).await;
    let mut numbers = in_time(sender.numbers()).await.unwrap();
    assert_eq!(in_time(numbers.next()).await.unwrap().unwrap().0, 7);
    let error = in_time(numbers.next()).await.unwrap().unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains("`invariants` of `Sure` panicked: unlucky"),
        "{text}"
    );
    assert!(in_time(numbers.next()).await.is_none());
    // The other way, and a producer that panics.
    let text = in_time(sender.have_all_checked()).await.unwrap();
    assert!(
        text.starts_with("1, then an item could not be decoded: `invariants` of `Sure`"),
        "{text}"
    );
    let items: Vec<_> = in_time(in_time(sender.falls()).await.unwrap().collect::<Vec<_>>()).await;
    let text = items.last().unwrap().as_ref().unwrap_err().to_string();
    assert!(
        text.contains("its producer panicked: out of numbers"),
        "{text}"
    );
    assert_eq!(in_time(sender.number(7)).await.unwrap().0, 7);
}

/// With every `OnPanic`: the peer chose the bytes, and others use the service.
#[tokio::test]
async fn an_argument_whose_type_panics_fails_its_call_and_not_its_service() {
    let (local, served) = decide();
    let ((_one, one), (_other, other)) = (plugin(served.clone()).await, plugin(served).await);
    assert_eq!(in_time(other.have_checked(1)).await.unwrap(), "1");
    let text = in_time(one.have_checked(13)).await.unwrap();
    assert_eq!(
        text,
        "the arguments could not be decoded: `invariants` of `Sure` panicked: unlucky (at byte 1)"
    );
    assert_eq!(in_time(other.have_checked(2)).await.unwrap(), "2");
    assert_eq!(in_time(one.have_checked(3)).await.unwrap(), "3");
    let here = local.check(Sure(4), HashSet::new());
    assert_eq!(in_time(here).await.unwrap(), 4);
}

#[tokio::test]
async fn a_result_that_panics_when_it_was_sent_was_sent_all_the_same() {
    let (plugin, sender) = plugin(decide().1).await;
    let arrived = in_time(sender.breaks()).await.unwrap();
    std::mem::forget(arrived);
    let text = undecodable(in_time(sender.unreadable()).await);
    assert_eq!(
        text,
        "the result could not be sent: a panic while encoding: torn"
    );
    assert_eq!(in_time(sender.number(7)).await.unwrap().0, 7);
    assert_eq!(plugin.stats().restarts, 0);
}

/// The proxy's actor drops the messages of everybody who uses it, once they are sent.
#[tokio::test]
async fn a_message_that_panics_when_it_was_sent_does_not_end_the_proxys_actor() {
    let (_plugin, sender) = plugin(decide().1).await;
    let actor = sender.actor_ref();
    let breaks = || Keep { given: Fragile(13) };
    in_time(actor.tell(breaks())).await.unwrap();
    let asked = in_time(actor.ask(breaks())).await;
    drop(asked);
    assert_eq!(in_time(actor.ask(Number { number: 7 })).await.unwrap().0, 7);
    assert!(actor.is_alive());
}

/// Nobody waits for the result: it is dropped on a task of the proxy.
#[tokio::test]
async fn the_result_of_a_tell_with_a_stream_may_panic_without_end() {
    let (_plugin, sender) = plugin(decide().1).await;
    let items = Streaming::iter(0..14);
    in_time(sender.tell(Spend { items })).await.unwrap();
    for _ in 0..20 {
        assert_eq!(in_time(sender.number(7)).await.unwrap().0, 7);
    }
}

/// A panic in the drop of a handler's values counts as the handler's panic.
#[tokio::test]
async fn a_handler_that_panics_as_it_is_given_up_does_as_its_service_says() {
    for (on_panic, goes_on) in [(OnPanic::Continue, true), (OnPanic::Stop, false)] {
        let (decide, _) = Proxy::serve(CheckerServer::new(StrictChecker), 8, on_panic);
        let decide = CheckerProxy::from(decide);
        let held = decide
            .hold(Fragile(13))
            .timeout(std::time::Duration::from_millis(50));
        let left = in_time(held).await;
        assert!(matches!(left, Err(CallError::DeadlineExceeded)), "{left:?}");
        let next = in_time(decide.check(Sure(4), HashSet::new())).await;
        assert_eq!(next.is_ok(), goes_on, "{on_panic:?}: {next:?}");
    }
}
