//! Rewrites links from Markdown pages to HTML pages.

use site_api::links::Link;

/// Makes the link from the target as written.
pub(crate) fn link(written: &str, line: u32) -> Link {
    let target = rewrite(written);
    let written = (target != written).then(|| written.to_owned());
    Link {
        target,
        written,
        line,
    }
}

/// Replaces a page's path in `target` by its HTML path. URLs and other files stay unchanged.
fn rewrite(target: &str) -> String {
    if has_scheme(target) || target.starts_with("//") {
        return target.to_owned();
    }
    let end = target.find(['#', '?']).unwrap_or(target.len());
    let (path, rest) = target.split_at(end);
    match path.strip_suffix(".md") {
        Some(stem) => format!("{}.html{rest}", index_for_readme(stem)),
        None => target.to_owned(),
    }
}

/// Whether the target starts with a scheme, such as `https:` or `mailto:`.
fn has_scheme(target: &str) -> bool {
    let Some((scheme, _)) = target.split_once(':') else {
        return false;
    };
    scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b))
}

fn index_for_readme(stem: &str) -> String {
    let (folder, name) = match stem.rfind('/') {
        Some(at) => stem.split_at(at + 1),
        None => ("", stem),
    };
    if name.eq_ignore_ascii_case("readme") {
        format!("{folder}index")
    } else {
        stem.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_renamed_with_what_follows_kept() {
        assert_eq!(rewrite("a/b.md"), "a/b.html");
        assert_eq!(rewrite("b.md#part"), "b.html#part");
        assert_eq!(rewrite("../README.md?x#y"), "../index.html?x#y");
        assert_eq!(rewrite("readme.md"), "index.html");
    }

    #[test]
    fn what_is_no_page_stays() {
        for target in [
            "#here",
            "a.html",
            "img/a.png",
            "https://x.y/README.md",
            "mailto:a@b.md",
            "//x/a.md",
            "",
        ] {
            assert_eq!(rewrite(target), target);
        }
    }

    #[test]
    fn a_colon_in_a_file_name_is_no_scheme() {
        assert_eq!(rewrite("./1:2.md"), "./1:2.html");
    }
}
