//! Maps byte offsets to lines.

/// Where each line of a text starts.
pub(crate) struct Lines {
    starts: Vec<usize>,
}

impl Lines {
    pub(crate) fn new(text: &str) -> Self {
        let starts = std::iter::once(0)
            .chain(text.match_indices('\n').map(|(at, _)| at + 1))
            .collect();
        Self { starts }
    }

    /// Returns the line, counted from 1, that contains the byte at `offset`.
    pub(crate) fn at(&self, offset: usize) -> u32 {
        let line = self.starts.partition_point(|&start| start <= offset);
        u32::try_from(line).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_holds_its_own_end() {
        let lines = Lines::new("ab\ncd\n");
        let at: Vec<u32> = (0..7).map(|offset| lines.at(offset)).collect();
        assert_eq!(at, [1, 1, 1, 2, 2, 2, 3]);
    }
}
