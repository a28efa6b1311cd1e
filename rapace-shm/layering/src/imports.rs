//! The list of imports: which file uses which other file.

use std::collections::HashSet;
use std::fmt;
use std::path::Path;

use crate::names::{Definition, Names};
use crate::scan::{Place, Written};
use crate::source::{Crate, ReadError};

/// One use of a file by another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Import {
    /// The file that uses the other, relative to the folder that was read.
    pub from: String,
    /// The line of the first such path.
    pub line: usize,
    /// The file that defines what is used.
    pub to: String,
    /// The path as it is written.
    pub path: String,
}

impl fmt::Display for Import {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}:{} uses {} ({})",
            self.from, self.line, self.to, self.path
        )
    }
}

/// The files of a crate and their imports of each other.
#[derive(Clone, Debug, Default)]
pub struct Imports {
    /// All files, in the order in which modules declare them; those of test builds only are left out.
    pub files: Vec<String>,
    /// The imports, in the order of files and lines. A file that imports several items of another has several.
    pub list: Vec<Import>,
}

/// Reads the crate in a folder with a `lib.rs` or a `main.rs`, or whose root is the given file.
///
/// # Errors
/// If a file is missing, or is not Rust.
pub fn imports(source: impl AsRef<Path>) -> Result<Imports, ReadError> {
    let source = Crate::read(source.as_ref())?;
    let names = Names::new(&source);
    let mut list = Vec::new();
    for (index, module) in source.modules.iter().enumerate() {
        for written in &module.scan.written {
            let Some(to) = target(&source, &names, index, written) else {
                continue;
            };
            if to != module.file {
                list.push(Import {
                    from: source.files[module.file].clone(),
                    line: written.line,
                    to: source.files[to].clone(),
                    path: written.segments.join("::"),
                });
            }
        }
    }
    list.sort();
    // The first line of each path is enough.
    let mut seen = HashSet::new();
    list.retain(|import: &Import| {
        seen.insert((import.from.clone(), import.to.clone(), import.path.clone()))
    });
    Ok(Imports {
        files: source.files,
        list,
    })
}

/// Returns the file that a path in a module refers to; `None` if it is none of the crate.
fn target(source: &Crate, names: &Names<'_>, module: usize, written: &Written) -> Option<usize> {
    let is_name = written.segments.len() == 1;
    let imported = &source.modules[module].scan.imported;
    if written.place == Place::Code && is_name && imported.contains_key(&written.segments[0]) {
        // The `use` line counts.
        return None;
    }
    match (written.place, names.resolve(module, &written.segments)) {
        (_, Some(Definition::Item(file))) => Some(file),
        // A variable may have the name of a module.
        (Place::Code, Some(Definition::Module(_))) if is_name => None,
        (_, Some(Definition::Module(module))) => Some(source.modules[module].file),
        (Place::Macro, None) if is_name => names.textual_macro(&written.segments[0]),
        (_, None) => None,
    }
}
