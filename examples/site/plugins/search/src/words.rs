//! Splits text into searchable words.
//!
//! The search box does the same with the query, so both must agree:
//!
//! - W1: text is decomposed (NFKD), marks are dropped and letters lower-cased: `uber` finds `Über`.
//! - W2: a word is a run of letters and digits; `read_line` is two.
//! - W3: each Chinese or Japanese character is a word.
//! - W4: a run of more than [`LONGEST`] characters is not a word.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// The longest run of characters that counts as a word.
pub(crate) const LONGEST: usize = 40;

/// Returns the words of a text, in order.
pub(crate) fn words(text: &str) -> Vec<String> {
    let mut words = Words::default();
    for c in text
        .nfkd()
        .filter(|&c| !is_combining_mark(c))
        .flat_map(char::to_lowercase)
    {
        if is_character_word(c) {
            words.end();
            words.open.push(c);
            words.end();
        } else if c.is_alphanumeric() {
            words.open.push(c);
        } else {
            words.end();
        }
    }
    words.end();
    words.done
}

#[derive(Default)]
struct Words {
    done: Vec<String>,
    open: String,
}

impl Words {
    fn end(&mut self) {
        let word = std::mem::take(&mut self.open);
        if !word.is_empty() && word.chars().count() <= LONGEST {
            self.done.push(word);
        }
    }
}

/// Whether it is Hiragana, Katakana or a common ideograph.
fn is_character_word(c: char) -> bool {
    matches!(c, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_folded_and_split() {
        assert_eq!(
            words("Über-Größe, read_line() x2!"),
            ["uber", "große", "read", "line", "x2"]
        );
        assert_eq!(words("ﬁne Ａ１"), ["fine", "a1"]);
        assert!(words(" -- ").is_empty());
    }

    #[test]
    fn ideographs_are_words_by_themselves() {
        assert_eq!(words("abc中文x"), ["abc", "中", "文", "x"]);
    }

    #[test]
    fn runs_that_nobody_types_are_left_out() {
        assert_eq!(words(&format!("{} b", "a".repeat(LONGEST + 1))), ["b"]);
        assert_eq!(words(&"a".repeat(LONGEST)).len(), 1);
    }
}
