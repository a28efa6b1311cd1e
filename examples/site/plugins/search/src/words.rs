//! From text to the words that it is found by.
//!
//! The search box does the same to what is typed, so both must agree:
//!
//! - W1: compatibility decomposition, marks left out, lower case: `Über` is found by `uber`.
//! - W2: a word is a run of letters and digits; `read_line` is two.
//! - W3: Chinese and Japanese characters are words by themselves.
//! - W4: a run of more than [`LONGEST`] characters is no word.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// The longest run of characters that is taken for a word.
pub(crate) const LONGEST: usize = 40;

/// The words of a text, in order.
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

/// Hiragana, Katakana and the common ideographs.
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
    fn what_no_one_types_is_left_out() {
        assert_eq!(words(&format!("{} b", "a".repeat(LONGEST + 1))), ["b"]);
        assert_eq!(words(&"a".repeat(LONGEST)).len(), 1);
    }
}
