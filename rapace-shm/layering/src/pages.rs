//! Checks that a page of the handbook says what the code says: tables are rendered from the code, and compared.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use syn::{Attribute, Expr, ExprLit, ImplItem, Item, Lit, Meta};

use crate::source::ReadError;

/// Returns the doc comments of constants, variants, fields and associated constants in a file, by name: `FrameType::Hello`,
/// `MAX_TEXT`. Each is one line of Markdown, without links, since pages are read elsewhere.
///
/// # Errors
/// If the file cannot be read, or is not Rust.
pub fn doc_comments(file: impl AsRef<Path>) -> Result<HashMap<String, String>, ReadError> {
    let file = file.as_ref();
    let error = |why: String| ReadError::new(file, why);
    let text = fs::read_to_string(file).map_err(|why| error(why.to_string()))?;
    let parsed = syn::parse_file(&text).map_err(|why| error(why.to_string()))?;
    let mut found = HashMap::new();
    for item in parsed.items {
        match item {
            Item::Const(item) => {
                found.insert(item.ident.to_string(), docs(&item.attrs));
            }
            Item::Enum(item) => {
                for variant in &item.variants {
                    let name = format!("{}::{}", item.ident, variant.ident);
                    found.insert(name, docs(&variant.attrs));
                }
            }
            Item::Struct(item) => {
                for field in &item.fields {
                    if let Some(ident) = &field.ident {
                        found.insert(format!("{}::{ident}", item.ident), docs(&field.attrs));
                    }
                }
            }
            Item::Impl(item) => {
                let syn::Type::Path(of) = &*item.self_ty else {
                    continue;
                };
                let Some(of) = of.path.segments.last() else {
                    continue;
                };
                for part in &item.items {
                    if let ImplItem::Const(part) = part {
                        found.insert(format!("{}::{}", of.ident, part.ident), docs(&part.attrs));
                    }
                }
            }
            _ => {}
        }
    }
    Ok(found)
}

fn docs(attributes: &[Attribute]) -> String {
    let lines = attributes
        .iter()
        .filter_map(|attribute| match &attribute.meta {
            Meta::NameValue(meta) if meta.path.is_ident("doc") => match &meta.value {
                Expr::Lit(ExprLit {
                    lit: Lit::Str(line),
                    ..
                }) => Some(line.value().trim().to_owned()),
                _ => None,
            },
            _ => None,
        });
    without_links(&lines.collect::<Vec<_>>().join(" "))
}

/// Replaces `[text](target)` and ``[`Name`]`` by their texts.
fn without_links(markdown: &str) -> String {
    let mut out = String::new();
    let mut rest = markdown;
    while let Some((before, after)) = rest.split_once('[') {
        out.push_str(before);
        let in_code = out.matches('`').count() % 2 == 1;
        let link = after.split_once(']').filter(|_| !in_code);
        let Some((text, behind)) = link else {
            out.push('[');
            rest = after;
            continue;
        };
        out.push_str(text);
        rest = match behind
            .strip_prefix('(')
            .and_then(|target| target.split_once(')'))
        {
            Some((_, behind)) => behind,
            None => behind,
        };
    }
    out + rest
}

/// Returns the tables in a file's module documentation, each as its lines of Markdown.
///
/// # Errors
/// If the file cannot be read.
pub fn module_tables(file: impl AsRef<Path>) -> Result<Vec<String>, ReadError> {
    let file = file.as_ref();
    let text = fs::read_to_string(file).map_err(|why| ReadError::new(file, why.to_string()))?;
    let docs = text.lines().map_while(|line| line.strip_prefix("//!"));
    let docs = docs.map(str::trim).collect::<Vec<_>>();
    let tables = docs.split(|line| !line.starts_with('|'));
    let tables = tables.filter(|table| !table.is_empty());
    Ok(tables.map(|table| table.join("\n")).collect())
}

/// Asserts that a page has a table: one with the same first line, and the same to its end. With `UPDATE` in the
/// environment the page is rewritten instead.
///
/// # Panics
/// If the page has another table, or none with this first line.
#[track_caller]
pub fn assert_table(page: impl AsRef<Path>, table: &str) {
    // The tests of one program run at once, and may write to one page.
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let page = page.as_ref();
    let name = page.display();
    let text = fs::read_to_string(page).unwrap_or_else(|why| panic!("{name}: {why}"));
    let Some(updated) = with_table(&text, table) else {
        panic!("{name} has no table that begins as this one does:\n{table}");
    };
    if updated == text {
        return;
    }
    if std::env::var_os("UPDATE").is_some() {
        fs::write(page, updated).unwrap_or_else(|why| panic!("{name}: {why}"));
        return;
    }
    panic!(
        "{name} says something else than the code; with UPDATE=1 this test writes this table there:\n{table}"
    );
}

/// Returns the page with this table in place of the one with the same first line.
fn with_table(page: &str, table: &str) -> Option<String> {
    let first = table.lines().next()?;
    let lines = page.lines().collect::<Vec<_>>();
    let start = lines.iter().position(|line| *line == first)?;
    let length = lines[start..]
        .iter()
        .take_while(|line| line.starts_with('|'));
    let end = start + length.count();
    let parts = [
        &lines[..start],
        &table.lines().collect::<Vec<_>>(),
        &lines[end..],
    ];
    let end_of_file = if page.ends_with('\n') { "\n" } else { "" };
    Some(parts.concat().join("\n") + end_of_file)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "# Page\n\n| a | b |\n|---|---|\n| 1 | one |\n\nText.\n\n| c |\n|---|\n";

    #[test]
    fn a_table_is_found_by_its_first_line_and_replaced_as_a_whole() {
        let table = "| a | b |\n|---|---|\n| 1 | one |";
        assert_eq!(with_table(PAGE, table).as_deref(), Some(PAGE));
        let longer = "| a | b |\n|---|---|\n| 1 | one |\n| 2 | two |";
        let updated = with_table(PAGE, longer).unwrap();
        assert_eq!(
            updated,
            PAGE.replace("| 1 | one |", "| 1 | one |\n| 2 | two |")
        );
        assert_eq!(with_table(PAGE, "| d |\n|---|"), None);
    }

    #[test]
    fn links_are_their_texts() {
        let text = "A [`Status`], see [the page](crate::page), of [bytes](`u8`): `[u8; 4]`";
        assert_eq!(
            without_links(text),
            "A `Status`, see the page, of bytes: `[u8; 4]`"
        );
        assert_eq!(without_links("a [ b"), "a [ b");
    }
}
