//! The traits that `#[rapace::service]` implements for the runtime.
//!
//! - SV1: a request or a result is encoded as its values in sequence, without framing.
//! - SV2: streams are never encoded: each is a channel of its own.
//! - SV3: the index of a method in its trait is its number on this side. On the wire stands the callee's
//!   number, which is looked up by the method's name and hash.

use rapace_codec::{DecodeError, EncodeError, Reader, Writer};
use rapace_session::{Status, StreamReceiver};

use super::descriptor::ServiceDescriptor;
use super::streaming::OutgoingItems;

/// A service, as generated from a trait, without an implementation.
pub trait Service: Send + Sync + 'static {
    /// An enum of its messages.
    type Request: Send + 'static;
    /// An enum of its results.
    type Response: Send + Sync + 'static;

    /// Returns the service's names, docs and shapes.
    fn descriptor() -> &'static ServiceDescriptor;

    /// Returns the number of the method that a request calls (SV3).
    fn method(request: &Self::Request) -> u32;

    /// Decodes the arguments of `method`. `items` is the caller's stream, required if the method takes one.
    ///
    /// # Errors
    /// See [`RequestError`].
    fn decode_request(
        method: u32,
        reader: &mut Reader<'_>,
        items: Option<StreamReceiver>,
    ) -> Result<Self::Request, RequestError>;

    /// Whether the method succeeded or returned its own error.
    fn status(response: &Self::Response) -> Status;

    /// Returns the method's own error, if the response is one.
    fn error(response: &Self::Response) -> Option<&dyn std::fmt::Debug>;

    /// Encodes the result, or the method's own error (SV1, SV2).
    ///
    /// # Errors
    /// A value cannot be encoded.
    fn encode_response(
        response: &Self::Response,
        writer: &mut Writer<'_>,
    ) -> Result<(), EncodeError>;

    /// Takes the stream out of a response, if the method returns one.
    fn take_items(response: &mut Self::Response) -> Option<OutgoingItems>;
}

/// Why a request is not valid for the service.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// No method has this number.
    #[error("the service has no method {0}")]
    UnknownMethod(u32),
    /// The arguments cannot be decoded as the method's.
    #[error("the arguments cannot be decoded")]
    Decode(#[from] DecodeError),
    /// The method takes a stream, and the request has none.
    #[error("the method takes a stream, and the request came without one")]
    NoStream,
}

/// A message of a service: one method, with its arguments as fields.
pub trait MethodCall<S: Service>: Send + Sync + Sized + 'static {
    /// The method's success type.
    type Ok: Send + 'static;
    /// The method's error type; `Infallible` if it has none.
    type Error: std::fmt::Debug + Send + 'static;
    /// The method's number (SV3).
    const METHOD: u32;
    /// Whether it is idempotent: safe to run twice.
    const IDEMPOTENT: bool;
    /// Whether an argument is a stream.
    const ITEMS_IN: bool;
    /// Whether the result is a stream.
    const ITEMS_OUT: bool;

    /// Converts it to the service's request enum.
    fn into_request(self) -> S::Request;

    /// Returns the message in a request; `None` if the request is another method's.
    fn from_request(request: S::Request) -> Option<Self>;

    /// Returns the result in a response; `None` if the response is another method's.
    fn from_response(response: S::Response) -> Option<Result<Self::Ok, Self::Error>>;

    /// Encodes the arguments (SV1, SV2).
    ///
    /// # Errors
    /// A value cannot be encoded.
    fn encode(&self, writer: &mut Writer<'_>) -> Result<(), EncodeError>;

    /// Takes the stream out of the arguments, if there is one.
    fn take_items(&mut self) -> Option<OutgoingItems>;

    /// Decodes a result, or the method's own error. Without `items`, a result that is a stream is empty: the
    /// caller did not ask for the items.
    ///
    /// # Errors
    /// The bytes are not of the expected type.
    fn decode_reply(
        is_error: bool,
        reader: &mut Reader<'_>,
        items: Option<StreamReceiver>,
    ) -> Result<Result<Self::Ok, Self::Error>, DecodeError>;
}

/// An implementation of a service: the generated `…Server`, which wraps a type that implements the trait.
pub trait Serve: Send + 'static {
    /// The service.
    type Service: Service;

    /// Handles one message.
    fn handle(
        &mut self,
        request: <Self::Service as Service>::Request,
    ) -> impl Future<Output = <Self::Service as Service>::Response> + Send;
}
