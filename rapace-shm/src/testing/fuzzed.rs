//! Random scripts, without a fuzzer's guidance: the same steps, and the same assertions.

use proptest::prelude::*;

use crate::testing::hostile::codec::{decode, encode};
use crate::testing::hostile::{handshake, harness, steps};

fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(cases)
    }
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(prop_oneof![0..16_u8, any::<u8>()], 1..300)
}

proptest! {
    #![proptest_config(cases(400))]

    #[test]
    fn no_script_makes_an_assertion_of_the_harness_fail(bytes in bytes()) {
        let script: steps::Script = decode(&bytes);
        harness::run(&script);
    }

    #[test]
    fn what_was_encoded_is_decoded(bytes in bytes()) {
        let script: steps::Script = decode(&bytes);
        prop_assert_eq!(decode::<steps::Script>(&encode(&script)), script);
        let script: handshake::Script = decode(&bytes);
        prop_assert_eq!(decode::<handshake::Script>(&encode(&script)), script);
    }
}

proptest! {
    #![proptest_config(cases(200))]

    #[test]
    fn no_handshake_peer_gets_further_than_it_should(bytes in bytes()) {
        let script: handshake::Script = decode(&bytes);
        let _ = handshake::run(&script);
    }
}
