//! H1, H2: every identifier of an expansion, as each kind of name that a user gives.
//!
//! The names are collected here, and written to a test file of rapace, which compiles it.

use std::collections::BTreeSet;
use std::fmt::Write;

use proc_macro2::{TokenStream, TokenTree};
use quote::quote;
use syn::{Ident, Item};

use crate::service::Service;

/// The test file that tries the names.
const PATH: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../tests/service_macro/every_name.rs"
);

/// Returns a sample with one method of each kind. Its own names contain `zz`.
fn sample() -> TokenStream {
    let item = quote! {
        /// Docs.
        pub trait ZzSample {
            /// Docs.
            #[rapace(idempotent)]
            async fn zz_value(&mut self, zz_argument: u8) -> Result<u8, u16>;
            async fn zz_nothing(&self);
            async fn zz_items(&self, zz_stream: Streaming<u8>) -> Result<Streaming<u8>, u8>;
            async fn zz_more(&self) -> Streaming<u8>;
        }
    };
    let item = syn::parse2::<Item>(item).expect("a trait");
    let service = Service::parse(TokenStream::new(), item).expect("a service");
    super::service(&service)
}

fn collect(tokens: TokenStream, names: &mut BTreeSet<String>) {
    for token in tokens {
        match token {
            TokenTree::Ident(ident) => drop(names.insert(ident.to_string())),
            TokenTree::Group(group) => collect(group.stream(), names),
            TokenTree::Punct(_) | TokenTree::Literal(_) => {}
        }
    }
}

/// Returns the names as a user could write them: keywords as raw identifiers, without reserved names.
fn names() -> Vec<String> {
    let mut names = BTreeSet::new();
    collect(sample(), &mut names);
    let given = |name: String| {
        let lower = name.to_lowercase();
        if lower.starts_with("__rapace") || lower.contains("zz") || name == "_" {
            return None;
        }
        let raw = format!("r#{name}");
        let as_it_is = syn::parse_str::<Ident>(&name).is_ok();
        let some = if as_it_is { name } else { raw };
        syn::parse_str::<Ident>(&some).is_ok().then_some(some)
    };
    // Names of the prelude, and first segments of paths.
    names.extend(["std", "alloc", "Box", "Vec", "String", "Some", "None", "T"].map(String::from));
    names.into_iter().filter_map(given).collect()
}

fn written(names: &[String]) -> String {
    let mut file = String::from(
        "//! Every identifier that the attribute's expansion uses, as each kind of name that a user gives.\n\
         //!\n\
         //! Made by `UPDATE=1 cargo test -p rapace-macros`, which otherwise finds out that it is not up to date.\n",
    );
    let mut line = |text: &str| writeln!(file, "{text}").expect("a string grows");
    line("\n#[::rapace::service]\npub(crate) trait Arguments {\n    async fn all(&self,");
    let argument = |name: &&String| !["Err", "None", "Ok", "Some"].contains(&name.as_str());
    for name in names.iter().filter(argument) {
        line(&format!("        {name}: u8,"));
    }
    line("    ) -> u8;\n}");

    line("\n#[::rapace::service]\npub(crate) trait Methods {");
    let free = |name: &&String| !crate::collisions::PROXY.contains(&name.as_str());
    for (n, name) in names.iter().filter(free).enumerate() {
        line(&format!(
            "    #[rapace(message = M{n})]\n    async fn {name}(&self) -> u8;"
        ));
    }
    line("}");

    line("\npub(crate) mod types {");
    let alias = |name: &&String| !["Result", "Streaming"].contains(&name.as_str());
    let aliases: Vec<_> = names.iter().filter(alias).collect();
    for name in &aliases {
        line(&format!(
            "    pub(crate) type {name} = ::core::primitive::u8;"
        ));
    }
    line("    #[::rapace::service]\n    pub(crate) trait Types {\n        async fn all(&self,");
    for (n, name) in aliases.iter().enumerate() {
        line(&format!("            a{n}: {name},"));
    }
    line("        ) -> ::core::primitive::u8;\n    }\n}");

    line("\npub(crate) mod hidden {");
    for name in names {
        line(&format!("    pub(crate) struct {name};"));
    }
    for service in [
        "    pub(crate) trait Hidden",
        "    pub(crate) trait HiddenToo",
    ] {
        let n = service.len();
        line(&format!("    #[::rapace::service]\n{service} {{"));
        line(&every_kind(&format!("Z{n}"), "        "));
        line("    }");
    }
    line("}");

    for (n, name) in names.iter().enumerate() {
        line(&format!("\npub(crate) mod t{n} {{"));
        line(&format!(
            "    #[::rapace::service]\n    pub(crate) trait {name} {{"
        ));
        line(&every_kind("Z", "        "));
        line("    }\n}");
    }

    line("\n#[no_implicit_prelude]\npub(crate) mod without_a_prelude {");
    line("    #[::rapace::service]\n    pub(crate) trait Bare {");
    line(&every_kind("Z", "        "));
    line("    }\n}");
    file
}

/// Returns methods of each kind, with all types by absolute paths.
fn every_kind(message: &str, indent: &str) -> String {
    let u8 = "::core::primitive::u8";
    let stream = format!("::rapace::Streaming<{u8}>");
    let result = |ok: &str| format!("::core::result::Result<{ok}, {u8}>");
    let methods = [
        format!("async fn zz_value(&mut self, zz: {u8}) -> {};", result(u8)),
        "async fn zz_nothing(&self);".to_owned(),
        format!(
            "async fn zz_items(&self, zz: {stream}) -> {};",
            result(&stream)
        ),
    ];
    let lines = (0..)
        .zip(methods)
        .map(|(n, method)| format!("{indent}#[rapace(message = {message}z{n})]\n{indent}{method}"));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn every_identifier_of_an_expansion_is_tried_as_a_name() {
    let names = names();
    assert!(names.len() > 80, "{names:?}");
    let written = written(&names);
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(PATH, written).expect("the tests are beside this crate");
        return;
    }
    let tried = std::fs::read_to_string(PATH).expect("it was made");
    assert!(
        tried == written,
        "the expansion uses other names than are tried: UPDATE=1 cargo test -p rapace-macros"
    );
}
