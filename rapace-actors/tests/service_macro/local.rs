//! Proxies of services in the same process.

use rapace::__macro::{Proxy, TypedProxy};

use crate::library::*;

fn library() -> LibraryProxy {
    let pages = vec![page(1, "one"), page(2, "two")];
    LibraryProxy::local(LibraryServer::new(Shelf { pages }))
}

#[tokio::test]
async fn methods_are_called_by_their_names() {
    let library = library();
    assert_eq!(library.find(2).await.unwrap(), page(2, "two"));
    let texts = library.texts("<".to_owned(), Some('>')).await.unwrap();
    assert_eq!(texts, ["<one>", "<two>"]);
}

#[tokio::test]
async fn messages_are_asked_and_told() {
    let library = library();
    library
        .tell(Add {
            page: page(3, "three"),
        })
        .await
        .unwrap();
    assert_eq!(
        library.ask(Find { number: 3 }).await.unwrap(),
        page(3, "three")
    );
}

#[tokio::test]
async fn what_a_mutable_method_changes_is_there_for_the_next() {
    let library = library();
    library.tear_out(1).await.unwrap();
    assert_eq!(own_error(library.find(1).await), LibraryError::NoPage(1));
    assert_eq!(
        own_error(library.tear_out(1).await),
        LibraryError::NoPage(1)
    );
}

#[tokio::test]
async fn an_implementation_need_not_be_shareable() {
    let counter = CounterProxy::local(CounterServer::new(CellCounter::default()));
    let (first, second) = tokio::join!(counter.next(), counter.next());
    assert_eq!((first.unwrap(), second.unwrap()), (1, 2));
}

#[tokio::test]
async fn clones_and_conversions_lead_to_the_same_service() {
    let library = library();
    library.clone().add(page(3, "three")).await.unwrap();
    let plain: Proxy<LibraryService> = (*library).clone();
    for library in [
        LibraryProxy::from(plain.clone()),
        LibraryProxy::from_proxy(plain),
    ] {
        assert_eq!(library.find(3).await.unwrap(), page(3, "three"));
    }
}

#[tokio::test]
async fn a_call_moves_to_another_task() {
    let library = library();
    let task = tokio::spawn(async move { library.find(1).await });
    assert_eq!(task.await.unwrap().unwrap(), page(1, "one"));
}
