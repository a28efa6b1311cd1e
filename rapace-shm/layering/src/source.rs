//! Finds the files that make up a crate, and the module that each is.

use std::fmt;
use std::path::{Path, PathBuf};

use syn::{Expr, ExprLit, Item, ItemMod, Lit, Meta};

use crate::cfg::only_in_tests;
use crate::scan::{Scan, scan};

/// A source file could not be read.
#[derive(Debug)]
pub struct ReadError {
    file: PathBuf,
    why: String,
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.file.display(), self.why)
    }
}

impl std::error::Error for ReadError {}

impl ReadError {
    pub(crate) fn new(file: &Path, why: String) -> Self {
        Self {
            file: file.to_owned(),
            why,
        }
    }
}

/// A module. The first of a crate is its root.
#[derive(Debug)]
pub(crate) struct Module {
    pub(crate) name: String,
    pub(crate) parent: Option<usize>,
    /// Its place in [`Crate::files`].
    pub(crate) file: usize,
    pub(crate) scan: Scan,
}

/// The modules of a crate in builds other than those of tests, and their files.
#[derive(Debug)]
pub(crate) struct Crate {
    /// Relative to the folder of the root, with `/` between names.
    pub(crate) files: Vec<String>,
    pub(crate) modules: Vec<Module>,
    folder: PathBuf,
}

/// Where the files of a module's children lie.
struct Place {
    /// The folder that holds the file.
    folder: PathBuf,
    /// The folder that holds the files of child modules.
    children: PathBuf,
}

impl Crate {
    /// Reads a crate. `source` is a folder with a `lib.rs` or a `main.rs`, or the root file itself.
    pub(crate) fn read(source: &Path) -> Result<Self, ReadError> {
        let root = if source.is_dir() {
            let library = source.join("lib.rs");
            if library.exists() {
                library
            } else {
                source.join("main.rs")
            }
        } else {
            source.to_owned()
        };
        let folder = root.parent().unwrap_or(Path::new("")).to_owned();
        let mut read = Self {
            files: Vec::new(),
            modules: Vec::new(),
            folder: folder.clone(),
        };
        let place = Place {
            folder: folder.clone(),
            children: folder,
        };
        read.file(&root, String::new(), None, place)?;
        Ok(read)
    }

    fn file(
        &mut self,
        file: &Path,
        name: String,
        parent: Option<usize>,
        place: Place,
    ) -> Result<(), ReadError> {
        let error = |why: String| ReadError::new(file, why);
        let text = std::fs::read_to_string(file).map_err(|why| error(why.to_string()))?;
        let parsed = syn::parse_file(&text).map_err(|why| error(why.to_string()))?;
        if only_in_tests(&parsed.attrs) {
            return Ok(());
        }
        let relative = file.strip_prefix(&self.folder).unwrap_or(file);
        self.files
            .push(relative.to_string_lossy().replace('\\', "/"));
        self.module(&parsed.items, name, parent, self.files.len() - 1, &place)
    }

    fn module(
        &mut self,
        items: &[Item],
        name: String,
        parent: Option<usize>,
        file: usize,
        place: &Place,
    ) -> Result<(), ReadError> {
        let index = self.modules.len();
        self.modules.push(Module {
            name,
            parent,
            file,
            scan: scan(items),
        });
        for item in items {
            let Item::Mod(item) = item else { continue };
            if only_in_tests(&item.attrs) {
                continue;
            }
            let name = item.ident.to_string();
            match &item.content {
                Some((_, items)) => {
                    let place = Place {
                        folder: place.children.join(&name),
                        children: place.children.join(&name),
                    };
                    self.module(items, name, Some(index), file, &place)?;
                }
                None => {
                    let (file, place) = locate(item, place);
                    self.file(&file, name, Some(index), place)?;
                }
            }
        }
        Ok(())
    }
}

/// Returns the file of `mod name;`.
fn locate(item: &ItemMod, place: &Place) -> (PathBuf, Place) {
    let name = item.ident.to_string();
    let folder = place.children.join(&name);
    if let Some(path) = explicit_path(item) {
        let file = place.folder.join(path);
        let folder = file.parent().unwrap_or(Path::new("")).to_owned();
        let children = folder.clone();
        return (file, Place { folder, children });
    }
    let beside = place.children.join(format!("{name}.rs"));
    if beside.exists() {
        let place = Place {
            folder: place.children.clone(),
            children: folder,
        };
        return (beside, place);
    }
    let file = folder.join("mod.rs");
    let children = folder.clone();
    (file, Place { folder, children })
}

/// Returns the value of `#[path = "…"]`.
fn explicit_path(item: &ItemMod) -> Option<String> {
    item.attrs.iter().find_map(|attribute| {
        let Meta::NameValue(meta) = &attribute.meta else {
            return None;
        };
        match &meta.value {
            Expr::Lit(ExprLit {
                lit: Lit::Str(path),
                ..
            }) if meta.path.is_ident("path") => Some(path.value()),
            _ => None,
        }
    })
}
