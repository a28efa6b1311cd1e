//! Streams through a local proxy: in, out, both.

use futures_util::{StreamExt, stream};
use rapace::Streaming;

use crate::library::*;

fn library() -> LibraryProxy {
    let pages = vec![page(1, "one"), page(2, "two")];
    LibraryProxy::local(LibraryServer::new(Shelf { pages }))
}

async fn all<T>(stream: Streaming<T>) -> Vec<T> {
    stream.map(Result::unwrap).collect().await
}

#[tokio::test]
async fn any_stream_of_items_is_an_argument() {
    let library = library();
    let more = stream::iter(3..6).map(|number| page(number, "more"));
    assert_eq!(library.add_all(more).await.unwrap(), 3);
    assert_eq!(library.find(5).await.unwrap(), page(5, "more"));
}

#[tokio::test]
async fn a_streaming_is_an_argument() {
    let pages = Streaming::iter([page(3, "three")]);
    assert_eq!(library().add_all(pages).await.unwrap(), 1);
}

#[tokio::test]
async fn a_message_holds_its_stream() {
    let pages = Streaming::iter([page(3, "three")]);
    assert_eq!(library().ask(AddAll { pages }).await.unwrap(), 1);
}

#[tokio::test]
async fn a_result_can_be_a_stream() {
    let pages = library().pages().await.unwrap();
    assert_eq!(all(pages).await, [page(1, "one"), page(2, "two")]);
}

#[tokio::test]
async fn a_result_can_be_a_stream_or_an_error() {
    let library = library();
    let pages = library.pages_from(2).await.unwrap();
    assert_eq!(all(pages).await, [page(2, "two")]);
    assert_eq!(
        own_error(library.pages_from(7).await),
        LibraryError::NoPage(7)
    );
}

#[tokio::test]
async fn items_flow_in_while_others_flow_out() {
    let (sender, pages) = tokio::sync::mpsc::channel::<Page>(1);
    let pages = stream::unfold(pages, |mut pages| async {
        Some((pages.recv().await?, pages))
    });
    let mut cut = library().cut(pages, 2).await.unwrap();
    for (text, expected) in [("one", "on"), ("two", "tw")] {
        sender.send(page(0, text)).await.unwrap();
        assert_eq!(cut.next().await.unwrap().unwrap(), expected);
    }
    drop(sender);
    assert!(cut.next().await.is_none());
}

/// A service with streams in both directions, as in a plugin.
#[rapace::service]
pub(crate) trait Producer {
    /// One item, and a panic.
    async fn falls(&self) -> Streaming<u8>;
    /// One item, an error, and an item that is never received.
    async fn fails(&self) -> Streaming<u8>;
    /// Returns the first metadata of the producer's context, and whether that has a deadline.
    async fn context(&self) -> Streaming<String>;
    /// Returns the error that the items end with.
    async fn last(&self, items: Streaming<u8>) -> String;
}

struct Any;

fn falling() -> impl futures_util::Stream<Item = u8> {
    stream::iter(1..3).map(|item| match item {
        1 => item,
        _ => panic!("out of items"),
    })
}

fn seen() -> String {
    let context = rapace::CallContext::current();
    context.map_or_else(
        || "none".to_owned(),
        |context| format!("{:?} {}", context.metadata, context.deadline.is_some()),
    )
}

impl Producer for Any {
    async fn falls(&self) -> Streaming<u8> {
        Streaming::new(falling())
    }

    async fn fails(&self) -> Streaming<u8> {
        let broken = || Err(rapace::StreamError::BadItem("a scratch".to_owned()));
        Streaming::fallible(stream::iter([Ok(1), broken(), Ok(3)]))
    }

    async fn context(&self) -> Streaming<String> {
        Streaming::new(stream::once(async { seen() }))
    }

    async fn last(&self, mut items: Streaming<u8>) -> String {
        while let Some(item) = items.next().await {
            if let Err(error) = item {
                return error.to_string();
            }
        }
        "none".to_owned()
    }
}

/// The same as over a session.
#[tokio::test]
async fn a_local_producer_that_panics_ends_its_stream_and_nothing_else() {
    let producer = ProducerProxy::local(ProducerServer::new(Any));
    let mut items = producer.falls().await.unwrap();
    assert_eq!(items.next().await, Some(Ok(1)));
    let Some(Err(rapace::StreamError::Reset(why))) = items.next().await else {
        panic!("no error");
    };
    assert_eq!(why, "its producer panicked: out of items");
    assert_eq!(items.next().await, None);
    let last = producer.last(falling()).await.unwrap();
    assert!(
        last.contains("its producer panicked: out of items"),
        "{last}"
    );
}

#[tokio::test]
async fn a_local_stream_ends_with_its_first_error() {
    let producer = ProducerProxy::local(ProducerServer::new(Any));
    let mut items = producer.fails().await.unwrap();
    assert_eq!(items.next().await, Some(Ok(1)));
    assert!(matches!(items.next().await, Some(Err(_))));
    assert_eq!(items.next().await, None);
}

#[tokio::test]
async fn a_local_producer_is_in_its_calls_context_and_not_under_its_deadline() {
    let producer = ProducerProxy::local(ProducerServer::new(Any));
    let call = producer
        .ask(Context)
        .metadata("user", "ada")
        .timeout(std::time::Duration::from_secs(60));
    let items = call.await.unwrap();
    assert_eq!(all(items).await, ["[(\"user\", \"ada\")] false"]);
}
