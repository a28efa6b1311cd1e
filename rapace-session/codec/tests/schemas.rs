//! Descriptions and their hashes.

mod common;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use common::*;
use facet::Facet;
use rapace_codec::{
    Blob, Fields, SchemaHash, TypeBody, TypeRef, TypeSchema, describe, from_slice, schema_hash,
    to_vec,
};

mod first {
    use super::*;

    #[derive(Facet)]
    pub(super) struct Item {
        pub(super) id: u32,
        pub(super) name: String,
        pub(super) next: Option<Box<Item>>,
    }

    #[derive(Facet)]
    #[repr(u8)]
    #[allow(dead_code)]
    pub(super) enum Event {
        Added(Item),
        Removed { id: u32 },
    }
}

/// The same in another module, with docs, other attributes and equivalent containers.
mod second {
    use super::*;

    /// An item.
    #[derive(Facet, Clone)]
    #[facet(deny_unknown_fields)]
    pub(super) struct Item {
        /// Its number.
        pub(super) id: u32,
        #[facet(default, sensitive)]
        pub(super) name: Arc<str>,
        pub(super) next: Option<Arc<Item>>,
    }

    #[derive(Facet)]
    #[repr(u32)]
    #[allow(dead_code)]
    pub(super) enum Event {
        /// It is there.
        Added(Item) = 7,
        Removed {
            id: u32,
        },
    }
}

/// Declares `Item` again, changed.
macro_rules! changed {
    ($($module:ident { $($body:tt)* })*) => {$(
        mod $module {
            use super::*;

            #[derive(Facet)]
            #[allow(dead_code)]
            $($body)*
        }
    )*};
}

changed! {
    renamed_field { pub(super) struct Item { id: u32, title: String, next: Option<Box<Item>> } }
    renamed_by_attribute { pub(super) struct Item { id: u32, #[facet(rename = "title")] name: String, next: Option<Box<Item>> } }
    reordered { pub(super) struct Item { name: String, id: u32, next: Option<Box<Item>> } }
    other_scalar { pub(super) struct Item { id: u64, name: String, next: Option<Box<Item>> } }
    other_sign { pub(super) struct Item { id: i32, name: String, next: Option<Box<Item>> } }
    added { pub(super) struct Item { id: u32, name: String, next: Option<Box<Item>>, more: () } }
    removed { pub(super) struct Item { id: u32, name: String } }
    list_for_option { pub(super) struct Item { id: u32, name: String, next: Vec<Item> } }
    blob_for_text { pub(super) struct Item { id: u32, name: Blob, next: Option<Box<Item>> } }
    other_recursion { pub(super) struct Item { id: u32, name: String, next: Option<Box<super::first::Item>> } }
    renamed_type { pub(super) struct Thing { id: u32, name: String, next: Option<Box<Thing>> } }
}

#[test]
fn what_is_the_same_on_the_wire_hashes_the_same() {
    assert_eq!(
        schema_hash(first::Item::SHAPE),
        schema_hash(second::Item::SHAPE)
    );
    assert_eq!(
        schema_hash(first::Event::SHAPE),
        schema_hash(second::Event::SHAPE)
    );
    assert_eq!(
        schema_hash(HashMap::<String, Vec<u8>>::SHAPE),
        schema_hash(BTreeMap::<Box<str>, Arc<[u8]>>::SHAPE)
    );
    assert_eq!(schema_hash(<()>::SHAPE), schema_hash(<()>::SHAPE));

    // And it is the same on the wire.
    let item = first::Item {
        id: 7,
        name: "n".into(),
        next: None,
    };
    let (bytes, _) = to_vec(&item).unwrap();
    let other: second::Item = from_slice(&bytes, &[]).unwrap();
    assert_eq!(
        (other.id, &*other.name, other.next.is_none()),
        (7, "n", true)
    );
}

#[test]
fn every_change_changes_the_hash() {
    let hashes = [
        schema_hash(first::Item::SHAPE),
        schema_hash(renamed_field::Item::SHAPE),
        schema_hash(reordered::Item::SHAPE),
        schema_hash(other_scalar::Item::SHAPE),
        schema_hash(other_sign::Item::SHAPE),
        schema_hash(added::Item::SHAPE),
        schema_hash(removed::Item::SHAPE),
        schema_hash(list_for_option::Item::SHAPE),
        schema_hash(blob_for_text::Item::SHAPE),
        schema_hash(other_recursion::Item::SHAPE),
        schema_hash(renamed_type::Thing::SHAPE),
        schema_hash(first::Event::SHAPE),
        schema_hash(<(u32, u64)>::SHAPE),
        schema_hash(<(u64, u32)>::SHAPE),
        schema_hash(<[u8; 2]>::SHAPE),
        schema_hash(<[u8; 3]>::SHAPE),
        schema_hash(Vec::<u8>::SHAPE),
        schema_hash(Blob::SHAPE),
        schema_hash(std::time::Duration::SHAPE),
    ];
    for (at, hash) in hashes.iter().enumerate() {
        let same = hashes.iter().position(|other| other == hash);
        assert_eq!(same, Some(at));
    }
    assert_eq!(
        schema_hash(renamed_field::Item::SHAPE),
        schema_hash(renamed_by_attribute::Item::SHAPE)
    );
}

/// If these change, plugins that were built before are refused after: the protocol version has to change too.
#[test]
fn hashes_are_the_same_everywhere_and_for_ever() {
    let hash = |shape| schema_hash(shape).to_string();
    assert_eq!(hash(<()>::SHAPE), "a68bd7e9a48b5822836dbc78d629a6ff");
    assert_eq!(hash(u32::SHAPE), "0880945177ab1be95aa07330552129e1");
    assert_eq!(hash(first::Item::SHAPE), "19b54ac9dee514da5cb0623bc4403734");
    assert_eq!(
        hash(first::Event::SHAPE),
        "8452008b0175255968e774da10a54e8f"
    );
    assert_eq!(hash(Nested::SHAPE), "135e7c7f52af0d2a9354a723a06a4acb");
    assert_eq!(hash(TypeSchema::SHAPE), "ce392a1133ca9caf96448bc99482ff1b");
    assert_eq!(
        SchemaHash::of_name("Search").to_string(),
        "8c5b958c0d3c64bf6ee02d631fb6f989"
    );
    let both = SchemaHash::combine([schema_hash(u32::SHAPE), schema_hash(<()>::SHAPE)]);
    assert_eq!(both.to_string(), "dc8d5996a6f91ff633366fb41532b893");
}

#[test]
fn the_order_of_combined_hashes_matters() {
    let (a, b) = (schema_hash(u8::SHAPE), schema_hash(u16::SHAPE));
    assert_ne!(SchemaHash::combine([a, b]), SchemaHash::combine([b, a]));
    assert_ne!(SchemaHash::combine([a]), a);
}

#[test]
fn a_description_can_itself_be_sent() {
    let schema = describe(Nested::SHAPE);
    let (bytes, _) = to_vec(&schema).unwrap();
    assert_eq!(from_slice::<TypeSchema>(&bytes, &[]).unwrap(), schema);
    let own = describe(TypeSchema::SHAPE);
    assert_eq!(own.types[0].name, "TypeSchema");
}

#[test]
fn a_description_names_fields_variants_and_docs() {
    let schema = describe(second::Event::SHAPE);
    assert_eq!(schema.root, TypeRef::Named(0));
    let TypeBody::Enum(variants) = &schema.types[0].body else {
        panic!("{schema:?}")
    };
    assert_eq!(variants[0].name, "Added");
    assert_eq!(variants[0].doc, "It is there.");
    assert!(!variants[0].fields.named);
    assert_eq!(variants[0].fields.fields[0].ty, TypeRef::Named(1));
    assert!(variants[1].fields.named);
    assert_eq!(variants[1].fields.fields[0].name, "id");

    assert_eq!(schema.types[1].name, "Item");
    let TypeBody::Struct(Fields { fields, .. }) = &schema.types[1].body else {
        panic!("{schema:?}")
    };
    assert_eq!(fields[0].doc, "Its number.");
    assert_eq!(fields[2].ty, TypeRef::Option(Box::new(TypeRef::Named(1))));
}

#[test]
fn what_cannot_cross_is_described_by_name() {
    let schema = describe(Vec::<std::ops::Range<u8>>::SHAPE);
    let TypeRef::List(range) = schema.root else {
        panic!("{schema:?}")
    };
    assert!(matches!(*range, TypeRef::Refused(name) if name.starts_with("Range")));
}
