//! Paths inside the site: relative to its root, separated by `/`, without `.` or `..`.

/// Returns the folder of a file, with its `/` unless it is the root.
pub(crate) fn folder(path: &str) -> &str {
    path.rfind('/').map_or("", |at| &path[..=at])
}

/// Returns the name of a file, without its folder.
pub(crate) fn name(path: &str) -> &str {
    &path[folder(path).len()..]
}

/// Returns the path from a file to the root: empty, or some `../`.
pub(crate) fn to_root(path: &str) -> String {
    "../".repeat(path.matches('/').count())
}

/// Resolves `target` relative to the file `from`, unless it leads out of the root.
pub(crate) fn resolve(from: &str, target: &str) -> Option<String> {
    let mut parts: Vec<&str> = Vec::new();
    if !target.starts_with('/') {
        parts.extend(folder(from).split('/').filter(|part| !part.is_empty()));
    }
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// Returns the output path of a page: `README.md` becomes its folder's index.
pub(crate) fn output_of(page: &str) -> String {
    let stem = page.strip_suffix(".md").unwrap_or(page);
    if name(stem).eq_ignore_ascii_case("readme") {
        format!("{}index.html", folder(stem))
    } else {
        format!("{stem}.html")
    }
}

/// Percent-encodes a path for use in a URL.
pub(crate) fn encode(path: &str) -> String {
    let mut address = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'_' | b'.' | b'~' => {
                address.push(byte as char)
            }
            _ => {
                // Writing to a string cannot fail.
                let _ = std::fmt::Write::write_fmt(&mut address, format_args!("%{byte:02X}"));
            }
        }
    }
    address
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_resolved_from_the_files_folder() {
        assert_eq!(
            resolve("a/b.md", "../img/x.png").as_deref(),
            Some("img/x.png")
        );
        assert_eq!(resolve("a/b.md", "./x.png").as_deref(), Some("a/x.png"));
        assert_eq!(resolve("a/b.md", "/x.png").as_deref(), Some("x.png"));
        assert_eq!(resolve("b.md", "../x.png"), None);
    }

    #[test]
    fn readmes_become_indexes() {
        assert_eq!(output_of("README.md"), "index.html");
        assert_eq!(output_of("a/Readme.md"), "a/index.html");
        assert_eq!(output_of("a/not-readme.md"), "a/not-readme.html");
    }

    #[test]
    fn the_way_to_the_root_is_as_long_as_the_path_is_deep() {
        assert_eq!(to_root("a.html"), "");
        assert_eq!(to_root("a/b/c.html"), "../../");
    }

    #[test]
    fn addresses_are_encoded_bytewise() {
        assert_eq!(encode("a b/ü#?.png"), "a%20b/%C3%BC%23%3F.png");
    }
}
