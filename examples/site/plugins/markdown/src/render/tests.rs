//! Tests of rendered pages.

use site_api::markdown::Part;

use super::*;

fn page(text: &str) -> RenderedPage {
    let source = PageSource {
        path: "page.md".into(),
        text: text.into(),
    };
    render(&source).expect("a short page")
}

/// Returns the HTML of a page, with `[code]` and `[image]` as placeholders.
fn html(text: &str) -> String {
    page(text)
        .parts
        .into_iter()
        .map(|part| match part {
            Part::Html(html) => html,
            Part::Code(_) => "[code]".into(),
            Part::Image(_) => "[image]".into(),
        })
        .collect()
}

fn images(text: &str) -> Vec<Image> {
    let parts = page(text).parts.into_iter();
    parts
        .filter_map(|part| {
            if let Part::Image(image) = part {
                Some(image)
            } else {
                None
            }
        })
        .collect()
}

fn notes(text: &str) -> Vec<(u32, String)> {
    page(text)
        .notes
        .into_iter()
        .map(|note| (note.line, note.text))
        .collect()
}

#[test]
fn text_is_escaped_everywhere() {
    assert_eq!(
        html("a < b & `c<d>`"),
        "<p>a &lt; b &amp; <code>c&lt;d&gt;</code></p>\n"
    );
    assert_eq!(
        html("[x](<a b.md> \"say \\\"hi\\\"\")"),
        "<p><a href=\"a%20b.html\" title=\"say &quot;hi&quot;\">x</a></p>\n"
    );
}

#[test]
fn a_heading_has_an_anchor_and_a_link_to_itself() {
    let page = page("# The `match` *Flow*\n");
    assert_eq!(page.title.as_deref(), Some("The match Flow"));
    assert_eq!(page.headings[0].html, "The <code>match</code> Flow");
    assert_eq!(page.anchors, ["the-match-flow"]);
    let Part::Html(html) = &page.parts[0] else {
        panic!("no HTML")
    };
    assert_eq!(
        html,
        "<h1 id=\"the-match-flow\">The <code>match</code> <em>Flow</em> <a class=\"anchor\" \
         href=\"#the-match-flow\" aria-label=\"Link to this section\">#</a></h1>\n"
    );
}

#[test]
fn an_anchor_given_by_the_author_is_kept() {
    let page = page("## Foo {#bar .wide}\n\n<a id=\"old\"></a>\n\n## Foo\n");
    assert_eq!(page.anchors, ["bar", "old", "foo"]);
}

#[test]
fn front_matter_gives_the_title_and_is_not_shown() {
    let page = page("---\nlayout: x\ntitle: \"Front\"\n---\n\n# Heading\n");
    assert_eq!(page.title.as_deref(), Some("Front"));
    assert_eq!(page.headings.len(), 1);
    assert!(matches!(&page.parts[..], [Part::Html(html)] if html.starts_with("<h1")));
}

#[test]
fn a_table_keeps_its_alignment_around_an_image() {
    let text = "| a | b |\n|:-:|--:|\n| <img src='x.png'> | 2 |\n| 3 | 4 |\n";
    assert_eq!(
        html(text),
        "<div class=\"table\"><table>\n<thead><tr><th style=\"text-align: center\">a</th>\
         <th style=\"text-align: right\">b</th></tr></thead>\n<tbody>\n\
         <tr><td style=\"text-align: center\">[image]</td><td style=\"text-align: right\">2</td></tr>\n\
         <tr><td style=\"text-align: center\">3</td><td style=\"text-align: right\">4</td></tr>\n\
         </tbody>\n</table></div>\n"
    );
}

#[test]
fn footnotes_are_numbered_by_first_use_and_lead_back() {
    let text = "A[^z] b[^a] c[^z].\n\n[^a]: Second.\n[^z]: First.\n";
    let html = html(text);
    let first = html
        .find("<li id=\"footnote-z\">")
        .expect("the first footnote");
    let second = html
        .find("<li id=\"footnote-a\">")
        .expect("the second footnote");
    assert!(first < second, "{html}");
    assert!(html.contains(
        "<sup class=\"footnote\" id=\"footnote-z-ref-2\"><a href=\"#footnote-z\">1</a></sup>"
    ));
    assert_eq!(html.matches("class=\"back\"").count(), 3);
    assert!(notes(text).is_empty());
}

#[test]
fn an_unused_footnote_is_noted_and_an_undefined_one_shows_as_written() {
    let text = "A.[^one]\n\n[^two]: Text.\n";
    assert_eq!(
        notes(text),
        [(3, "footnote `[^two]` is never referred to".to_owned())]
    );
    assert_eq!(html(text), "<p>A.[^one]</p>\n");
}

#[test]
fn a_reference_without_definition_is_noted_and_brackets_in_prose_are_not() {
    assert_eq!(
        notes("ok [0]\n\nsee [this][that]\n"),
        [(
            3,
            "`[that]` is not defined: add a line `[that]: …`".to_owned()
        )]
    );
}

#[test]
fn links_are_listed_with_their_lines_as_they_will_be_published() {
    let page = page("[a](x.md#y)\n\n<a href=\"z.md\">z</a> <https://q.r/>\n\n<me@x.y>\n");
    let links: Vec<_> = page
        .links
        .iter()
        .map(|link| (link.line, link.target.as_str()))
        .collect();
    assert_eq!(
        links,
        [
            (1, "x.html#y"),
            (3, "z.html"),
            (3, "https://q.r/"),
            (5, "mailto:me@x.y")
        ]
    );
}

#[test]
fn a_raw_link_to_a_page_is_rewritten_with_its_other_attributes_kept() {
    assert_eq!(
        html("See <a class=x href=\"z.md\" title='a \"b\"'>z</a>."),
        "<p>See <a class=\"x\" href=\"z.html\" title=\"a &quot;b&quot;\">z</a>.</p>\n"
    );
}

#[test]
fn images_of_both_kinds_leave_a_placeholder() {
    let found = images(
        "![An *alt*](a.png \"T\")\n\n<img alt=\"two\nlines\" class=\"c\" src=\"b.svg\" srcset=x>\n",
    );
    assert_eq!(found[0].source, "a.png");
    assert_eq!(found[0].alt, "An alt");
    assert_eq!(
        found[0].attributes,
        [Attribute {
            name: "title".into(),
            value: "T".into()
        }]
    );
    assert_eq!(found[1].alt, "two lines");
    assert_eq!(
        found[1].attributes,
        [Attribute {
            name: "class".into(),
            value: "c".into()
        }]
    );
}

#[test]
fn a_listing_wraps_its_code_block() {
    let text = "<Listing number=\"1-1\" file-name=\"main.rs\" caption=\"A\">\n\n```rust\nfn main() {}\n```\n\n</Listing>\n";
    assert_eq!(
        html(text),
        "<figure class=\"listing\" id=\"listing-1-1\">\n<div class=\"file-name\">main.rs</div>\n[code]\
         <figcaption><span class=\"number\">Listing 1-1</span> A</figcaption>\n</figure>\n"
    );
    assert_eq!(page(text).anchors, ["listing-1-1"]);
}

#[test]
fn listings_that_do_not_match_are_noted_and_the_html_is_closed() {
    assert!(html("<Listing>\n\ntext\n").ends_with("</figure>\n"));
    assert_eq!(notes("<Listing>\n\ntext\n").len(), 1);
    assert_eq!(notes("text\n\n</Listing>\n")[0].0, 3);
}

#[test]
fn sections_hold_prose_and_not_code_blocks() {
    let page = page("Before.\n\n# One\n\nText `code`\nmore\n\n```\nblock\n```\n\n- a\n- b\n");
    let sections: Vec<_> = page
        .sections
        .iter()
        .map(|s| (s.anchor.as_str(), s.heading.as_str(), s.text.as_str()))
        .collect();
    assert_eq!(
        sections,
        [("", "", "Before."), ("one", "One", "Text code more a b")]
    );
}

#[test]
fn alerts_and_tasks_are_rendered() {
    assert!(html("> [!WARNING]\n> Hot.\n").starts_with("<blockquote class=\"alert warning\">"));
    assert!(html("- [x] done\n").contains("<input type=\"checkbox\" disabled checked> done"));
}

#[test]
fn comments_are_left_out_and_other_html_passes() {
    assert_eq!(
        html("<!-- secret -->\n\na <kbd>b</kbd><!-- c -->\n"),
        "<p>a <kbd>b</kbd></p>\n"
    );
}

#[test]
fn a_page_past_the_limit_is_refused_with_its_length() {
    let source = PageSource {
        path: "p.md".into(),
        text: "a".repeat(PAGE_LIMIT + 1),
    };
    assert_eq!(
        render(&source),
        Err(MarkdownError::TooLong {
            bytes: PAGE_LIMIT as u64 + 1
        })
    );
}

#[test]
fn every_chapter_of_a_real_book_renders_with_its_listings_closed() {
    let Some(book) = book() else {
        println!("skipped: the corpus is not here");
        return;
    };
    let mut blocks = 0;
    for (path, text) in book {
        let page = render(&PageSource {
            path: path.clone(),
            text,
        })
        .expect("a short page");
        blocks += page
            .parts
            .iter()
            .filter(|part| matches!(part, Part::Code(_)))
            .count();
        let html: String = page
            .parts
            .iter()
            .filter_map(|part| {
                if let Part::Html(html) = part {
                    Some(html.as_str())
                } else {
                    None
                }
            })
            .collect();
        assert_eq!(
            html.matches("<figure").count(),
            html.matches("</figure>").count(),
            "{path}"
        );
        assert_eq!(
            html.matches("<p>").count(),
            html.matches("</p>").count(),
            "{path}"
        );
        assert!(!html.contains("Listing>"), "{path}");
        assert!(page.title.is_some(), "{path}");
    }
    assert!(blocks > 900, "{blocks} code blocks");
}

/// Returns the chapters of the Rust book, if they lie beside the checkout.
fn book() -> Option<Vec<(String, String)>> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../../../shared/corpus/rust-book");
    let mut pages = Vec::new();
    for entry in std::fs::read_dir(folder).ok()? {
        let path = entry.expect("a readable folder").path();
        if path.extension().is_some_and(|ending| ending == "md") {
            let text = std::fs::read_to_string(&path).expect("a readable page");
            pages.push((path.display().to_string(), text));
        }
    }
    Some(pages)
}
