//! What `#[rapace::service]` makes of a trait, for the runtime to work with.
//!
//! - SV1: a request or a result is its values one after the other, nothing around them.
//! - SV2: streams are never encoded: they are channels of their own.
//! - SV3: the position of a method in its trait is its number on this side. On the wire stands the callee's number, which is
//!   found by the name and the hash of the method.

use rapace_codec::{DecodeError, EncodeError, Reader, Writer};
use rapace_session::{Status, StreamReceiver};

use super::descriptor::ServiceDescriptor;
use super::streaming::OutgoingItems;

/// A service: what the attribute makes of a trait, without an implementation.
pub trait Service: Send + Sync + 'static {
    /// Any of its messages.
    type Request: Send + 'static;
    /// Any of its results.
    type Response: Send + Sync + 'static;

    /// Names, docs, shapes.
    fn descriptor() -> &'static ServiceDescriptor;

    /// The number of the method that a request calls (SV3).
    fn method(request: &Self::Request) -> u32;

    /// Decodes the arguments of `method`; `items` is the caller's stream, which there must be if the method takes one.
    ///
    /// # Errors
    /// See [`RequestError`].
    fn decode_request(
        method: u32,
        reader: &mut Reader<'_>,
        items: Option<StreamReceiver>,
    ) -> Result<Self::Request, RequestError>;

    /// Whether the method succeeded or gave its own error.
    fn status(response: &Self::Response) -> Status;

    /// The method's own error, if it gave that.
    fn error(response: &Self::Response) -> Option<&dyn std::fmt::Debug>;

    /// Encodes the result, or the method's own error (SV1, SV2).
    ///
    /// # Errors
    /// A value that has no bytes.
    fn encode_response(
        response: &Self::Response,
        writer: &mut Writer<'_>,
    ) -> Result<(), EncodeError>;

    /// Takes the stream that a result consists of, if it does.
    fn take_items(response: &mut Self::Response) -> Option<OutgoingItems>;
}

/// Why a request is none of the service's.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// There is no method of that number.
    #[error("the service has no method {0}")]
    UnknownMethod(u32),
    /// The arguments are not the method's.
    #[error("the arguments cannot be decoded")]
    Decode(#[from] DecodeError),
    /// The method takes a stream, and the request came without one.
    #[error("the method takes a stream, and the request came without one")]
    NoStream,
}

/// A message of a service: one method, with its arguments as fields.
pub trait MethodCall<S: Service>: Send + Sync + Sized + 'static {
    /// What the method gives.
    type Ok: Send + 'static;
    /// The method's own error; `Infallible` if it has none.
    type Error: std::fmt::Debug + Send + 'static;
    /// The method's number (SV3).
    const METHOD: u32;
    /// Whether it may run twice.
    const IDEMPOTENT: bool;
    /// Whether an argument is a stream.
    const ITEMS_IN: bool;
    /// Whether the result is a stream.
    const ITEMS_OUT: bool;

    /// As one of the service's requests.
    fn into_request(self) -> S::Request;

    /// The message in a request; `None` if the request is another method's.
    fn from_request(request: S::Request) -> Option<Self>;

    /// The result in a response; `None` if the response is another method's.
    fn from_response(response: S::Response) -> Option<Result<Self::Ok, Self::Error>>;

    /// Encodes the arguments (SV1, SV2).
    ///
    /// # Errors
    /// A value that has no bytes.
    fn encode(&self, writer: &mut Writer<'_>) -> Result<(), EncodeError>;

    /// Takes the stream among the arguments, if there is one.
    fn take_items(&mut self) -> Option<OutgoingItems>;

    /// Decodes a result, or the method's own error. A result that is a stream has no items without `items`: there are none
    /// where nobody asked for them.
    ///
    /// # Errors
    /// Bytes that are not of the expected type.
    fn decode_reply(
        is_error: bool,
        reader: &mut Reader<'_>,
        items: Option<StreamReceiver>,
    ) -> Result<Result<Self::Ok, Self::Error>, DecodeError>;
}

/// An implementation of a service: the generated `…Server` around a type that implements the trait.
pub trait Serve: Send + 'static {
    /// The service.
    type Service: Service;

    /// Handles one message.
    fn handle(
        &mut self,
        request: <Self::Service as Service>::Request,
    ) -> impl Future<Output = <Self::Service as Service>::Response> + Send;
}
