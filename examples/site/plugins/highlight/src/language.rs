//! From the word after a fence to a grammar.

use syntect::parsing::{SyntaxReference, SyntaxSet};

/// How a block is read.
pub(crate) enum Language<'a> {
    /// As it is.
    Plain,
    /// Commands behind a prompt, and what they print.
    Console { shell: &'a SyntaxReference },
    /// By a grammar.
    Grammar(&'a SyntaxReference),
}

impl<'a> Language<'a> {
    /// The language that goes by this name, if any does.
    pub(crate) fn find(grammars: &'a SyntaxSet, name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase();
        let token = match name.as_str() {
            "" | "text" | "txt" | "plain" | "plaintext" | "output" | "none" => {
                return Some(Self::Plain);
            }
            // There is no grammar for PowerShell; in documentation, it is typed behind a prompt.
            "console" | "shell-session" | "terminal" | "powershell" | "pwsh" | "ps1" => {
                let shell = grammars.find_syntax_by_token("sh")?;
                return Some(Self::Console { shell });
            }
            // Names that writers use and the grammars do not.
            "cmd" | "batch" => "bat",
            "shell" | "zsh" => "sh",
            "jsonc" | "json5" => "json",
            "c++" => "cpp",
            "c#" => "cs",
            other => other,
        };
        grammars.find_syntax_by_token(token).map(Self::Grammar)
    }

    /// Its name, for the reader.
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
