//! Bytes that can be recognised when they come back.

/// `size` bytes of which no two neighbours are alike, so that a shift or a hole shows.
#[must_use]
pub fn payload(size: usize) -> Vec<u8> {
    (0..size).map(byte).collect()
}

/// Writes a number over the first eight bytes, or as many as there are.
pub fn stamp(payload: &mut [u8], number: u64) {
    let number = number.to_le_bytes();
    let len = payload.len().min(number.len());
    payload[..len].copy_from_slice(&number[..len]);
}

/// Checks the number and the length.
///
/// # Errors
/// The fault.
pub fn check_stamp(back: &[u8], size: usize, number: u64) -> Result<(), String> {
    let stamp = number.to_le_bytes();
    let len = size.min(stamp.len());
    if back.len() == size && back[..len] == stamp[..len] {
        return Ok(());
    }
    Err(format!(
        "operation {number} of {size} bytes came back as {} others",
        back.len()
    ))
}

/// Checks every byte.
///
/// # Errors
/// The fault.
pub fn check(back: &[u8], size: usize, number: u64) -> Result<(), String> {
    check_stamp(back, size, number)?;
    let after = back.iter().enumerate().skip(8);
    for (index, found) in after {
        if *found != byte(index) {
            return Err(format!("operation {number}: byte {index} is another"));
        }
    }
    Ok(())
}

/// Both neighbours, pages and powers of two differ: the period is a prime.
fn byte(index: usize) -> u8 {
    (index % 251) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_back_unchanged_passes() {
        for size in [0, 3, 8, 9, 5000] {
            let mut bytes = payload(size);
            stamp(&mut bytes, 7);
            check(&bytes, size, 7).unwrap();
        }
    }

    #[test]
    fn another_number_length_or_byte_is_found() {
        let mut bytes = payload(5000);
        stamp(&mut bytes, 7);
        assert!(check(&bytes, 5000, 8).is_err());
        assert!(check(&bytes[..4999], 5000, 7).is_err());
        bytes[4999] ^= 1;
        assert!(check(&bytes, 5000, 7).is_err());
        assert!(check_stamp(&bytes, 5000, 7).is_ok());
    }
}
