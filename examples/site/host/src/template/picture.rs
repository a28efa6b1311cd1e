//! An image, with the sizes that a browser can choose from.
//!
//! - TP1: `src` stays as the author wrote it, so that the image is shown even if a browser ignores the rest.
//! - TP2: width and height are set, so that the text does not move when the image loads.
//! - TP3: a drawing for a white background is shown on white, even in dark mode.

use site_api::markdown::Image;

use crate::html::escape_into;
use crate::path::encode;

/// An image of the content and its smaller versions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Picture {
    /// Of the original, in pixels.
    pub(crate) width: u32,
    /// Of the original, in pixels.
    pub(crate) height: u32,
    /// The original's path.
    pub(crate) path: String,
    /// Smaller versions, in ascending size.
    pub(crate) variants: Vec<Variant>,
}

/// A smaller version of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Variant {
    /// In pixels.
    pub(crate) width: u32,
    pub(crate) path: String,
}

/// What is known of an image.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Known<'a> {
    /// Its header was read.
    Picture(&'a Picture),
    /// It is a drawing without a dark variant.
    Paper,
    /// Nothing.
    Nothing,
}

/// Returns the tag for an image on a page whose path to the root is `root`.
pub(crate) fn picture(image: &Image, known: Known<'_>, root: &str) -> String {
    let mut html = String::from("<img");
    attribute(&mut html, "src", &image.source);
    if let Known::Picture(picture) = known {
        if !picture.variants.is_empty() {
            let originals = std::iter::once((picture.path.as_str(), picture.width));
            let sizes: Vec<String> = picture
                .variants
                .iter()
                .map(|variant| (variant.path.as_str(), variant.width))
                .chain(originals)
                .map(|(path, width)| format!("{root}{} {width}w", encode(path)))
                .collect();
            attribute(&mut html, "srcset", &sizes.join(", "));
            attribute(&mut html, "sizes", SIZES);
        }
        let sized = |name: &str| {
            image
                .attributes
                .iter()
                .any(|attribute| attribute.name == name)
        };
        if !sized("width") && !sized("height") {
            attribute(&mut html, "width", &picture.width.to_string());
            attribute(&mut html, "height", &picture.height.to_string());
        }
    }
    attribute(&mut html, "alt", &image.alt);
    let is_paper = matches!(known, Known::Paper);
    let mut has_class = false;
    for own in &image.attributes {
        if is_paper && own.name == "class" {
            has_class = true;
            attribute(&mut html, "class", &format!("{} paper", own.value));
        } else {
            attribute(&mut html, &own.name, &own.value);
        }
    }
    if is_paper && !has_class {
        attribute(&mut html, "class", "paper");
    }
    html.push_str(" loading=\"lazy\" decoding=\"async\">");
    html
}

fn attribute(html: &mut String, name: &str, value: &str) {
    html.push(' ');
    html.push_str(name);
    html.push_str("=\"");
    escape_into(html, value);
    html.push('"');
}

/// The text column is 46rem wide; on small screens it is the screen's width without the margins.
const SIZES: &str = "(max-width: 48.5rem) calc(100vw - 2.5rem), 46rem";

#[cfg(test)]
mod tests {
    use site_api::markdown::Attribute;

    use super::*;

    #[test]
    fn a_browser_can_choose_between_the_sizes_and_the_original() {
        let image = Image {
            source: "../img/a b.png".into(),
            alt: "A \"b\"".into(),
            attributes: vec![Attribute {
                name: "class".into(),
                value: "center".into(),
            }],
            line: 1,
        };
        let made = Picture {
            width: 1000,
            height: 500,
            path: "img/a b.png".into(),
            variants: vec![Variant {
                width: 480,
                path: "site-assets/images/img/a b-480.webp".into(),
            }],
        };
        assert_eq!(
            picture(&image, Known::Picture(&made), "../"),
            "<img src=\"../img/a b.png\" srcset=\"../site-assets/images/img/a%20b-480.webp 480w, ../img/a%20b.png 1000w\" \
             sizes=\"(max-width: 48.5rem) calc(100vw - 2.5rem), 46rem\" width=\"1000\" height=\"500\" \
             alt=\"A &quot;b&quot;\" class=\"center\" loading=\"lazy\" decoding=\"async\">"
        );
    }

    #[test]
    fn an_unknown_image_stays_as_it_is() {
        let image = Image {
            source: "a.svg".into(),
            ..Image::default()
        };
        assert_eq!(
            picture(&image, Known::Nothing, ""),
            "<img src=\"a.svg\" alt=\"\" loading=\"lazy\" decoding=\"async\">"
        );
    }

    #[test]
    fn paper_keeps_the_classes_that_the_author_gave() {
        let class = |value: &str| Attribute {
            name: "class".into(),
            value: value.into(),
        };
        let with = Image {
            attributes: vec![class("center")],
            ..Image::default()
        };
        assert!(picture(&with, Known::Paper, "").contains(" class=\"center paper\""));
        assert!(picture(&Image::default(), Known::Paper, "").contains(" class=\"paper\""));
    }
}
