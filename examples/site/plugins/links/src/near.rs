//! Suggests the target that was probably meant.

/// Returns the candidate most similar to `wrong`, if it is similar enough to suggest. Of equals, the first.
pub(crate) fn nearest<'a>(
    wrong: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let mut best = None;
    let mut best_likeness = NEAR_ENOUGH;
    let wrong = bare(wrong);
    for candidate in candidates {
        let likeness = strsim::normalized_damerau_levenshtein(wrong, bare(candidate));
        if likeness > best_likeness {
            best = Some(candidate);
            best_likeness = likeness;
        }
    }
    best
}

/// Removes the part that all pages have in common.
fn bare(text: &str) -> &str {
    text.strip_suffix(".html").unwrap_or(text)
}

/// The least similarity, out of 1: two letters of five may differ. Below that, suggestions confuse more than
/// they help.
const NEAR_ENOUGH: f64 = 0.6;

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_typo_is_found_and_an_unrelated_path_is_not() {
        let places = ["the-match-construct", "if-let", "references"];
        assert_eq!(
            nearest("the-mach-construct", places),
            Some("the-match-construct")
        );
        assert_eq!(nearest("installation", places), None);
        assert_eq!(nearest("bad.html", ["a.html"]), None);
    }

    #[test]
    fn of_equals_the_first_is_taken() {
        assert_eq!(nearest("page-1", ["page-2", "page-3"]), Some("page-2"));
    }
}
