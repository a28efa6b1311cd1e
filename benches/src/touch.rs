//! Writing and summing every byte of a buffer.

/// Writes bytes that follow from a seed over all of a buffer, and gives their sum.
pub fn write(buffer: &mut [u8], seed: u8) -> u64 {
    let mut sum = 0;
    for (index, byte) in buffer.iter_mut().enumerate() {
        *byte = (index as u8).wrapping_add(seed);
        sum += u64::from(*byte);
    }
    sum
}

/// The sum of all bytes.
#[must_use]
pub fn sum(buffer: &[u8]) -> u64 {
    buffer.iter().map(|byte| u64::from(*byte)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_what_is_summed_up() {
        let mut buffer = vec![0; 1000];
        let written = write(&mut buffer, 9);
        assert_eq!(written, sum(&buffer));
        buffer[500] ^= 1;
        assert_ne!(written, sum(&buffer));
    }
}
