//! The supervision example prints the expected output.

use std::process::Command;

mod group {
    pub(crate) mod program;
}

const EXPECTED: &str = include_str!("supervision.expected.txt");

#[test]
fn it_prints_what_is_expected() {
    let program = group::program::path();
    let output = Command::new(&program).output();
    let output = output.unwrap_or_else(|why| panic!("{} does not start: {why}", program.display()));
    let printed = normalised(&String::from_utf8_lossy(&output.stdout));
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{}: {complaints}{printed}",
        output.status
    );
    for (number, (printed, expected)) in printed.lines().zip(EXPECTED.lines()).enumerate() {
        assert_eq!(printed, expected, "line {}", number + 1);
    }
    assert_eq!(
        printed, EXPECTED,
        "one of them goes on after the other has ended"
    );
    assert_eq!(complaints, "", "on stderr");
}

/// Replaces process ids and ages, which differ from run to run.
fn normalised(text: &str) -> String {
    let text = numbers_after(text, "process ", "PID", |_| true);
    numbers_after(&text, " after ", "AGE", |number| number.ends_with('s'))
}

/// Replaces each number that follows `word` and `fits` by `name`.
fn numbers_after(text: &str, word: &str, name: &str, fits: impl Fn(&str) -> bool) -> String {
    let mut parts = text.split(word);
    let mut result = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part
            .find(|c: char| !(c.is_ascii_alphanumeric() || c == '.' || c == 'µ'))
            .unwrap_or(part.len());
        let (number, rest) = part.split_at(end);
        let is_number = number.starts_with(|c: char| c.is_ascii_digit()) && fits(number);
        result += word;
        result += if is_number { name } else { number };
        result += rest;
    }
    result
}

#[test]
fn only_ids_and_ages_are_normalised() {
    let text = "is ready (process 123)\nexited with code 70 after 1.5ms; tried 30s after 2 starts";
    let expected =
        "is ready (process PID)\nexited with code 70 after AGE; tried 30s after 2 starts";
    assert_eq!(normalised(text), expected);
}
