//! Small crates with planted imports of each form.

use std::fs;
use std::path::{Path, PathBuf};

use rapace_layering::{assert_acyclic, cycles, folder_cycles, imports, upward};

/// Writes a crate. The name is that of the test, so that tests do not share folders.
fn plant(name: &str, files: &[(&str, &str)]) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    if folder.exists() {
        fs::remove_dir_all(&folder).unwrap();
    }
    for (file, text) in files {
        let file = folder.join(file);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }
    folder
}

/// Returns the files that `a.rs` imports, with the paths, in a crate whose files `b/mod.rs`, `b/c.rs` and `d.rs` define
/// `B`, `C`, `D`.
fn imports_of(name: &str, a: &str) -> Vec<String> {
    let root = "mod a; mod b; mod d; pub use b::c::C as Renamed; pub struct Root;";
    let folder = plant(
        name,
        &[
            ("lib.rs", root),
            ("a.rs", a),
            ("b/mod.rs", "pub mod c; pub use c::C; pub struct B;"),
            (
                "b/c.rs",
                "pub struct C; pub fn f() {} pub mod inner { pub struct Inner; }",
            ),
            (
                "d.rs",
                "#[macro_export] macro_rules! m { () => {} } pub struct D; pub use super::b::*;",
            ),
        ],
    );
    let list = imports(folder).unwrap().list;
    let list = list.into_iter().filter(|import| import.from == "a.rs");
    let list = list.map(|import| format!("{} {}", import.to, import.path));
    let mut list = list.collect::<Vec<_>>();
    list.sort();
    list
}

#[test]
fn every_form_of_a_use_line_is_read() {
    let uses = "
        use crate::{b::{self, c::{C, inner::Inner as Other}}, d::D};
        pub(crate) use super::b::B;
        use self::below::*;
        use std::fmt::{self, Display};
        use ::d::external;
        pub mod below { use super::super::Root as _; }";
    let expected = [
        "b/c.rs crate::b::c::C",
        "b/c.rs crate::b::c::inner::Inner",
        "b/mod.rs crate::b",
        "b/mod.rs super::b::B",
        "d.rs crate::d::D",
        "lib.rs super::super::Root",
    ];
    assert_eq!(imports_of("uses", uses), expected);
}

#[test]
fn an_import_leads_to_the_definition_and_not_to_a_re_export() {
    let uses = "
        use crate::Renamed;
        use crate::b::C;
        use crate::d::B;
        use crate::d::c::f;";
    let expected = [
        "b/c.rs crate::Renamed",
        "b/c.rs crate::b::C",
        "b/c.rs crate::d::c::f",
        "b/mod.rs crate::d::B",
    ];
    assert_eq!(imports_of("defined", uses), expected);
}

#[test]
fn paths_in_code_and_in_arguments_of_macros_are_imports() {
    let code = "
        fn f(d: &crate::d::D) -> Vec<super::b::B> { println!(\"{}\", g(crate::b::c::f)); d.crate_; vec![] }
        impl From<crate::Root> for u8 {}
        fn h() { m!(); }";
    let expected = [
        "b/c.rs crate::b::c::f",
        "b/mod.rs super::b::B",
        "d.rs crate::d::D",
        "d.rs m",
        "lib.rs crate::Root",
    ];
    assert_eq!(imports_of("code", code), expected);
}

#[test]
fn names_that_a_glob_brings_are_imports_of_what_defines_them() {
    let code = "use crate::b::*; fn f(_: C) {}";
    let expected = ["b/c.rs C", "b/mod.rs crate::b"];
    assert_eq!(imports_of("globs", code), expected);
}

#[test]
fn tests_documentation_visibility_and_quotations_are_no_imports() {
    let code = "
        /// See [`crate::d::D`].
        pub(in crate::b) struct Here;
        #[cfg(test)] use crate::d::D;
        #[cfg(all(test, unix))] mod tests { use crate::b::B; }
        #[cfg(fuzzing)] impl Here { fn f(_: crate::d::D) {} }
        impl Here { #[cfg(test)] fn g(_: crate::d::D) {} }
        #[test] fn h() { crate::b::c::f(); }
        fn i() { #[cfg(test)] crate::b::c::f(); let b = 1; print!(\"{}\", b); quote! { crate::b::B }; }
        fn j<T: Iterator>(t: T) -> T::Item { t.b.d; b }";
    assert_eq!(imports_of("none", code), [""; 0]);
}

#[test]
fn code_for_a_feature_is_code() {
    let code = "#[cfg(any(test, feature = \"x\"))] use crate::d::D;";
    assert_eq!(imports_of("feature", code), ["d.rs crate::d::D"]);
}

#[test]
fn modules_are_found_inline_beside_their_folder_and_where_their_path_says() {
    let folder = plant(
        "modules",
        &[
            (
                "main.rs",
                "extern crate self as own; mod a { mod b; } mod c; #[path = \"d/e.rs\"] mod f; struct Root;",
            ),
            ("a/b.rs", "use super::super::c::d::D;"),
            ("c.rs", "pub mod d;"),
            ("c/d.rs", "pub struct D; use own::f::E; use ::own::Root;"),
            ("d/e.rs", "pub struct E;"),
        ],
    );
    let imports = imports(folder).unwrap();
    assert_eq!(
        imports.files,
        ["main.rs", "a/b.rs", "c.rs", "c/d.rs", "d/e.rs"]
    );
    let list = imports.list.iter().map(ToString::to_string);
    let expected = [
        "a/b.rs:1 uses c/d.rs (super::super::c::d::D)",
        "c/d.rs:1 uses d/e.rs (own::f::E)",
        "c/d.rs:1 uses main.rs (::own::Root)",
    ];
    assert_eq!(list.collect::<Vec<_>>(), expected);
}

#[test]
fn a_planted_circle_is_found_and_goes_when_the_type_moves_down() {
    let root = ("lib.rs", "mod options; mod work;");
    let child = "use super::Stage; pub struct Ask(Stage);";
    let circle = plant(
        "circle",
        &[
            root,
            ("options.rs", ""),
            (
                "work/mod.rs",
                "mod ask; pub struct Stage; fn run(_: ask::Ask) {}",
            ),
            ("work/ask.rs", child),
        ],
    );
    let circle = imports(circle).unwrap();
    assert_eq!(cycles(&circle)[0].members, ["work/ask.rs", "work/mod.rs"]);
    assert_eq!(upward(&["work/ask", "work"], &circle).len(), 1);
    let panicked = std::panic::catch_unwind(|| assert_acyclic(&circle)).unwrap_err();
    let message = panicked.downcast_ref::<String>().unwrap();
    assert!(
        message.contains("work/ask.rs:1 uses work/mod.rs (super::Stage)"),
        "{message}"
    );

    let moved = plant(
        "moved",
        &[
            root,
            ("options.rs", ""),
            // The same line in the child, since the module still has the name.
            (
                "work/mod.rs",
                "mod ask; mod stage; use stage::Stage; fn run(_: ask::Ask) {}",
            ),
            ("work/ask.rs", child),
            ("work/stage.rs", "pub struct Stage;"),
        ],
    );
    let moved = imports(moved).unwrap();
    assert_acyclic(&moved);
    assert_eq!(upward(&["work/stage", "work/ask", "work"], &moved), []);
}

#[test]
fn a_planted_circle_of_folders_is_found_although_no_file_is_in_one() {
    let folder = plant(
        "folders",
        &[
            ("lib.rs", "mod calls; mod link;"),
            ("calls/mod.rs", "mod request; mod table;"),
            ("calls/request.rs", "use crate::link::outbox::Outbox;"),
            ("calls/table.rs", "pub struct Table;"),
            ("link/mod.rs", "mod outbox; mod end;"),
            ("link/outbox.rs", "pub struct Outbox;"),
            ("link/end.rs", "use crate::calls::table::Table;"),
        ],
    );
    let imports = imports(folder).unwrap();
    assert_eq!(cycles(&imports), []);
    assert_eq!(folder_cycles(&imports)[0].members, ["calls", "link"]);
    assert_eq!(upward(&["link", "calls"], &imports)[0].to, "calls/table.rs");
}

#[test]
fn a_file_that_is_missing_or_no_rust_is_named() {
    let folder = plant("missing", &[("lib.rs", "mod nowhere;")]);
    let why = imports(folder).unwrap_err().to_string();
    assert!(
        why.contains("missing/nowhere/mod.rs: No such file"),
        "{why}"
    );
    let folder = plant("broken", &[("lib.rs", "mod a;"), ("a.rs", "fn")]);
    let why = imports(folder).unwrap_err().to_string();
    assert!(why.contains("broken/a.rs: "), "{why}");
}
