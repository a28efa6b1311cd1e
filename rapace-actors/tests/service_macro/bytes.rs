//! Requests and results, encoded and decoded.

use rapace::__macro::{MethodCall, Reader, RequestError, Serve, Service, Status, Writer};

use crate::library::*;

/// Encodes a message; returns its bytes and its buffers.
fn encoded<M: MethodCall<LibraryService>>(message: &M) -> (Vec<u8>, Vec<rapace::Blob>) {
    let (mut bytes, mut blobs) = (Vec::new(), Vec::new());
    message
        .encode(&mut Writer::vec(&mut bytes, &mut blobs))
        .unwrap();
    (bytes, blobs)
}

/// Sends a message over bytes; returns it as its service decodes it.
fn sent<M: MethodCall<LibraryService>>(
    message: &M,
) -> (Vec<u8>, <LibraryService as Service>::Request) {
    let (bytes, blobs) = encoded(message);
    let mut reader = Reader::new(&bytes, &blobs, Default::default());
    let request = LibraryService::decode_request(M::METHOD, &mut reader, None).unwrap();
    reader.finish().unwrap();
    assert_eq!(LibraryService::method(&request), M::METHOD);
    (bytes, request)
}

/// Decodes a response as the caller of `M` does.
fn answered<M: MethodCall<LibraryService>>(
    response: &<LibraryService as Service>::Response,
) -> (Status, Result<M::Ok, M::Error>) {
    let (mut bytes, mut blobs) = (Vec::new(), Vec::new());
    LibraryService::encode_response(response, &mut Writer::vec(&mut bytes, &mut blobs)).unwrap();
    let status = LibraryService::status(response);
    let mut reader = Reader::new(&bytes, &blobs, Default::default());
    let result = M::decode_reply(status == Status::HandlerError, &mut reader, None).unwrap();
    reader.finish().unwrap();
    (status, result)
}

/// Makes a whole call over bytes.
async fn call<M: MethodCall<LibraryService>>(
    server: &mut LibraryServer<Shelf>,
    message: M,
) -> (Status, Result<M::Ok, M::Error>) {
    let (_, request) = sent(&message);
    answered::<M>(&server.handle(request).await)
}

fn shelf() -> LibraryServer<Shelf> {
    let pages = vec![page(1, "one"), page(2, "two")];
    LibraryServer::new(Shelf { pages })
}

#[test]
fn a_request_is_its_arguments_one_after_the_other() {
    let (bytes, _) = sent(&AllTexts {
        before: "<".to_owned(),
        after: Some('>'),
    });
    let tuple = rapace_codec::to_vec(&("<".to_owned(), Some('>'))).unwrap();
    assert_eq!(bytes, tuple.0);
}

#[test]
fn a_request_without_arguments_is_empty() {
    assert_eq!(sent(&Pages).0, []);
}

#[test]
fn a_request_holds_what_was_sent() {
    let (_, request) = sent(&AllTexts {
        before: "<".to_owned(),
        after: None,
    });
    let message = AllTexts::from_request(request).unwrap();
    assert_eq!((message.before.as_str(), message.after), ("<", None));
}

#[test]
fn a_stream_among_the_arguments_has_no_bytes() {
    let (bytes, _) = encoded(&Cut {
        pages: rapace::Streaming::iter([page(1, "one")]),
        length: 3,
    });
    assert_eq!(bytes, [3]);
}

#[test]
fn an_unknown_method_is_not_decoded() {
    let mut reader = Reader::new(&[], &[], Default::default());
    let error = LibraryService::decode_request(8, &mut reader, None).err();
    assert!(matches!(error, Some(RequestError::UnknownMethod(8))));
}

#[test]
fn a_request_without_the_stream_that_its_method_takes_is_refused() {
    let mut reader = Reader::new(&[], &[], Default::default());
    let error = LibraryService::decode_request(AddAll::METHOD, &mut reader, None).err();
    assert!(matches!(error, Some(RequestError::NoStream)));
}

#[test]
fn arguments_cut_short_are_refused() {
    let (bytes, _) = sent(&Add {
        page: page(1, "one"),
    });
    for end in 0..bytes.len() {
        let mut reader = Reader::new(&bytes[..end], &[], Default::default());
        let error = LibraryService::decode_request(Add::METHOD, &mut reader, None).err();
        assert!(
            matches!(error, Some(RequestError::Decode(_))),
            "{end} bytes"
        );
    }
}

#[tokio::test]
async fn a_value_beside_an_error_crosses_bare() {
    let mut server = shelf();
    let (status, found) = call(&mut server, Find { number: 2 }).await;
    assert_eq!((status, found), (Status::Ok, Ok(page(2, "two"))));

    let response = server.handle(Find { number: 2 }.into_request()).await;
    let (mut bytes, mut blobs) = (Vec::new(), Vec::new());
    LibraryService::encode_response(&response, &mut Writer::vec(&mut bytes, &mut blobs)).unwrap();
    assert_eq!(bytes, rapace_codec::to_vec(&page(2, "two")).unwrap().0);
}

#[tokio::test]
async fn a_methods_own_error_crosses_with_a_status_of_its_own() {
    let (status, found) = call(&mut shelf(), Find { number: 3 }).await;
    assert_eq!(
        (status, found),
        (Status::HandlerError, Err(LibraryError::NoPage(3)))
    );
}

#[tokio::test]
async fn plain_values_and_units_cross() {
    let mut server = shelf();
    let texts = AllTexts {
        before: String::new(),
        after: Some('!'),
    };
    let expected = vec!["one!".to_owned(), "two!".to_owned()];
    assert_eq!(call(&mut server, texts).await, (Status::Ok, Ok(expected)));
    let page = page(3, "three");
    assert_eq!(call(&mut server, Add { page }).await, (Status::Ok, Ok(())));
    assert_eq!(
        call(&mut server, TearOut { number: 1 }).await,
        (Status::Ok, Ok(()))
    );
    let left: Vec<u32> = server
        .into_inner()
        .pages
        .iter()
        .map(|page| page.number)
        .collect();
    assert_eq!(left, [2, 3]);
}

#[test]
fn an_error_of_a_method_that_has_none_is_not_decoded() {
    let mut reader = Reader::new(&[], &[], Default::default());
    assert!(<Add as MethodCall<LibraryService>>::decode_reply(true, &mut reader, None).is_err());
}

#[tokio::test]
async fn a_stream_among_the_results_has_no_bytes_and_is_taken_once() {
    let mut server = shelf();
    for message in [Pages.into_request(), PagesFrom { number: 2 }.into_request()] {
        let mut response = server.handle(message).await;
        assert!(LibraryService::take_items(&mut response).is_some());
        let (mut bytes, mut blobs) = (Vec::new(), Vec::new());
        LibraryService::encode_response(&response, &mut Writer::vec(&mut bytes, &mut blobs))
            .unwrap();
        assert_eq!(bytes, []);
        assert_eq!(LibraryService::status(&response), Status::Ok);
    }
}

#[tokio::test]
async fn an_error_in_place_of_a_stream_has_no_items() {
    let mut response = shelf().handle(PagesFrom { number: 9 }.into_request()).await;
    assert!(LibraryService::take_items(&mut response).is_none());
    let (status, result) = answered::<PagesFrom>(&response);
    assert_eq!(status, Status::HandlerError);
    assert_eq!(result.err(), Some(LibraryError::NoPage(9)));
}

#[tokio::test]
async fn a_response_is_that_of_its_own_method_only() {
    let response = shelf().handle(Find { number: 1 }.into_request()).await;
    assert!(TearOut::from_response(response).is_none());
    assert!(TearOut::from_request(Find { number: 1 }.into_request()).is_none());
}
