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
