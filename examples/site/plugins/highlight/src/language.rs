//! Finds the grammar for the word after a fence.

use syntect::parsing::{SyntaxReference, SyntaxSet};

/// How a block is highlighted.
pub(crate) enum Language<'a> {
    /// Not at all.
    Plain,
    /// As commands after a prompt, and their output.
    Console { shell: &'a SyntaxReference },
    /// By a grammar.
    Grammar(&'a SyntaxReference),
}

impl<'a> Language<'a> {
    /// Finds the language with this name.
    pub(crate) fn find(grammars: &'a SyntaxSet, name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase();
        let token = match name.as_str() {
            "" | "text" | "txt" | "plain" | "plaintext" | "output" | "none" => {
                return Some(Self::Plain);
            }
            // PowerShell has no grammar; in documentation, it is typed after a prompt.
            "console" | "shell-session" | "terminal" | "powershell" | "pwsh" | "ps1" => {
                let shell = grammars.find_syntax_by_token("sh")?;
                return Some(Self::Console { shell });
            }
            // Common names that the grammars do not use.
            "cmd" | "batch" => "bat",
            "shell" | "zsh" => "sh",
            "jsonc" | "json5" => "json",
            "c++" => "cpp",
            "c#" => "cs",
            other => other,
        };
        grammars.find_syntax_by_token(token).map(Self::Grammar)
    }

    /// Returns its name, for display.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Plain => "Text",
            Self::Console { .. } => "Console",
            Self::Grammar(grammar) => match grammar.name.as_str() {
                "Bourne Again Shell (bash)" => "Shell",
                name => name,
            },
        }
    }
}
