//! Finds imports that point upwards in a given order of layers.

use std::fmt::Write;

use crate::imports::{Import, Imports};

/// Returns the position of a file in a list of layers, the lowest first. A layer `a` is the folder `a` with its
/// contents, or the file `a.rs`; it may be nested, as `a/b`, and the longest match counts. A file of no layer is
/// above all.
fn height(layers: &[&str], file: &str) -> Option<usize> {
    let module = file.strip_suffix(".rs").unwrap_or(file);
    let fits = |layer: &str| match module.strip_prefix(layer) {
        Some(rest) => rest.is_empty() || rest.starts_with('/'),
        None => false,
    };
    let all = layers.iter().enumerate();
    let fitting = all.filter(|(_, layer)| fits(layer));
    fitting
        .max_by_key(|(_, layer)| layer.len())
        .map(|(height, _)| height)
}

/// Returns the imports from a lower layer to a higher one. `layers` begins with the lowest. Files of no layer, such as
/// `lib.rs`, are above all: they may import anything, and no layer may import from them.
#[must_use]
pub fn upward(layers: &[&str], imports: &Imports) -> Vec<Import> {
    let height = |file: &str| height(layers, file).unwrap_or(layers.len());
    let list = imports.list.iter();
    let upward = list.filter(|import| height(&import.from) < height(&import.to));
    upward.cloned().collect()
}

/// Returns the files that belong to no layer, except the root; and the layers that no file belongs to.
#[must_use]
pub fn unlisted(layers: &[&str], imports: &Imports) -> Vec<String> {
    let files = imports.files.iter().skip(1);
    let files = files.filter(|file| height(layers, file).is_none()).cloned();
    let heights = imports.files.iter().filter_map(|file| height(layers, file));
    let used = heights.collect::<Vec<_>>();
    let unused = layers.iter().enumerate();
    let unused = unused.filter(|(height, _)| !used.contains(height));
    files
        .chain(unused.map(|(_, layer)| (*layer).to_owned()))
        .collect()
}

/// Asserts that a crate keeps an order of layers, the lowest first.
///
/// # Panics
/// If an import points upwards, a file belongs to no layer, or a layer has no file. The message lists them.
#[track_caller]
pub fn assert_layers(imports: &Imports, layers: &[&str]) {
    let mut message = String::new();
    for import in upward(layers, imports) {
        let _ = writeln!(message, "upwards: {import}");
    }
    for name in unlisted(layers, imports) {
        let _ = writeln!(
            message,
            "a file without a layer, or a layer without a file: {name}"
        );
    }
    assert!(message.is_empty(), "\n{message}");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn import(from: &str, to: &str) -> Import {
        Import {
            from: from.to_owned(),
            line: 1,
            to: to.to_owned(),
            path: "x".to_owned(),
        }
    }

    fn planted() -> Imports {
        let files = [
            "lib.rs",
            "wire/mod.rs",
            "wire/frame.rs",
            "wires.rs",
            "link.rs",
        ];
        Imports {
            files: files.map(str::to_owned).to_vec(),
            list: vec![
                import("lib.rs", "link.rs"),
                import("link.rs", "wire/frame.rs"),
                import("wire/frame.rs", "link.rs"),
                import("wire/frame.rs", "wire/mod.rs"),
                import("link.rs", "lib.rs"),
            ],
        }
    }

    #[test]
    fn an_import_of_a_higher_layer_or_of_the_root_points_upwards() {
        let upward = upward(&["wire", "wires", "link"], &planted());
        let expected = [
            import("wire/frame.rs", "link.rs"),
            import("link.rs", "lib.rs"),
        ];
        assert_eq!(upward, expected);
    }

    #[test]
    fn a_nested_layer_is_apart_from_the_folder_that_it_is_in() {
        let upward = upward(&["wire/frame", "wire", "wires", "link"], &planted());
        assert!(upward.contains(&import("wire/frame.rs", "wire/mod.rs")));
    }

    #[test]
    fn files_without_a_layer_and_layers_without_a_file_are_named() {
        let unlisted = unlisted(&["wire", "calls"], &planted());
        assert_eq!(unlisted, ["wires.rs", "link.rs", "calls"]);
    }

    #[test]
    #[should_panic(expected = "upwards: wire/frame.rs:1 uses link.rs (x)")]
    fn a_crate_is_held_to_its_layers() {
        assert_layers(&planted(), &["wire", "wires", "link"]);
    }
}
