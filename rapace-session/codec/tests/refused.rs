//! Types that cannot cross are refused as a whole, with the place, the reason and the remedy.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, DefaultHasher};
use std::ops::Range;
use std::sync::{Arc, Mutex, RwLock};

use facet::Facet;
use rapace_codec::{
    Blob, DecodeFault, EncodeError, RefusedType, Wire, check_shape, from_slice, to_vec,
};

fn refused<T: Facet<'static>>() -> RefusedType {
    check_shape(T::SHAPE).unwrap_err()
}

/// Encoding and decoding refuse what the check refuses.
fn refused_throughout<T: Wire>(value: &T) -> RefusedType {
    let by_check = refused::<T>();
    let Err(EncodeError::Refused(by_encoding)) = to_vec(value) else {
        panic!("{by_check} was encoded")
    };
    assert_eq!(*by_encoding, by_check);
    let Err(by_decoding) = from_slice::<T>(&[0; 64], &[]) else {
        panic!("{by_check} was decoded")
    };
    assert_eq!(*by_decoding.fault(), DecodeFault::Refused(by_check.clone()));
    by_check
}

#[derive(Facet)]
struct Inner {
    text: Cow<'static, str>,
}

#[derive(Facet)]
#[repr(u8)]
enum Outer {
    #[allow(dead_code)]
    Nothing,
    #[allow(dead_code)]
    Something { list: Vec<Option<Inner>> },
}

#[test]
fn the_place_the_reason_and_the_way_out_are_told() {
    let value = Outer::Something {
        list: vec![Some(Inner { text: "".into() })],
    };
    let refused = refused_throughout(&value);
    assert_eq!(refused.path(), "Outer::Something.list[]?.text");
    assert_eq!(refused.reason(), "it may borrow text");
    assert_eq!(refused.way_out(), "send a `String`");
    let text = refused.to_string();
    assert!(
        text.starts_with("`Outer::Something.list[]?.text` (`Cow"),
        "{text}"
    );
    assert!(
        text.ends_with(" cannot be sent to a plugin: it may borrow text; send a `String`"),
        "{text}"
    );
}

#[test]
fn what_borrows_is_refused() {
    refused_throughout(&"text");
    refused_throughout(&Cow::Borrowed("text"));
    refused_throughout(&vec![Cow::<'static, [u8]>::Borrowed(&[])]);
    refused::<&'static [u8]>();
    refused::<&'static u32>();
    refused::<(u8, Option<&'static str>)>();
}

/// Why they cannot be decoded as borrows of the input either: facet says of this struct that it is `Facet<'a>` for
/// every `'a`, so a decoder that takes `T: Facet<'a>` and bytes that live for `'a` would make references that live for
/// ever out of them. Once this no longer compiles, borrowing can be looked at again.
#[test]
fn facet_does_not_tell_for_how_long_a_struct_borrows() {
    #[derive(Facet)]
    struct Borrows {
        text: &'static str,
    }
    fn that_lives_as_long_as<'a, T: Facet<'a>>(_: &'a [u8]) -> &'static facet::Shape {
        T::SHAPE
    }
    let short = vec![0];
    let shape = that_lives_as_long_as::<Borrows>(&short);
    assert_eq!(check_shape(shape).unwrap_err().path(), "Borrows.text");
    assert_eq!(Borrows { text: "" }.text, "");
}

#[test]
fn what_means_nothing_elsewhere_is_refused() {
    refused_throughout(&Arc::new(Mutex::new(5_u8)));
    refused_throughout(&RwLock::new(5_u8));
    refused::<std::rc::Rc<u8>>();
    refused::<std::sync::Weak<u8>>();
    refused::<*const u8>();
    // facet describes it like a unit struct; a value of it must not be made up.
    refused_throughout(&Ok::<u8, std::convert::Infallible>(1));
}

#[test]
fn what_facet_cannot_carry_is_refused() {
    refused_throughout(&Range {
        start: 1_u8,
        end: 2,
    });

    #[derive(Facet)]
    struct Opaque(#[facet(opaque)] Arc<[std::thread::ThreadId]>);
    let refused = refused_throughout(&Opaque(Arc::new([])));
    assert_eq!(refused.path(), "Opaque.0");
}

#[test]
fn attributes_that_change_the_encoding_are_refused() {
    #[derive(Facet)]
    struct Flattened {
        #[facet(flatten)]
        blob: Pair,
    }
    #[derive(Facet)]
    struct Pair {
        a: u8,
        b: u8,
    }
    let pair = || Pair { a: 1, b: 2 };
    assert_eq!(
        refused_throughout(&Flattened { blob: pair() }).path(),
        "Flattened.blob"
    );
    assert!(check_shape(Pair::SHAPE).is_ok());
    assert_eq!((pair().a, pair().b), (1, 2));

    #[derive(Facet)]
    struct Skipped {
        #[facet(skip, default)]
        cache: u32,
    }
    assert_eq!(
        refused_throughout(&Skipped { cache: 0 }).path(),
        "Skipped.cache"
    );

    #[derive(Facet)]
    #[repr(u8)]
    #[facet(untagged)]
    #[allow(dead_code)]
    enum Untagged {
        Number(u8),
        Text(String),
    }
    refused_throughout(&Untagged::Number(1));

    #[derive(Facet)]
    #[repr(u8)]
    #[facet(tag = "kind")]
    #[allow(dead_code)]
    enum Tagged {
        Number { n: u8 },
    }
    refused_throughout(&Tagged::Number { n: 1 });
}

/// facet's functions for hash tables take the standard hasher for granted. With another one the table is laid out
/// otherwise, and reading it through them would be undefined behaviour.
#[test]
fn hash_tables_with_another_hasher_are_refused() {
    #[derive(Default, Facet)]
    struct Fixed;
    impl BuildHasher for Fixed {
        type Hasher = DefaultHasher;
        fn build_hasher(&self) -> DefaultHasher {
            DefaultHasher::new()
        }
    }
    refused_throughout(&HashMap::<u8, u8, Fixed>::default());
    refused_throughout(&HashSet::<u8, Fixed>::default());
}

#[test]
fn a_blob_can_be_anywhere() {
    #[derive(Facet, Debug, PartialEq)]
    struct Page {
        title: String,
        images: Vec<Blob>,
        cover: Option<Blob>,
    }
    let image = |n: u8| Blob::from(vec![n; 1_000]);
    let page = Page {
        title: "t".into(),
        images: vec![image(1), image(2)],
        cover: Some(image(3).slice(10..20)),
    };
    let (bytes, blobs) = to_vec(&page).unwrap();
    assert_eq!(bytes, [1, b't', 2, 0, 1, 1, 2]);
    assert_eq!(blobs.len(), 3);
    assert!(Arc::ptr_eq(
        blobs[2].storage(),
        page.cover.as_ref().unwrap().storage()
    ));

    let back: Page = from_slice(&bytes, &blobs).unwrap();
    assert_eq!(back, page);
    assert!(Arc::ptr_eq(
        back.images[0].storage(),
        page.images[0].storage()
    ));
    assert_eq!(back.cover.unwrap().range(), 10..20);
}
