//! Resolves the target of a link on a page.
//!
//! - T1: a path is relative to its page's folder; one that starts with `/` is relative to the site's root.
//! - T2: a path to a folder means the `index.html` in it.

use percent_encoding::percent_decode_str;
use site_api::links::LinkFault;
use url::Url;

/// The target of a link.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// A file of the site, and maybe an anchor in it.
    File {
        path: String,
        anchor: Option<String>,
    },
    /// Another site.
    Elsewhere,
}

impl Target {
    /// Resolves the link `target` on the page `page`.
    pub(crate) fn read(page: &str, target: &str) -> Result<Self, LinkFault> {
        match Url::parse(target) {
            Ok(_) => return Ok(Self::Elsewhere),
            Err(url::ParseError::RelativeUrlWithoutBase) => {}
            Err(error) => {
                return Err(LinkFault::BadUrl {
                    reason: error.to_string(),
                });
            }
        }
        if target.starts_with("//") {
            return match Url::parse(&format!("https:{target}")) {
                Ok(_) => Ok(Self::Elsewhere),
                Err(error) => Err(LinkFault::BadUrl {
                    reason: error.to_string(),
                }),
            };
        }
        let (path, anchor) = match target.split_once('#') {
            Some((path, anchor)) => (path, Some(decode(anchor)?)),
            None => (target, None),
        };
        let path = path.split('?').next().unwrap_or_default();
        let path = match path {
            "" => page.to_owned(),
            path => resolve(page, &decode(path)?).ok_or(LinkFault::OutsideSite)?,
        };
        let anchor = anchor.filter(|anchor| !anchor.is_empty() && anchor != "top");
        Ok(Self::File { path, anchor })
    }
}

fn decode(text: &str) -> Result<String, LinkFault> {
    match percent_decode_str(text).decode_utf8() {
        Ok(text) => Ok(text.into_owned()),
        Err(_) => Err(LinkFault::BadUrl {
            reason: "its percent codes are not UTF-8".into(),
        }),
    }
}

/// Returns the path from the site's root, unless it leads out of it.
fn resolve(page: &str, path: &str) -> Option<String> {
    let mut parts: Vec<&str> = Vec::new();
    if !path.starts_with('/') {
        parts.extend(page.split('/'));
        parts.pop();
    }
    let mut last = "";
    for part in path.split('/') {
        last = part;
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    if matches!(last, "" | "." | "..") {
        parts.push("index.html");
    }
    Some(parts.join("/"))
}

/// Returns `path` relative to `page`.
pub(crate) fn relative(page: &str, path: &str) -> String {
    let from: Vec<&str> = page.split('/').collect();
    let to: Vec<&str> = path.split('/').collect();
    let folders = from.len() - 1;
    let shared = from[..folders]
        .iter()
        .zip(&to[..to.len() - 1])
        .take_while(|(a, b)| a == b)
        .count();
    "../".repeat(folders - shared) + &to[shared..].join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(page: &str, target: &str) -> (String, Option<String>) {
        match Target::read(page, target) {
            Ok(Target::File { path, anchor }) => (path, anchor),
            other => panic!("{target} is {other:?}"),
        }
    }

    #[test]
    fn paths_are_taken_from_the_pages_folder_or_the_root() {
        for (target, path) in [
            ("c.html", "a/c.html"),
            ("./c.html?x=1", "a/c.html"),
            ("../c.html", "c.html"),
            ("/c.html", "c.html"),
            ("d/", "a/d/index.html"),
            ("..", "index.html"),
            ("", "a/b.html"),
            ("my%20file.pdf", "a/my file.pdf"),
        ] {
            assert_eq!(
                file("a/b.html", target),
                (path.to_owned(), None),
                "{target}"
            );
        }
    }

    #[test]
    fn anchors_are_decoded_and_the_top_is_everywhere() {
        assert_eq!(
            file("a.html", "#%C3%BC"),
            ("a.html".into(), Some("ü".into()))
        );
        assert_eq!(file("a.html", "b.html#"), ("b.html".into(), None));
        assert_eq!(file("a.html", "#top"), ("a.html".into(), None));
    }

    #[test]
    fn urls_lead_elsewhere_and_bad_ones_are_told() {
        for target in ["https://x.y/z", "mailto:a@b.c", "//x.y/z", "data:,x"] {
            assert_eq!(
                Target::read("a.html", target),
                Ok(Target::Elsewhere),
                "{target}"
            );
        }
        for target in ["https://", "http://[::1/", "//", "https://exa mple.org/"] {
            assert!(
                matches!(
                    Target::read("a.html", target),
                    Err(LinkFault::BadUrl { .. })
                ),
                "{target}"
            );
        }
    }

    #[test]
    fn a_path_that_climbs_out_is_outside() {
        assert_eq!(
            Target::read("a/b.html", "../../std/x.html"),
            Err(LinkFault::OutsideSite)
        );
        assert_eq!(
            Target::read("b.html", "/../x.html"),
            Err(LinkFault::OutsideSite)
        );
    }

    #[test]
    fn a_relative_path_leads_back_to_where_it_came_from() {
        for (page, path, expected) in [
            ("a.html", "b.html", "b.html"),
            ("x/a.html", "b.html", "../b.html"),
            ("x/y/a.html", "x/z/b.html", "../z/b.html"),
            ("a.html", "x/b.html", "x/b.html"),
        ] {
            assert_eq!(relative(page, path), expected);
            assert_eq!(file(page, expected).0, path);
        }
    }
}
