//! The `#[rapace::service]` attribute.
//!
//! The tokens are parsed into a `service::Service`, which exists only if nothing in the trait was rejected; the
//! expansion is generated from that alone, one file per kind of item under `expand`. From the lowest to the
//! highest:
//!
//! | file | decides |
//! |---|---|
//! | `refusals` | how several errors are reported at once |
//! | `options` | what the attributes' options are |
//! | `owned` | which types can be serialized |
//! | `names` | the names of generated items |
//! | `output` | what a method's result is |
//! | `method` | what a method may be |
//! | `collisions` | which names collide |
//! | `service` | what a service may be |
//! | `expand` | what is generated from it |
//!
//! - X1: everything that is rejected is found before expansion, and all of it is reported at once.
//! - X2: each error points at the tokens that it is about, and says what to write instead.
//! - X3: every path in the expansion is absolute, so nothing that the user imports or declares can change it.
//! - X4: the user's tokens keep their spans, so the compiler's own errors point at them.
#![forbid(unsafe_code)]

mod collisions;
mod expand;
mod method;
mod names;
mod options;
mod output;
mod owned;
mod refusals;
mod service;

use proc_macro2::TokenStream;
use syn::Item;

/// Generates a service from an async trait: message types, a typed proxy, a server, a descriptor.
///
/// ```
/// use facet::Facet;
///
/// /// Code with markup around its words.
/// #[derive(Facet)]
/// pub struct Highlighted {
///     /// The markup.
///     pub html: String,
/// }
///
/// /// Why a block could not be highlighted.
/// #[derive(Debug, Facet)]
/// #[repr(u8)]
/// pub enum HighlightError {
///     /// No grammar has this name.
///     UnknownLanguage(String),
/// }
///
/// /// Highlights code.
/// #[rapace::service]
/// pub trait Highlighter {
///     /// Highlights one block.
///     #[rapace(idempotent)]
///     async fn highlight(&mut self, code: String, lang: String) -> Result<Highlighted, HighlightError>;
///
///     /// The languages that it knows.
///     async fn languages(&self) -> Vec<String>;
/// }
///
/// struct Plain;
///
/// impl Highlighter for Plain {
///     async fn highlight(&mut self, code: String, lang: String) -> Result<Highlighted, HighlightError> {
///         match lang.as_str() {
///             "text" => Ok(Highlighted { html: code.replace('<', "&lt;") }),
///             _ => Err(HighlightError::UnknownLanguage(lang)),
///         }
///     }
///
///     async fn languages(&self) -> Vec<String> {
///         vec!["text".to_owned()]
///     }
/// }
///
/// let server = HighlighterServer::new(Plain);
/// # let _ = server;
/// let message = Highlight { code: "1 < 2".to_owned(), lang: "text".to_owned() };
/// # let _ = message;
/// ```
///
/// # Generated items
///
/// For a trait `Highlighter`, beside it and with its visibility:
///
/// | item | what it is |
/// |---|---|
/// | `Highlight`, … | a message per method, its arguments as fields; the method's name in Pascal case |
/// | `HighlighterProxy` | calls a service, wherever it runs, with the trait's own methods |
/// | `HighlighterServer<T>` | serves an implementation |
/// | `HighlighterService` | the service as a type, with its descriptor |
///
/// The trait's own methods return futures that are `Send`; implementations write `async fn`.
///
/// # Methods
///
/// A method is async, takes `&self` or `&mut self`, and its arguments and results are owned types that derive
/// `facet::Facet`. A result written as `Result<T, E>` is a value or the method's own error; any other is a
/// value. At most one argument may be a `Streaming<T>`, and so may the value.
///
/// # Options
///
/// | where | option | meaning |
/// |---|---|---|
/// | `#[rapace::service(..)]` | `name = "other.Name"` | the name on the wire; the trait's own by default |
/// | `#[rapace(..)]` on a method | `idempotent` | it may run twice: it is sent again if the plugin dies while it runs |
/// | `#[rapace(..)]` on a method | `message = Name` | the name of its message |
#[proc_macro_attribute]
pub fn service(
    options: proc_macro::TokenStream,
    item: proc_macro::TokenStream,
) -> proc_macro::TokenStream {
    generate(options.into(), item.into())
        .unwrap_or_else(syn::Error::into_compile_error)
        .into()
}

fn generate(options: TokenStream, item: TokenStream) -> syn::Result<TokenStream> {
    let item = syn::parse2::<Item>(item)?;
    let service = service::Service::parse(options, item)?;
    Ok(expand::service(&service))
}
