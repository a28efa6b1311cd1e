//! The bytes are those of postcard, both ways: serde's `postcard` and `facet-postcard` write the same bytes and read
//! ours.

mod common;

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use common::oracle::{agrees, agrees_with_serde};
use common::*;
use proptest::prelude::*;
use rapace_codec::{Limits, Reader, Writer, from_slice, to_vec};

proptest! {
    #[test]
    fn scalars_agree(value in scalars()) {
        agrees(&value);
    }

    #[test]
    fn shapes_agree(value in shape()) {
        agrees(&value);
    }

    #[test]
    fn codes_agree(value in code()) {
        agrees(&value);
    }

    #[test]
    fn nested_values_agree(value in nested()) {
        agrees(&value);
    }

    #[test]
    fn collections_agree(value in collections()) {
        agrees(&value);
    }

    /// facet-postcard reads another duration than was written, so it is no oracle for these.
    #[test]
    fn texts_and_durations_agree_with_serde(value in texts()) {
        agrees_with_serde(&value);
    }

    #[test]
    fn a_row_of_values_is_their_tuple(a in texts(), b in nested(), c: u32) {
        let (mut bytes, mut blobs) = (Vec::new(), Vec::new());
        let mut writer = Writer::vec(&mut bytes, &mut blobs);
        writer.write(&a).unwrap();
        writer.write(&b).unwrap();
        writer.write(&c).unwrap();
        prop_assert_eq!(&bytes, &postcard::to_allocvec(&(&a, &b, c)).unwrap());

        let mut reader = Reader::new(&bytes, &blobs, Limits::default());
        prop_assert_eq!(reader.read::<Texts>().unwrap(), a);
        prop_assert_eq!(reader.read::<Nested>().unwrap(), b);
        prop_assert_eq!(reader.read::<u32>().unwrap(), c);
        reader.finish().unwrap();
    }
}

#[test]
fn single_values_agree() {
    agrees(&());
    agrees(&true);
    agrees(&'ß');
    agrees(&u128::MAX);
    agrees(&i128::MIN);
    agrees(&f64::NEG_INFINITY);
    agrees(&String::new());
    agrees(&Some(Box::new(7_u64)));
    agrees(&vec![(); 9]);
    agrees(&[[(); 3]; 2]);
    agrees(&vec![[0_u32; 0]; 5]);
    agrees(&vec![Box::new(()); 5]);
    agrees(&vec![[Box::new(()), Box::new(())]; 5]);
    agrees_with_serde(&std::marker::PhantomData::<String>);
    agrees(&BTreeMap::from([((), ())]));
    agrees(&HashSet::from(["a".to_owned()]));
    agrees(&Ok::<(), u8>(()));
    agrees(&Err::<Vec<u8>, i16>(-3));
    agrees(&(1_u8, (2_u8, [3_u8; 4]), 5.0_f32));
    agrees_with_serde(&Duration::MAX);
    agrees_with_serde(&Duration::from_millis(1_500));
}

#[test]
fn an_array_of_nothing_takes_no_time() {
    assert_eq!(to_vec(&[(); usize::MAX]).unwrap().0, []);
    assert_eq!(
        from_slice::<Vec<[(); usize::MAX]>>(&[3], &[])
            .unwrap()
            .len(),
        3
    );
}

#[test]
fn not_a_number_keeps_its_bits() {
    let value = vec![f32::from_bits(0x7fc0_1234), f32::from_bits(0xffff_ffff)];
    let (bytes, _) = to_vec(&value).unwrap();
    assert_eq!(bytes, postcard::to_allocvec(&value).unwrap());
    let back: Vec<f32> = from_slice(&bytes, &[]).unwrap();
    assert!(
        back.iter()
            .zip(&value)
            .all(|(back, value)| back.to_bits() == value.to_bits())
    );
}

#[test]
fn long_lists_outgrow_the_room_they_started_with() {
    // One byte each when `None`, far more in memory: the list starts small and grows.
    let mut value: Vec<Option<[u64; 32]>> = vec![None; 3_000];
    value[2_999] = Some([u64::MAX; 32]);
    let (bytes, _) = to_vec(&value).unwrap();
    assert_eq!(
        from_slice::<Vec<Option<[u64; 32]>>>(&bytes, &[]).unwrap(),
        value
    );

    let map: BTreeMap<u32, String> = (0..1_000).map(|n| (n, n.to_string())).collect();
    agrees(&map);
}
