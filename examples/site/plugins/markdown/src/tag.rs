//! Splits raw HTML into text and tags.
//!
//! - T1: the pieces, joined again, are the input without its comments.
//! - T2: input that does not parse as a tag is text.

use std::borrow::Cow;

/// A piece of raw HTML.
#[derive(Debug, PartialEq)]
pub(crate) enum Piece<'a> {
    Text(&'a str),
    Tag(Tag<'a>),
}

/// One tag.
#[derive(Debug, PartialEq)]
pub(crate) struct Tag<'a> {
    /// The source text, including angle brackets.
    pub(crate) source: &'a str,
    pub(crate) name: &'a str,
    /// Whether it is `</name>`.
    pub(crate) closing: bool,
    /// Attributes in order; values have no quotes, and common entities are decoded.
    pub(crate) attributes: Vec<(&'a str, Cow<'a, str>)>,
}

impl Tag<'_> {
    pub(crate) fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }

    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_ref())
    }
}

/// Splits a fragment into pieces.
pub(crate) fn pieces(fragment: &str) -> Pieces<'_> {
    Pieces { rest: fragment }
}

pub(crate) struct Pieces<'a> {
    rest: &'a str,
}

impl<'a> Iterator for Pieces<'a> {
    type Item = Piece<'a>;

    fn next(&mut self) -> Option<Piece<'a>> {
        while self.rest.starts_with("<!--") {
            let end = self.rest.find("-->").map_or(self.rest.len(), |at| at + 3);
            self.rest = &self.rest[end..];
        }
        if self.rest.is_empty() {
            return None;
        }
        if let Some(tag) = parse(self.rest) {
            self.rest = &self.rest[tag.source.len()..];
            return Some(Piece::Tag(tag));
        }
        // At least one character; otherwise a lone `<` would loop forever.
        let first = self.rest.chars().next().map_or(0, char::len_utf8);
        let end = self.rest[first..]
            .find('<')
            .map_or(self.rest.len(), |at| first + at);
        let (text, rest) = self.rest.split_at(end);
        self.rest = rest;
        Some(Piece::Text(text))
    }
}

/// Parses the tag that `text` starts with.
fn parse(text: &str) -> Option<Tag<'_>> {
    let after = text.strip_prefix('<')?;
    let (closing, after) = match after.strip_prefix('/') {
        Some(after) => (true, after),
        None => (false, after),
    };
    if !after.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return None;
    }
    let (name, mut rest) = split_at(after, |c| {
        !(c.is_ascii_alphanumeric() || c == '-' || c == ':')
    });
    let mut attributes = Vec::new();
    loop {
        rest = rest.trim_start();
        if let Some(after) = rest.strip_prefix('/') {
            rest = after;
        } else if let Some(after) = rest.strip_prefix('>') {
            let source = &text[..text.len() - after.len()];
            return Some(Tag {
                source,
                name,
                closing,
                attributes,
            });
        } else {
            let (attribute, after) = parse_attribute(rest)?;
            attributes.push(attribute);
            rest = after;
        }
    }
}

fn parse_attribute(text: &str) -> Option<((&str, Cow<'_, str>), &str)> {
    let (key, rest) = split_at(text, |c| c.is_whitespace() || "=>/\"'<".contains(c));
    if key.is_empty() {
        return None;
    }
    let Some(rest) = rest.trim_start().strip_prefix('=') else {
        return Some(((key, Cow::Borrowed("")), rest));
    };
    let rest = rest.trim_start();
    let (value, rest) = match rest.chars().next()? {
        quote @ ('"' | '\'') => rest[1..].split_once(quote)?,
        _ => split_at(rest, |c| c.is_whitespace() || c == '>'),
    };
    Some(((key, unescape(value)), rest))
}

fn split_at(text: &str, end: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(end).unwrap_or(text.len()))
}

fn unescape(value: &str) -> Cow<'_, str> {
    if !value.contains('&') {
        return Cow::Borrowed(value);
    }
    let plain = value
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&#39;", "'")
        .replace("&amp;", "&");
    Cow::Owned(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn only(text: &str) -> Tag<'_> {
        match pieces(text).next() {
            Some(Piece::Tag(tag)) => tag,
            other => panic!("no tag but {other:?}"),
        }
    }

    #[test]
    fn attributes_in_every_spelling() {
        let tag = only(r#"<img src="a b.png" alt='it&#39;s &lt;x&gt;' width=5 hidden />"#);
        assert!(tag.is("IMG") && !tag.closing);
        assert_eq!(tag.attribute("src"), Some("a b.png"));
        assert_eq!(tag.attribute("ALT"), Some("it's <x>"));
        assert_eq!(tag.attribute("width"), Some("5"));
        assert_eq!(tag.attribute("hidden"), Some(""));
    }

    #[test]
    fn a_quoted_bracket_does_not_end_the_tag() {
        let tag = only("<Listing caption=\"a `Vec<T>` of\nthings\">rest");
        assert_eq!(tag.attribute("caption"), Some("a `Vec<T>` of\nthings"));
    }

    #[test]
    fn everything_but_comments_comes_out_again() {
        let source = "a < b <!-- no --><i class=x>t</i> &amp; <3 <unfinished \u{fc}";
        let again: String = pieces(source)
            .map(|piece| match piece {
                Piece::Text(text) => text,
                Piece::Tag(tag) => tag.source,
            })
            .collect();
        assert_eq!(again, source.replace("<!-- no -->", ""));
    }

    #[test]
    fn an_unfinished_comment_swallows_the_rest() {
        assert_eq!(pieces("<!-- x").next(), None);
    }
}
