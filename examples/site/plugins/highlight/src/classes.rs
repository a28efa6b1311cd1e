//! Maps a grammar's scopes to the few classes of the style sheet.
//!
//! - CS1: the innermost scope with a rule decides; within it, the first matching rule.
//! - CS2: punctuation ends the search without a class, unless it belongs to a string, a comment or a macro.

use syntect::parsing::Scope;

/// Which scopes get which class.
pub(crate) struct Classes {
    rules: Vec<(Scope, Option<&'static str>)>,
}

impl Classes {
    pub(crate) fn new() -> Self {
        let rules = RULES
            .iter()
            .map(|&(scope, class)| {
                let scope =
                    Scope::new(scope).expect("each rule names a scope of less than nine atoms");
                (scope, class)
            })
            .collect();
        Self { rules }
    }

    /// Returns the class of a token, given its scopes from the outermost to the innermost.
    pub(crate) fn of(&self, scopes: &[Scope]) -> Option<&'static str> {
        scopes
            .iter()
            .rev()
            .find_map(|&scope| self.rule(scope))
            .flatten()
    }

    fn rule(&self, scope: Scope) -> Option<Option<&'static str>> {
        let (_, class) = self
            .rules
            .iter()
            .find(|(rule, _)| rule.is_prefix_of(scope))?;
        Some(*class)
    }
}

/// The first rule that matches a scope applies.
const RULES: &[(&str, Option<&str>)] = &[
    ("comment", Some("c")),
    ("punctuation.definition.comment", Some("c")),
    ("constant.character.escape", Some("e")),
    ("constant.other.placeholder", Some("e")),
    ("punctuation.definition.string", Some("s")),
    ("string", Some("s")),
    ("constant", Some("n")),
    ("keyword.operator", Some("o")),
    ("keyword", Some("k")),
    ("storage.modifier.lifetime", Some("v")),
    ("entity.name.lifetime", Some("v")),
    ("punctuation.definition.lifetime", Some("v")),
    ("storage.type.numeric", Some("t")),
    ("storage", Some("k")),
    ("variable.language", Some("v")),
    ("variable.parameter", Some("v")),
    ("variable.function", Some("f")),
    ("entity.name.function", Some("f")),
    ("support.function", Some("f")),
    ("support.macro", Some("m")),
    ("entity.name.macro", Some("m")),
    ("entity.name.tag", Some("k")),
    ("entity.other.attribute-name", Some("a")),
    ("variable.annotation", Some("a")),
    ("meta.annotation", Some("a")),
    ("meta.attribute", Some("a")),
    ("entity.name", Some("t")),
    ("entity.other.inherited-class", Some("t")),
    ("support", Some("t")),
    ("markup.heading", Some("k")),
    ("markup.raw", Some("s")),
    ("markup.inserted", Some("s")),
    ("markup.deleted", Some("m")),
    ("punctuation", None),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn class(scopes: &[&str]) -> Option<&'static str> {
        let scopes: Vec<_> = scopes
            .iter()
            .map(|s| Scope::new(s).expect("a scope"))
            .collect();
        Classes::new().of(&scopes)
    }

    #[test]
    fn the_innermost_scope_with_a_rule_decides() {
        assert_eq!(
            class(&[
                "source.rust",
                "string.quoted",
                "constant.character.escape.rust"
            ]),
            Some("e")
        );
        assert_eq!(class(&["source.rust", "string.quoted.double"]), Some("s"));
        assert_eq!(class(&["source.rust", "meta.block"]), None);
    }

    #[test]
    fn the_special_case_is_found_before_the_general_one() {
        assert_eq!(class(&["keyword.operator.rust"]), Some("o"));
        assert_eq!(class(&["keyword.control.rust"]), Some("k"));
    }

    #[test]
    fn every_class_is_one_that_the_host_knows() {
        for (scope, class) in RULES {
            if let Some(class) = class {
                let known = site_api::highlight::CLASSES
                    .iter()
                    .any(|(name, _)| name == class);
                assert!(known, "{scope} has the unknown class {class}");
            }
        }
    }
}
