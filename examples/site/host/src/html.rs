//! HTML escaping.

/// Appends text, escaped for an element or an attribute in double quotes.
pub(crate) fn escape_into(html: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            c => html.push(c),
        }
    }
}

/// Returns text escaped for an element or an attribute in double quotes.
pub(crate) fn escape(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    escape_into(&mut html, text);
    html
}

/// Renders a one-line title: only `code` is markup.
pub(crate) fn title(markdown: &str) -> String {
    let mut html = String::with_capacity(markdown.len());
    let pieces: Vec<&str> = markdown.split('`').collect();
    // An unpaired last backtick is literal.
    let paired = if pieces.len() % 2 == 1 {
        pieces.len()
    } else {
        pieces.len() - 1
    };
    for (at, piece) in pieces.iter().enumerate() {
        if at >= paired {
            html.push('`');
            escape_into(&mut html, piece);
        } else if at % 2 == 1 {
            html.push_str("<code>");
            escape_into(&mut html, piece);
            html.push_str("</code>");
        } else {
            escape_into(&mut html, piece);
        }
    }
    html
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_may_hold_code() {
        assert_eq!(
            title("The `Vec<T>` & `x`"),
            "The <code>Vec&lt;T&gt;</code> &amp; <code>x</code>"
        );
        assert_eq!(title("a ` b"), "a ` b");
        assert_eq!(title("`a` ` b"), "<code>a</code> ` b");
    }
}
