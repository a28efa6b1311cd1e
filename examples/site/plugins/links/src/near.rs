//! What was probably meant.

/// The candidate most like `wrong`, if one is near enough to be worth showing. Of equals, the first.
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

/// Without what all pages have in common.
fn bare(text: &str) -> &str {
    text.strip_suffix(".html").unwrap_or(text)
}

/// Of 1: two letters of five may differ. Below that, suggestions puzzle more than they help.
const NEAR_ENOUGH: f64 = 0.6;

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_slip_of_the_pen_is_found_and_a_stranger_is_not() {
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
