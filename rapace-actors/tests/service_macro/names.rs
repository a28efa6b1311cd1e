//! Names that would collide with those of the expansion if it were not hygienic.
#![deny(missing_docs, unreachable_pub, unused, deprecated)]
#![deny(clippy::all, clippy::pedantic)]

use rapace::__macro::Service;

use crate::library::own_error;

/// Arguments and methods with awkward names.
#[rapace::service]
pub(crate) trait Awkward: Sync {
    /// Every local name that a generated function has.
    #[expect(clippy::too_many_arguments, reason = "they are the point")]
    async fn names(
        &self,
        reader: u8,
        writer: u8,
        items: u8,
        message: u8,
        method: u8,
        request: u8,
        result: u8,
        value: u8,
    ) -> u64;

    /// Keywords.
    #[rapace(message = Keywords)]
    async fn r#match(&mut self, r#type: String, r#ref: u32) -> std::result::Result<u32, String>;

    /// It gives `()`, so written.
    async fn nothing(&self) -> ();

    /// An array, a tuple, a box.
    async fn shapes(
        &self,
        array: [u8; 4],
        tuple: (u8, Box<str>),
        inner: String,
    ) -> Option<Result<u8, u8>>;
}

struct Plain;

impl Awkward for Plain {
    async fn names(
        &self,
        r: u8,
        w: u8,
        items: u8,
        m: u8,
        method: u8,
        request: u8,
        result: u8,
        value: u8,
    ) -> u64 {
        [r, w, items, m, method, request, result, value]
            .into_iter()
            .fold(0, |sum, digit| sum * 10 + u64::from(digit))
    }

    async fn r#match(&mut self, r#type: String, r#ref: u32) -> Result<u32, String> {
        if r#ref == 0 { Err(r#type) } else { Ok(r#ref) }
    }

    async fn nothing(&self) {}

    async fn shapes(
        &self,
        array: [u8; 4],
        tuple: (u8, Box<str>),
        inner: String,
    ) -> Option<Result<u8, u8>> {
        (*tuple.1 == *inner).then(|| array.get(usize::from(tuple.0)).copied().ok_or(tuple.0))
    }
}

fn awkward() -> AwkwardProxy {
    AwkwardProxy::local(AwkwardServer::new(Plain))
}

#[tokio::test]
async fn arguments_keep_their_places_whatever_their_names() {
    let given = awkward().names(1, 2, 3, 4, 5, 6, 7, 8).await;
    assert_eq!(given.unwrap(), 12_345_678);
}

#[tokio::test]
async fn keywords_are_names() {
    let awkward = awkward();
    assert_eq!(awkward.r#match("word".to_owned(), 7).await.unwrap(), 7);
    let message = Keywords {
        r#type: "word".to_owned(),
        r#ref: 0,
    };
    assert_eq!(own_error(awkward.ask(message).await), "word");
}

#[test]
fn keywords_are_described_without_their_prefix() {
    let method = &AwkwardService::descriptor().methods[1];
    assert_eq!((method.name, method.arguments[0].name), ("match", "type"));
}

#[tokio::test]
async fn a_unit_may_be_written() {
    awkward().nothing().await.unwrap();
}

#[tokio::test]
async fn a_result_inside_a_value_is_a_value() {
    let word: Box<str> = "word".into();
    let given = awkward()
        .shapes([1, 2, 3, 4], (2, word), "word".to_owned())
        .await;
    assert_eq!(given.unwrap(), Some(Ok(3)));
}

/// Excluded from every build, so it may name missing types.
#[rapace::service]
#[cfg(any())]
pub(crate) trait Never {
    /// It is never called.
    async fn never(&self, item: NoSuchType) -> NoSuchType;
}

/// In every build, and with user types whose names look like the attribute's.
#[rapace::service]
#[cfg(test)]
pub(crate) trait Always {
    /// It gives what it takes.
    #[cfg_attr(test, doc = "More docs.")]
    async fn request(&self, item: AlwaysRequest) -> AlwaysResponse;
}

/// A user type with the common name of a request.
#[derive(facet::Facet)]
pub(crate) struct AlwaysRequest {
    number: u8,
}

/// A user type with the common name of a response.
pub(crate) type AlwaysResponse = u8;

struct Ever;

impl Always for Ever {
    async fn request(&self, item: AlwaysRequest) -> AlwaysResponse {
        item.number
    }
}

#[tokio::test]
async fn requests_and_responses_of_the_users_are_types_like_any_other() {
    let always = AlwaysProxy::local(AlwaysServer::new(Ever));
    let given = always.request(AlwaysRequest { number: 7 }).await;
    assert_eq!(given.unwrap(), 7);
}

/// A service that a macro declares.
macro_rules! declare {
    ($name:ident, $method:ident, $item:ty, $result:ty) => {
        /// It gives what it takes.
        #[rapace::service]
        pub(crate) trait $name {
            /// It gives what it takes.
            async fn $method(&self, item: $item) -> $result;
        }
    };
}

declare!(Mirror, echo, Vec<u8>, Result<Vec<u8>, ()>);

#[test]
fn a_result_handed_to_a_macro_is_still_one() {
    let method = &MirrorService::descriptor().methods[0];
    assert!(method.error.is_some(), "the error is the method's own");
}

/// Names that the expansion needs, shadowed by others.
mod shadowed {
    pub(super) mod core {}
    pub(super) mod rapace {}
    pub(super) type Future = u8;
    pub(super) type Send = u16;
    pub(super) struct Ok;
    pub(super) struct Err;
    pub(super) struct Some;
    pub(super) struct None;
    #[expect(dead_code, reason = "hides a name, and that is all")]
    pub(super) enum Option {}
    #[expect(dead_code, reason = "hides a name, and that is all")]
    pub(super) enum Result {}
    #[expect(dead_code, reason = "hides a name, and that is all")]
    pub(super) trait Clone {}

    /// It finds its way.
    #[::rapace::service]
    pub(crate) trait Lost {
        /// User types with the names of traits.
        async fn sum(&mut self, first: Future, second: Send) -> u16;
    }

    pub(super) struct Adder;

    impl Lost for Adder {
        async fn sum(&mut self, first: u8, second: u16) -> u16 {
            u16::from(first) + second
        }
    }
}

#[tokio::test]
async fn what_the_user_declares_is_not_mistaken_for_the_preludes() {
    use shadowed::{Adder, LostProxy, LostServer};
    let _ = (shadowed::Ok, shadowed::Err, shadowed::Some, shadowed::None);
    let lost = LostProxy::local(LostServer::new(Adder));
    assert_eq!(lost.sum(1, 2).await.unwrap(), 3);
}
