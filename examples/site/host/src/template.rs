//! The HTML of a page, around its body.
//!
//! - T1: every URL is relative, so that the site works from disk and from any folder of a server.
//! - T2: only search, the copy button and the colour switch need scripts.

mod code;
mod picture;
mod sidebar;

pub(crate) use code::code;
pub(crate) use picture::{Known, Picture, Variant, picture};

use site_api::markdown::Heading;

use crate::content::OWN_FOLDER;
use crate::html::{escape, escape_into};
use crate::path::{encode, to_root};
use crate::site::Site;

/// What a page shows.
pub(crate) struct Shown<'a> {
    pub(crate) site: &'a Site,
    /// The page, as an index into [`Content::pages`](crate::content::Content::pages).
    pub(crate) page: usize,
    /// Its output path: its own, or the site's index.
    pub(crate) output: &'a str,
    pub(crate) body: &'a str,
}

/// Returns the HTML of a page.
pub(crate) fn page(shown: &Shown<'_>) -> String {
    let root = to_root(shown.output);
    let rendered = &shown.site.rendered[shown.page];
    let title = escape(&shown.site.titles[shown.page]);
    let site = escape(&shown.site.navigation.title);
    let full_title = if title == site {
        site.clone()
    } else {
        format!("{title} · {site}")
    };
    let text = rendered
        .sections
        .iter()
        .map(|section| section.text.as_str());
    let description = escape(&description(
        text.clone()
            .find(|text| !text.is_empty())
            .unwrap_or_default(),
    ));
    let sidebar = sidebar::sidebar(shown, &root);
    let here = here(&rendered.headings);
    let pager = pager(shown, &root);
    let body = shown.body;
    format!(
        r##"<!doctype html>
<html lang="en" data-root="{root}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{full_title}</title>
<meta name="description" content="{description}">
<link rel="stylesheet" href="{root}{OWN_FOLDER}/site.css">
<script>{THEME}</script>
<script defer src="{root}{OWN_FOLDER}/site.js"></script>
<script defer src="{root}{OWN_FOLDER}/search.js"></script>
</head>
<body>
<a class="skip" href="#content">Skip to the text</a>
<header class="bar">
<a class="menu" href="#navigation" role="button" aria-label="Contents" aria-controls="navigation">{MENU}</a>
<a class="home" href="{root}index.html">{site}</a>
<div class="search" role="search" hidden>
<input type="search" placeholder="Search" aria-label="Search" title="Press / to search" autocomplete="off" spellcheck="false" role="combobox" aria-expanded="false" aria-controls="results" aria-autocomplete="list">
<div class="results" id="results" role="listbox" aria-label="Results" hidden></div>
</div>
<button class="theme" type="button" aria-label="Light or dark colours" hidden>{SUN}{MOON}</button>
</header>
<div class="frame">
<nav class="sidebar" id="navigation" aria-label="Contents">
{sidebar}</nav>
<a class="veil" href="#" aria-label="Close the contents" tabindex="-1"></a>
<main id="content">
<article>
{body}</article>
{pager}</main>
{here}</div>
</body>
</html>
"##
    )
}

/// Returns a page that redirects to another.
pub(crate) fn redirect(to: &str) -> String {
    let address = escape(&encode(to));
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>{address}</title>\n\
         <meta http-equiv=\"refresh\" content=\"0; url={address}\">\n<p><a href=\"{address}\">{address}</a></p>\n</html>\n"
    )
}

/// Returns the headings of a page below its title, if there is more than one.
fn here(headings: &[Heading]) -> String {
    let top = headings
        .iter()
        .map(|heading| heading.level)
        .min()
        .unwrap_or(1);
    let titles = headings
        .iter()
        .filter(|heading| heading.level == top)
        .count();
    let first = if titles == 1 { top + 1 } else { top };
    let listed: Vec<&Heading> = headings
        .iter()
        .filter(|heading| (first..=first + 1).contains(&heading.level))
        .collect();
    if listed.len() < 2 {
        return String::new();
    }
    let mut html = String::from(
        "<nav class=\"here\" aria-label=\"On this page\">\n<p>On this page</p>\n<ol>\n",
    );
    for heading in listed {
        let class = if heading.level > first {
            " class=\"deeper\""
        } else {
            ""
        };
        html.push_str(&format!("<li{class}><a href=\"#"));
        escape_into(&mut html, &heading.anchor);
        html.push_str(&format!("\">{}</a></li>\n", heading.html));
    }
    html.push_str("</ol>\n</nav>\n");
    html
}

/// Returns the links to the previous and next page.
fn pager(shown: &Shown<'_>, root: &str) -> String {
    let (before, after) = shown.site.navigation.neighbours(shown.page);
    if before.is_none() && after.is_none() {
        return String::new();
    }
    let mut html = String::from("<nav class=\"pager\" aria-label=\"Pages\">\n");
    for (page, class, label) in [(before, "previous", "Previous"), (after, "next", "Next")] {
        if let Some(page) = page {
            let address = encode(&shown.site.content.pages[page].output);
            let title = escape(&shown.site.titles[page]);
            let rel = if class == "next" { "next" } else { "prev" };
            html.push_str(&format!(
                "<a class=\"{class}\" rel=\"{rel}\" href=\"{root}{address}\"><small>{label}</small>{title}</a>\n"
            ));
        }
    }
    html.push_str("</nav>\n");
    html
}

/// Returns a one-line description of a page: the start of its text.
pub(crate) fn description(text: &str) -> String {
    const LONGEST: usize = 160;
    if text.chars().count() <= LONGEST {
        return text.to_owned();
    }
    let start: String = text.chars().take(LONGEST).collect();
    let end = start.rfind(' ').unwrap_or(start.len());
    format!(
        "{}…",
        start[..end].trim_end_matches([',', ';', ':', '.', ' '])
    )
}

/// Runs before the first paint, so that the page does not flash in the wrong colours.
const THEME: &str = "(()=>{let t=null;try{t=localStorage.getItem(\"theme\")}catch{}\
    document.documentElement.dataset.theme=t||(matchMedia(\"(prefers-color-scheme: dark)\").matches?\"dark\":\"light\")})()";

const MENU: &str =
    r#"<svg viewBox="0 0 24 24" aria-hidden="true"><path d="M4 7h16M4 12h16M4 17h16"/></svg>"#;

const SUN: &str = r#"<svg class="sun" viewBox="0 0 24 24" aria-hidden="true"><circle cx="12" cy="12" r="4"/><path d="M12 3v1.5M12 19.5V21M3 12h1.5M19.5 12H21M5.6 5.6l1.1 1.1M17.3 17.3l1.1 1.1M5.6 18.4l1.1-1.1M17.3 6.7l1.1-1.1"/></svg>"#;

const MOON: &str = r#"<svg class="moon" viewBox="0 0 24 24" aria-hidden="true"><path d="M20 14.2A8 8 0 1 1 9.8 4a6.3 6.3 0 0 0 10.2 10.2Z"/></svg>"#;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_ends_with_a_word() {
        assert_eq!(description("short"), "short");
        let long = description(&"word, ".repeat(60));
        assert!(long.ends_with("word…"), "{long}");
        assert!(long.chars().count() <= 160);
    }

    #[test]
    fn one_heading_is_no_choice() {
        let heading = |level| Heading {
            level,
            anchor: "a\"".into(),
            text: "A".into(),
            html: "A".into(),
        };
        assert_eq!(here(&[]), "");
        assert_eq!(here(&[heading(1), heading(2)]), "");
        let html = here(&[heading(1), heading(2), heading(3), heading(4)]);
        assert_eq!(html.matches("<li").count(), 2);
        let without_title = here(&[heading(2), heading(3), heading(2)]);
        assert_eq!(without_title.matches("<li").count(), 3);
        assert!(html.contains("href=\"#a&quot;\""), "{html}");
    }
}
