//! Finds the file that defines the item a path names.
//!
//! The rules are those of the language, as far as the sources show them: a path begins at the crate, at the module
//! it stands in or above that; a name in a module is an item, a child module, an import, or comes from a glob.

use std::collections::HashSet;

use crate::source::Crate;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Definition {
    /// An item, by the file that declares it.
    Item(usize),
    /// A module, by its place in [`Crate::modules`].
    Module(usize),
}

pub(crate) struct Names<'a> {
    source: &'a Crate,
    own_name: Option<&'a str>,
}

/// The names that are being resolved: a name that is needed to resolve itself is not found.
type Asked = HashSet<(usize, String, bool)>;

impl<'a> Names<'a> {
    pub(crate) fn new(source: &'a Crate) -> Self {
        let own_name = source
            .modules
            .iter()
            .find_map(|module| module.scan.own_name.as_deref());
        Self { source, own_name }
    }

    /// Resolves a path in this module; `None` if it leaves the crate.
    pub(crate) fn resolve(&self, module: usize, path: &[String]) -> Option<Definition> {
        self.walk(module, path, &mut Asked::new())
    }

    /// Returns the file of the only `macro_rules!` with this name.
    pub(crate) fn textual_macro(&self, name: &str) -> Option<usize> {
        let modules = self.source.modules.iter();
        let mut found = modules.filter(|module| module.scan.macros.contains(name));
        let first = found.next()?.file;
        found.all(|other| other.file == first).then_some(first)
    }

    fn walk(&self, module: usize, path: &[String], asked: &mut Asked) -> Option<Definition> {
        let (first, mut rest) = path.split_first()?;
        let mut found = match first.as_str() {
            "crate" => Definition::Module(0),
            "self" => Definition::Module(module),
            "super" => Definition::Module(self.source.modules[module].parent?),
            // `::name` is a crate; so is a name that is nothing else.
            "" => {
                let (name, after) = rest.split_first()?;
                rest = after;
                (self.own_name == Some(name)).then_some(Definition::Module(0))?
            }
            name => self
                .lookup(module, name, !rest.is_empty(), asked)
                .or_else(|| (self.own_name == Some(name)).then_some(Definition::Module(0)))?,
        };
        for (index, name) in rest.iter().enumerate() {
            let Definition::Module(at) = found else { break };
            let more = index + 1 < rest.len();
            found = match name.as_str() {
                "super" => Definition::Module(self.source.modules[at].parent?),
                "self" => found,
                name => match self.lookup(at, name, more, asked) {
                    Some(found) => found,
                    // An import of something outside, or an item that a macro declares there.
                    None if self.is_imported(at, name) => return None,
                    None => Definition::Item(self.source.modules[at].file),
                },
            };
        }
        Some(found)
    }

    fn is_imported(&self, module: usize, name: &str) -> bool {
        self.source.modules[module].scan.imported.contains_key(name)
    }

    /// Looks up a name in a module. If more of the path follows, a module is preferred to a function.
    fn lookup(
        &self,
        module: usize,
        name: &str,
        more: bool,
        asked: &mut Asked,
    ) -> Option<Definition> {
        let question = (module, name.to_owned(), more);
        if !asked.insert(question.clone()) {
            return None;
        }
        let scan = &self.source.modules[module].scan;
        let declares = scan.items.contains(name) || scan.macros.contains(name);
        let item = || declares.then_some(Definition::Item(self.source.modules[module].file));
        let child = || {
            let is_child = |index: &usize| {
                let other = &self.source.modules[*index];
                other.parent == Some(module) && other.name == name
            };
            let child = (0..self.source.modules.len()).find(is_child);
            child.map(Definition::Module)
        };
        let declared = if more {
            child().or_else(item)
        } else {
            item().or_else(child)
        };
        let found = declared
            .or_else(|| {
                let mut imports = scan.imported.get(name).into_iter().flatten();
                imports.find_map(|path| self.walk(module, path, asked))
            })
            .or_else(|| {
                scan.globs
                    .iter()
                    .find_map(|glob| match self.walk(module, glob, asked) {
                        Some(Definition::Module(from)) => self.lookup(from, name, more, asked),
                        _ => None,
                    })
            });
        asked.remove(&question);
        found
    }
}
