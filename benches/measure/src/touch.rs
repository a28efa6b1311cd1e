//! Work on every byte: each side writes every byte of the payload that it sends, and sums up every byte of the payload
//! that it receives.
//!
//! - U1: the first bytes of a payload are its head: one number, repeated. In a request it is the request's number; in an
//!   answer it is the sum of the request's other bytes, as 64-bit words, so the caller can tell that all of them were
//!   read. The head is as long as a cache line, so the other bytes have the same alignment as the payload.
//! - U2: the other bytes are computed from the request's number, in an answer by another rule than in a request. So a
//!   request that is sent back as its own answer is detected.
//! - U3: both passes are as fast as the processor's memory, so that the transport is measured and not the work.

use std::mem::MaybeUninit;

/// Bytes of the head (U1). A payload is longer.
pub const HEAD: usize = 64;

/// A place for a byte, initialised or not.
pub trait Place {
    /// Writes it.
    fn put(&mut self, byte: u8);
}

impl Place for u8 {
    fn put(&mut self, byte: u8) {
        *self = byte;
    }
}

impl Place for MaybeUninit<u8> {
    fn put(&mut self, byte: u8) {
        self.write(byte);
    }
}

/// Writes the request of that number over all of `places`.
pub fn ask<P: Place>(places: &mut [P], number: u64) {
    write(places, number, seed(number));
}

/// Reads all of a request, and writes its answer over all of `places`.
pub fn answer<P: Place>(request: &[u8], places: &mut [P]) {
    let (number, sum) = (head(request), sum(body(request)));
    write(places, sum, !seed(number));
}

/// The same, in place of the request.
pub fn answer_in_place(payload: &mut [u8]) {
    let (number, sum) = (head(payload), sum(body(payload)));
    write(payload, sum, !seed(number));
}

/// Reads all of an answer. Returns whether it is the answer to the request of that number and size.
///
/// # Errors
/// The fault.
pub fn check(back: &[u8], size: usize, number: u64) -> Result<(), String> {
    if size <= HEAD || back.len() != size {
        let len = back.len();
        return Err(format!(
            "call {number}: {len} bytes came back of {size}, of which {HEAD} are the head"
        ));
    }
    let (there, here) = (head(back), sum(body(back)));
    let seed = seed(number);
    if there != expected(size - HEAD, seed) {
        return Err(format!("call {number}: the request was summed up wrongly"));
    }
    if here != expected(size - HEAD, !seed) {
        return Err(format!("call {number}: the answer is another's"));
    }
    Ok(())
}

/// The sum of all bytes, as 64-bit words; the bytes after the last whole word are added one by one.
#[must_use]
pub fn sum(bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<8>();
    let words = words.iter().map(|word| u64::from_le_bytes(*word));
    let rest = rest.iter().map(|byte| u64::from(*byte));
    words.chain(rest).fold(0, u64::wrapping_add)
}

fn seed(number: u64) -> u8 {
    number as u8
}

fn byte(index: usize, seed: u8) -> u8 {
    (index as u8).wrapping_add(seed)
}

fn write<P: Place>(places: &mut [P], head: u64, seed: u8) {
    let (first, rest) = places.split_at_mut(HEAD.min(places.len()));
    for (place, byte) in first.iter_mut().zip(head.to_le_bytes().into_iter().cycle()) {
        place.put(byte);
    }
    for (index, place) in rest.iter_mut().enumerate() {
        place.put(byte(index, seed));
    }
}

fn head(payload: &[u8]) -> u64 {
    payload
        .first_chunk()
        .map_or(0, |head| u64::from_le_bytes(*head))
}

fn body(payload: &[u8]) -> &[u8] {
    payload.get(HEAD..).unwrap_or_default()
}

/// The sum of this many bytes, without writing them: the pattern repeats after 256 bytes.
fn expected(len: usize, seed: u8) -> u64 {
    let mut period = [0_u8; 256];
    for (index, place) in period.iter_mut().enumerate() {
        *place = byte(index, seed);
    }
    let whole = sum(&period).wrapping_mul((len / period.len()) as u64);
    whole.wrapping_add(sum(&period[..len % period.len()]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(size: usize, number: u64) -> Vec<u8> {
        let mut payload = vec![0; size];
        ask(&mut payload, number);
        payload
    }

    #[test]
    fn an_answer_to_what_was_asked_passes_wherever_it_was_written() {
        for size in [65, 72, 128, 319, 320, 321, 5000] {
            for number in [0, 7, 255, 1 << 40] {
                let mut payload = request(size, number);
                let mut back = vec![0; size];
                answer(&payload, &mut back);
                answer_in_place(&mut payload);
                check(&payload, size, number).unwrap();
                assert_eq!(payload, back);
            }
        }
    }

    #[test]
    fn a_byte_that_changed_on_either_way_is_found() {
        let changed = |index: usize, there: bool| {
            let mut payload = request(1000, 3);
            payload[index] ^= u8::from(there);
            answer_in_place(&mut payload);
            payload[index] ^= u8::from(!there);
            check(&payload, 1000, 3)
        };
        for index in [0, 64, 500, 999] {
            assert!(changed(index, true).is_err(), "{index} there");
            assert!(changed(index, false).is_err(), "{index} back");
        }
    }

    #[test]
    fn a_request_that_came_back_is_no_answer() {
        assert!(check(&request(1000, 3), 1000, 3).is_err());
        let mut other = request(1000, 4);
        answer_in_place(&mut other);
        assert!(check(&other, 1000, 3).is_err());
        assert!(check(&other, 999, 4).is_err());
    }
}
