//! The parts of a script as bytes, in both directions: the fuzzer changes the bytes, and seeds are written from
//! scripts.
//!
//! - PT1: any bytes can be read; what is missing reads as zero.
//! - PT2: what was written reads as the same part.

/// The bytes that are not read yet.
pub struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub fn is_over(&self) -> bool {
        self.0.is_empty()
    }

    /// The next byte (PT1).
    pub fn byte(&mut self) -> u8 {
        match self.0 {
            [] => 0,
            [next, rest @ ..] => {
                self.0 = rest;
                *next
            }
        }
    }
}

/// A part of a script.
pub trait Part: Sized {
    fn read(input: &mut Input<'_>) -> Self;
    fn write(&self, out: &mut Vec<u8>);
}

impl Part for u8 {
    fn read(input: &mut Input<'_>) -> Self {
        input.byte()
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.push(*self);
    }
}

impl Part for bool {
    fn read(input: &mut Input<'_>) -> Self {
        input.byte() % 2 == 1
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.push((*self).into());
    }
}

/// A number that is mostly small or near a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Number(pub u32);

/// The first byte of a number that is not itself the number: then those of [`LIMITS`] in turn, and after them one that
/// four bytes follow.
const DIRECT: u8 = 200;

/// Sizes of windows, payloads and counts of the sessions here and of the protocol, and the ends of number ranges.
const LIMITS: [u32; 24] = [
    255,
    256,
    257,
    1000,
    1 << 10,
    2 << 10,
    4095,
    4 << 10,
    4097,
    8 << 10,
    (8 << 10) + 1,
    16 << 10,
    32 << 10,
    (32 << 10) + 1,
    64 << 10,
    (64 << 10) + 1,
    1 << 20,
    1 << 24,
    (1 << 31) - 1,
    1 << 31,
    u32::MAX - 256,
    u32::MAX - 7,
    u32::MAX - 1,
    u32::MAX,
];

impl Part for Number {
    fn read(input: &mut Input<'_>) -> Self {
        let first = input.byte();
        match first.checked_sub(DIRECT) {
            None => Self(first.into()),
            Some(limit) => Self(match LIMITS.get(usize::from(limit)) {
                Some(limit) => *limit,
                None => u32::from_le_bytes([(); 4].map(|()| input.byte())),
            }),
        }
    }

    fn write(&self, out: &mut Vec<u8>) {
        let limit = (DIRECT..).zip(LIMITS).find(|(_, limit)| *limit == self.0);
        match (u8::try_from(self.0), limit) {
            (Ok(direct), _) if direct < DIRECT => out.push(direct),
            (_, Some((byte, _))) => out.push(byte),
            _ => {
                out.push(u8::MAX);
                out.extend(self.0.to_le_bytes());
            }
        }
    }
}

/// Any bytes, few of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bytes(pub Vec<u8>);

const MOST_BYTES: usize = 64;

impl Part for Bytes {
    fn read(input: &mut Input<'_>) -> Self {
        let len = usize::from(input.byte()) % (MOST_BYTES + 1);
        Self((0..len).map(|_| input.byte()).collect())
    }

    fn write(&self, out: &mut Vec<u8>) {
        let few = &self.0[..self.0.len().min(MOST_BYTES)];
        out.push(few.len() as u8);
        out.extend(few);
    }
}

/// Reads to the end of the input, but not more than a run can carry out.
impl<T: Part> Part for Vec<T> {
    fn read(input: &mut Input<'_>) -> Self {
        let mut all = Self::new();
        while all.len() < MOST_PARTS && !input.is_over() {
            all.push(T::read(input));
        }
        all
    }

    fn write(&self, out: &mut Vec<u8>) {
        self.iter().for_each(|part| part.write(out));
    }
}

const MOST_PARTS: usize = 60;

/// Defines enums that are parts: a byte for the variant, then its fields.
macro_rules! parts {
    ($(
        $(#[$about:meta])*
        pub enum $name:ident {
            $($(#[$what:meta])* $variant:ident $({ $($field:ident: $kind:ty),+ $(,)? })?,)+
        }
    )+) => {$(
        $(#[$about])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum $name {
            $($(#[$what])* $variant $({ $($field: $kind),+ })?,)+
        }

        impl $crate::part::Part for $name {
            fn read(input: &mut $crate::part::Input<'_>) -> Self {
                let variants: &[fn(&mut $crate::part::Input<'_>) -> Self] = &[$(
                    |_input| Self::$variant $({ $($field: $crate::part::Part::read(_input)),+ })?
                ),+];
                variants[usize::from(input.byte()) % variants.len()](input)
            }

            fn write(&self, out: &mut Vec<u8>) {
                enum Number { $($variant),+ }
                match self {$(
                    Self::$variant $({ $($field),+ })? => {
                        out.push(Number::$variant as u8);
                        $($($crate::part::Part::write($field, out);)+)?
                    }
                )+}
            }
        }
    )+};
}
pub(crate) use parts;
