//! The texts of a crate's errors, compared with a file.

use std::error::Error;
use std::path::Path;
use std::{env, fs};

/// Asserts that the texts of these errors and of their sources are those in `file`, which lies in the crate's `folder`.
///
/// With `RAPACE_BLESS=1` the file is rewritten instead, so that a changed text shows in the diff as users will read it.
///
/// # Panics
/// If a text differs from the file's, repeats a part of itself, is repeated by its source, or names a duration of `0ns`.
pub fn assert_error_texts(folder: &str, file: &str, samples: Vec<(&'static str, Box<dyn Error>)>) {
    let mut texts = String::new();
    for (name, error) in samples {
        let text = error.to_string();
        texts += &format!("{name}\n    {}\n", text.replace('\n', "\n    "));
        let mut parts = text.split(": ").collect::<Vec<_>>();
        parts.dedup();
        assert_eq!(parts.join(": "), text, "{name} says something twice");
        assert!(!text.contains("0ns"), "{name}: {text}");
        let mut printed = text;
        let mut source = error.source();
        while let Some(cause) = source {
            let text = cause.to_string();
            assert!(
                !printed.contains(&text),
                "{name} repeats the text of its source: {text}"
            );
            texts += &format!("    source: {text}\n");
            printed = text;
            source = cause.source();
        }
    }
    let path = Path::new(folder).join(file);
    if env::var_os("RAPACE_BLESS").is_some() {
        fs::write(path, &texts).expect("the file can be written");
        return;
    }
    let known = fs::read_to_string(path).expect("the file is there");
    let differs = texts
        .lines()
        .zip(known.lines())
        .find(|(now, then)| now != then);
    assert_eq!(
        differs, None,
        "run again with RAPACE_BLESS=1 and look at the diff of {file}"
    );
    assert_eq!(
        texts.lines().count(),
        known.lines().count(),
        "run again with RAPACE_BLESS=1 and look at the diff of {file}"
    );
}
