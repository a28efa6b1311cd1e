//! The tree of pages.
//!
//! - SB1: chapters with subchapters can be collapsed; those that contain the page are expanded.

use super::Shown;
use crate::navigation::{Chapter, Item};
use crate::path::encode;

pub(super) fn sidebar(shown: &Shown<'_>, root: &str) -> String {
    let mut html = String::new();
    let mut in_list = false;
    for item in &shown.site.navigation.items {
        let is_chapter = matches!(item, Item::Chapter(_));
        if is_chapter != in_list {
            html.push_str(if is_chapter { "<ol>\n" } else { "</ol>\n" });
            in_list = is_chapter;
        }
        match item {
            Item::Chapter(top) => chapter(shown, root, top, &mut html),
            Item::Part(title) => html.push_str(&format!("<p class=\"part\">{title}</p>\n")),
            Item::Rule => html.push_str("<hr>\n"),
        }
    }
    if in_list {
        html.push_str("</ol>\n");
    }
    if let Some(contents) = shown.site.navigation.contents {
        let address = encode(&shown.site.content.pages[contents].output);
        let current = if contents == shown.page {
            " aria-current=\"page\""
        } else {
            ""
        };
        html.push_str(&format!(
            "<hr>\n<ol>\n<li><a href=\"{root}{address}\"{current}><span>All contents</span></a></li>\n</ol>\n"
        ));
    }
    html
}

fn chapter(shown: &Shown<'_>, root: &str, chapter: &Chapter, html: &mut String) {
    html.push_str("<li>");
    let label = label(shown, root, chapter);
    if chapter.chapters.is_empty() {
        html.push_str(&label);
    } else {
        let open = if chapter.holds(shown.page) {
            " open"
        } else {
            ""
        };
        html.push_str(&format!(
            "<details{open}><summary>{label}</summary>\n<ol>\n"
        ));
        for inner in &chapter.chapters {
            self::chapter(shown, root, inner, html);
        }
        html.push_str("</ol>\n</details>");
    }
    html.push_str("</li>\n");
}

fn label(shown: &Shown<'_>, root: &str, chapter: &Chapter) -> String {
    let number = match chapter.number.as_str() {
        "" => String::new(),
        number => format!("<span class=\"number\">{number}</span>"),
    };
    let title = &chapter.title;
    match chapter.page {
        None => format!("<span class=\"draft\">{number}<span>{title}</span></span>"),
        Some(page) => {
            let address = encode(&shown.site.content.pages[page].output);
            let current = if page == shown.page {
                " aria-current=\"page\""
            } else {
                ""
            };
            format!("<a href=\"{root}{address}\"{current}>{number}<span>{title}</span></a>")
        }
    }
}
