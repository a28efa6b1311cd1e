//! Scripts as bytes, both ways: a fuzzer mutates the bytes, and unit tests write seeds.
//!
//! - SD1: any bytes decode to a script. Missing bytes are zero.
//! - SD2: decoding an encoded script gives the same script.
//!
//! One table defines both directions, since the seeds need an encoder, which `arbitrary` does not have.

/// Bytes being decoded.
pub(crate) struct Bytes<'a>(&'a [u8]);

/// A part of a script.
pub(crate) trait Operand {
    fn take(bytes: &mut Bytes<'_>) -> Self;
    #[cfg_attr(
        not(test),
        allow(dead_code, reason = "seeds are written by unit tests")
    )]
    fn put(&self, out: &mut Vec<u8>);
}

impl<'a> Bytes<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes the next byte (SD1).
    pub(crate) fn next(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else {
            return 0;
        };
        self.0 = rest;
        *first
    }
}

/// A number for which small values and edges are likely.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Number(pub(crate) u32);

impl Operand for Number {
    fn take(bytes: &mut Bytes<'_>) -> Self {
        let first = bytes.next();
        let edge = EDGES.get(usize::from(first).wrapping_sub(usize::from(SMALL)));
        Self(match edge {
            Some(&edge) => edge,
            None if first < SMALL => u32::from(first),
            None => u32::from_le_bytes([(); 4].map(|()| bytes.next())),
        })
    }

    fn put(&self, out: &mut Vec<u8>) {
        match u8::try_from(self.0) {
            Ok(small) if small < SMALL => out.push(small),
            _ => {
                out.push(u8::MAX);
                out.extend(self.0.to_le_bytes());
            }
        }
    }
}

impl Operand for u8 {
    fn take(bytes: &mut Bytes<'_>) -> Self {
        bytes.next()
    }

    fn put(&self, out: &mut Vec<u8>) {
        out.push(*self);
    }
}

impl Operand for i8 {
    fn take(bytes: &mut Bytes<'_>) -> Self {
        bytes.next().cast_signed()
    }

    fn put(&self, out: &mut Vec<u8>) {
        out.push(self.cast_unsigned());
    }
}

impl Operand for bool {
    fn take(bytes: &mut Bytes<'_>) -> Self {
        bytes.next() & 1 == 1
    }

    fn put(&self, out: &mut Vec<u8>) {
        out.push(u8::from(*self));
    }
}

impl Operand for [u64; 8] {
    fn take(bytes: &mut Bytes<'_>) -> Self {
        [(); 8].map(|()| u64::from_le_bytes([(); 8].map(|()| bytes.next())))
    }

    fn put(&self, out: &mut Vec<u8>) {
        self.iter().for_each(|word| out.extend(word.to_le_bytes()));
    }
}

/// Takes all remaining bytes, but no more than a run can process in reasonable time.
impl<T: Operand> Operand for Vec<T> {
    fn take(bytes: &mut Bytes<'_>) -> Self {
        let mut steps = Vec::new();
        while !bytes.is_empty() && steps.len() < MAX_STEPS {
            steps.push(T::take(bytes));
        }
        steps
    }

    fn put(&self, out: &mut Vec<u8>) {
        self.iter().for_each(|step| step.put(out));
    }
}

/// Defines enums and structs of operands. An enum is encoded as its variant's number, and the fields.
macro_rules! operands {
    ($($(#[$doc:meta])* enum $name:ident {
        $($(#[$variant_doc:meta])* $variant:ident { $($field:ident: $kind:ty),* },)+
    })+) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub(crate) enum $name {
            $($(#[$variant_doc])* $variant { $($field: $kind),* },)+
        }

        impl $crate::testing::hostile::codec::Operand for $name {
            fn take(bytes: &mut $crate::testing::hostile::codec::Bytes<'_>) -> Self {
                enum Tag { $($variant),+ }
                let count = [$(Tag::$variant),+].len();
                let tag = usize::from(bytes.next()) % count;
                $(if tag == Tag::$variant as usize {
                    return Self::$variant {
                        $($field: $crate::testing::hostile::codec::Operand::take(bytes)),*
                    };
                })+
                unreachable!("a tag is less than the count");
            }

            fn put(&self, out: &mut Vec<u8>) {
                enum Tag { $($variant),+ }
                match self {
                    $(Self::$variant { $($field),* } => {
                        out.push(Tag::$variant as u8);
                        $($crate::testing::hostile::codec::Operand::put($field, out);)*
                    })+
                }
            }
        }
    )+};
}
pub(crate) use operands;

/// Decodes all of `bytes`.
pub(crate) fn decode<T: Operand>(bytes: &[u8]) -> T {
    T::take(&mut Bytes::new(bytes))
}

/// Encodes a script.
#[cfg(test)]
pub(crate) fn encode(script: &impl Operand) -> Vec<u8> {
    let mut out = Vec::new();
    script.put(&mut out);
    out
}

/// One byte below this encodes itself.
const SMALL: u8 = 0xE0;
/// Values at which sizes, counts and signs change.
const EDGES: [u32; 16] = [
    u32::MAX,
    u32::MAX - 1,
    1 << 31,
    (1 << 31) - 1,
    1 << 30,
    1 << 16,
    1 << 20,
    (1 << 20) - 1,
    (1 << 20) + 1,
    4096,
    4095,
    4097,
    1000,
    0x0101_0101,
    u32::MAX - 63,
    u32::MAX - 8,
];
const MAX_STEPS: usize = 200;
