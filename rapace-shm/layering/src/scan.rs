//! Finds the paths that a module contains, and the names that it declares.

use std::collections::{HashMap, HashSet};

use proc_macro2::{Span, TokenStream, TokenTree};
use syn::visit::{self, Visit};
use syn::{
    Attribute, Expr, ImplItem, Item, ItemUse, Macro, Meta, Path, Stmt, TraitItem, UseTree,
    Visibility,
};

use crate::cfg::only_in_tests;

/// Macros whose arguments are code of other crates.
const QUOTES: [&str; 4] = [
    "parse_quote",
    "parse_quote_spanned",
    "quote",
    "quote_spanned",
];

/// A path as a file contains it.
#[derive(Clone, Debug)]
pub(crate) struct Written {
    pub(crate) segments: Vec<String>,
    pub(crate) line: usize,
    pub(crate) place: Place,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Use,
    Glob,
    Code,
    Macro,
}

/// The names that one module declares, and the paths that it refers to. Nested modules are not part of it.
#[derive(Debug, Default)]
pub(crate) struct Scan {
    pub(crate) items: HashSet<String>,
    pub(crate) macros: HashSet<String>,
    /// Each imported name, with all paths that it stands for.
    pub(crate) imported: HashMap<String, Vec<Vec<String>>>,
    pub(crate) globs: Vec<Vec<String>>,
    pub(crate) written: Vec<Written>,
    /// The name that `extern crate self as …` gives the crate.
    pub(crate) own_name: Option<String>,
}

/// Scans everything that builds other than those of tests contain.
pub(crate) fn scan(items: &[Item]) -> Scan {
    let mut scan = Scan::default();
    for item in items {
        if only_in_tests(attributes(item)) {
            continue;
        }
        if let Some(name) = declared(item) {
            scan.items.insert(name);
        }
        if let Item::ExternCrate(item) = item
            && item.ident == "self"
            && let Some((_, name)) = &item.rename
        {
            scan.own_name = Some(name.to_string());
        }
        if !matches!(item, Item::Mod(_)) {
            scan.visit_item(item);
        }
    }
    scan
}

fn declared(item: &Item) -> Option<String> {
    let name = match item {
        Item::Const(item) => &item.ident,
        Item::Enum(item) => &item.ident,
        Item::Fn(item) => &item.sig.ident,
        Item::Static(item) => &item.ident,
        Item::Struct(item) => &item.ident,
        Item::Trait(item) => &item.ident,
        Item::Type(item) => &item.ident,
        Item::Union(item) => &item.ident,
        _ => return None,
    };
    Some(name.to_string())
}

pub(crate) fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::ExternCrate(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::ForeignMod(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Union(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

fn of_expression(expression: &Expr) -> &[Attribute] {
    match expression {
        Expr::Assign(expression) => &expression.attrs,
        Expr::Block(expression) => &expression.attrs,
        Expr::Call(expression) => &expression.attrs,
        Expr::ForLoop(expression) => &expression.attrs,
        Expr::If(expression) => &expression.attrs,
        Expr::Loop(expression) => &expression.attrs,
        Expr::Macro(expression) => &expression.attrs,
        Expr::Match(expression) => &expression.attrs,
        Expr::MethodCall(expression) => &expression.attrs,
        Expr::Return(expression) => &expression.attrs,
        Expr::Unsafe(expression) => &expression.attrs,
        Expr::While(expression) => &expression.attrs,
        _ => &[],
    }
}

impl Scan {
    fn add(&mut self, segments: Vec<String>, line: usize, place: Place) {
        self.written.push(Written {
            segments,
            line,
            place,
        });
    }

    fn add_path(&mut self, path: &Path, place: Place) {
        if let Some(first) = path.segments.first() {
            let line = line(first.ident.span());
            self.add(segments(path), line, place);
        }
    }

    fn add_use(&mut self, prefix: &[String], tree: &UseTree) {
        let with = |name: &str| {
            let mut path = prefix.to_vec();
            // `use a::b::{self}` is `use a::b`.
            if name != "self" || prefix.is_empty() {
                path.push(name.to_owned());
            }
            path
        };
        let (path, name, span) = match tree {
            UseTree::Path(tree) => {
                return self.add_use(&with(&tree.ident.to_string()), &tree.tree);
            }
            UseTree::Group(group) => {
                return group
                    .items
                    .iter()
                    .for_each(|tree| self.add_use(prefix, tree));
            }
            UseTree::Glob(glob) => {
                self.add(prefix.to_vec(), line(glob.star_token.spans[0]), Place::Glob);
                return self.globs.push(prefix.to_vec());
            }
            UseTree::Name(tree) => {
                let path = with(&tree.ident.to_string());
                let name = path.last().cloned().unwrap_or_default();
                (path, name, tree.ident.span())
            }
            UseTree::Rename(tree) => (
                with(&tree.ident.to_string()),
                tree.rename.to_string(),
                tree.ident.span(),
            ),
        };
        self.add(path.clone(), line(span), Place::Use);
        self.imported.entry(name).or_default().push(path);
    }

    /// Adds the paths in a macro's arguments: names with `::` between them, neither after a dot nor in a quotation.
    fn add_tokens(&mut self, tokens: TokenStream) {
        let tokens = tokens.into_iter().collect::<Vec<_>>();
        let punct = |at: usize, sign: char| match tokens.get(at) {
            Some(TokenTree::Punct(punct)) => punct.as_char() == sign,
            _ => false,
        };
        let mut at = 0;
        while let Some(token) = tokens.get(at) {
            at += 1;
            let first = match token {
                TokenTree::Group(group) => {
                    let quoted = at >= 3
                        && punct(at - 2, '!')
                        && matches!(&tokens[at - 3], TokenTree::Ident(name) if is_quote(&name.to_string()));
                    if !quoted {
                        self.add_tokens(group.stream());
                    }
                    continue;
                }
                TokenTree::Ident(first) => first,
                _ => continue,
            };
            let before = at.wrapping_sub(2);
            let after_dot = punct(before, '.') && !punct(before.wrapping_sub(1), '.');
            let external = punct(before, ':') && punct(before.wrapping_sub(1), ':');
            let line = line(first.span());
            let mut segments = vec![first.to_string()];
            while punct(at, ':')
                && punct(at + 1, ':')
                && let Some(TokenTree::Ident(next)) = tokens.get(at + 2)
            {
                segments.push(next.to_string());
                at += 3;
            }
            if external {
                segments.insert(0, String::new());
            }
            if !after_dot {
                self.add(segments, line, Place::Code);
            }
        }
    }
}

fn line(span: Span) -> usize {
    span.start().line
}

fn is_quote(name: &str) -> bool {
    QUOTES.contains(&name)
}

/// An external path (`::name::…`) begins with an empty segment.
fn segments(path: &Path) -> Vec<String> {
    let names = path
        .segments
        .iter()
        .map(|segment| segment.ident.to_string());
    let external = path.leading_colon.as_ref().map(|_| String::new());
    external.into_iter().chain(names).collect()
}

impl<'ast> Visit<'ast> for Scan {
    fn visit_item(&mut self, item: &'ast Item) {
        if !only_in_tests(attributes(item)) {
            visit::visit_item(self, item);
        }
    }

    fn visit_impl_item(&mut self, item: &'ast ImplItem) {
        let attributes: &[Attribute] = match item {
            ImplItem::Const(item) => &item.attrs,
            ImplItem::Fn(item) => &item.attrs,
            ImplItem::Type(item) => &item.attrs,
            ImplItem::Macro(item) => &item.attrs,
            _ => &[],
        };
        if !only_in_tests(attributes) {
            visit::visit_impl_item(self, item);
        }
    }

    fn visit_trait_item(&mut self, item: &'ast TraitItem) {
        let attributes: &[Attribute] = match item {
            TraitItem::Const(item) => &item.attrs,
            TraitItem::Fn(item) => &item.attrs,
            TraitItem::Type(item) => &item.attrs,
            TraitItem::Macro(item) => &item.attrs,
            _ => &[],
        };
        if !only_in_tests(attributes) {
            visit::visit_trait_item(self, item);
        }
    }

    fn visit_stmt(&mut self, statement: &'ast Stmt) {
        let attributes = match statement {
            Stmt::Local(local) => &local.attrs,
            Stmt::Macro(call) => &call.attrs,
            Stmt::Item(item) => attributes(item),
            Stmt::Expr(expression, _) => of_expression(expression),
        };
        if !only_in_tests(attributes) {
            visit::visit_stmt(self, statement);
        }
    }

    fn visit_field(&mut self, field: &'ast syn::Field) {
        if !only_in_tests(&field.attrs) {
            visit::visit_field(self, field);
        }
    }

    fn visit_field_value(&mut self, field: &'ast syn::FieldValue) {
        if !only_in_tests(&field.attrs) {
            visit::visit_field_value(self, field);
        }
    }

    fn visit_variant(&mut self, variant: &'ast syn::Variant) {
        if !only_in_tests(&variant.attrs) {
            visit::visit_variant(self, variant);
        }
    }

    fn visit_arm(&mut self, arm: &'ast syn::Arm) {
        if !only_in_tests(&arm.attrs) {
            visit::visit_arm(self, arm);
        }
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        let external = item.leading_colon.as_ref().map(|_| String::new());
        self.add_use(external.as_slice(), &item.tree);
    }

    fn visit_path(&mut self, path: &'ast Path) {
        self.add_path(path, Place::Code);
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'ast Macro) {
        self.add_path(&call.path, Place::Macro);
        let name = call.path.segments.last().map(|last| last.ident.to_string());
        if !name.is_some_and(|name| is_quote(&name)) {
            self.add_tokens(call.tokens.clone());
        }
    }

    fn visit_item_macro(&mut self, item: &'ast syn::ItemMacro) {
        if let Some(name) = &item.ident {
            self.macros.insert(name.to_string());
        }
        self.visit_macro(&item.mac);
    }

    /// Derives and their helpers name items; documentation and conditions do not.
    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        let path = attribute.path();
        if !["cfg", "doc", "expect", "allow"]
            .iter()
            .any(|other| path.is_ident(other))
            && let Meta::List(list) = &attribute.meta
        {
            self.add_tokens(list.tokens.clone());
        }
    }

    /// `pub(in path)` uses nothing of `path`.
    fn visit_visibility(&mut self, _: &'ast Visibility) {}
}
