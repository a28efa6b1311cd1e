//! The handbook's tables of the protocol are rendered from the code: numbers and limits from its
//! values, meanings from its doc comments.
//! `UPDATE=1 cargo test -p rapace-session --test protocol_page` rewrites them.

use std::collections::HashMap;

use rapace_layering::{assert_table, doc_comments, module_tables};
use rapace_session::limits::{
    MAX_CHANNELS, MAX_HELLO, MAX_METADATA, MAX_METHODS, MAX_NAME, MAX_SERVICES, MAX_STREAMS,
    MAX_TEXT,
};
use rapace_session::{
    ChannelId, Flags, FrameType, Header, MAX_WINDOW, PROTOCOL_VERSION, RemoteError, Status,
};

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/protocol.md");

/// The doc comments of a file in `src`.
struct Docs(HashMap<String, String>);

impl Docs {
    fn of(file: &str) -> Self {
        let file = format!("{}/src/{file}", env!("CARGO_MANIFEST_DIR"));
        Self(doc_comments(file).unwrap())
    }

    fn get(&self, name: &str) -> &str {
        let found = self.0.get(name).filter(|doc| !doc.is_empty());
        found.unwrap_or_else(|| panic!("{name} has no doc comment"))
    }
}

fn table(head: &str, rows: impl Iterator<Item = String>) -> String {
    let columns = head.matches('|').count() - 1;
    let lines = [head.to_owned(), format!("|{}", "---|".repeat(columns))];
    lines.into_iter().chain(rows).collect::<Vec<_>>().join("\n")
}

/// Formats a number with commas between thousands.
fn number(value: usize) -> String {
    match value {
        0..1000 => value.to_string(),
        _ => format!("{},{:03}", number(value / 1000), value % 1000),
    }
}

fn frame_types() -> impl Iterator<Item = FrameType> {
    (0..=u8::MAX).filter_map(FrameType::from_byte)
}

#[test]
fn every_field_of_a_header_is_on_the_page() {
    let docs = Docs::of("wire/frame/mod.rs");
    // A new field must be added to `all`: this does not compile without it.
    let Header {
        frame_type: _,
        flags: _,
        channel: _,
        call: _,
        method: _,
        credits: _,
    } = Header::new(FrameType::Hello, ChannelId::SESSION);
    let all = [
        "frame_type",
        "flags",
        "channel",
        "call",
        "method",
        "credits",
    ];
    let rows = all.iter().map(|field| {
        let meaning = docs.get(&format!("Header::{field}"));
        format!("| {} | {meaning} |", field.replace('_', " "))
    });
    assert_table(PAGE, &table("| field | meaning |", rows));
}

#[test]
fn the_parts_of_a_payload_are_on_the_page() {
    let file = format!("{}/src/wire/message_body.rs", env!("CARGO_MANIFEST_DIR"));
    assert_table(PAGE, &module_tables(file).unwrap()[0]);
    let file = format!("{}/src/wire/transfer.rs", env!("CARGO_MANIFEST_DIR"));
    for table in module_tables(file).unwrap() {
        assert_table(PAGE, &table);
    }
}

#[test]
fn every_frame_type_is_on_the_page_with_its_number_and_its_payload() {
    let docs = Docs::of("wire/frame/frame_type.rs");
    let rows = frame_types().map(|frame_type| {
        let payload = match (frame_type, frame_type.max_payload()) {
            (FrameType::Hello, _) => format!("up to {} bytes", number(MAX_HELLO)),
            (FrameType::Fragment, _) => "[fragment](#fragments)".to_owned(),
            (_, Some(0)) => "none".to_owned(),
            (_, Some(most)) => format!("up to {} bytes", number(most)),
            (_, None) => "[message](#a-payload)".to_owned(),
        };
        let meaning = docs.get(&format!("FrameType::{frame_type:?}"));
        format!(
            "| {} | `{frame_type:?}` | {payload} | {meaning} |",
            frame_type as u8
        )
    });
    assert_table(PAGE, &table("| | frame type | payload | meaning |", rows));
}

#[test]
fn every_flag_is_on_the_page_with_the_frames_that_may_have_it() {
    let docs = Docs::of("wire/frame/flags.rs");
    let all = [
        ("ONEWAY", Flags::ONEWAY),
        ("BLOBS", Flags::BLOBS),
        ("METADATA", Flags::METADATA),
        ("CLIENT_STREAM", Flags::CLIENT_STREAM),
        ("SERVER_STREAM", Flags::SERVER_STREAM),
        ("FRAGMENTED", Flags::FRAGMENTED),
    ];
    let known = all.iter().fold(0, |known, (_, flag)| known | flag.bits());
    for bits in 0..=u8::MAX {
        assert_eq!(Flags::from_bits(bits).is_some(), bits & !known == 0);
    }
    let rows = all.iter().map(|(name, flag)| {
        let allowed = frame_types().filter(|frame_type| frame_type.allows(*flag));
        let allowed = allowed.map(|frame_type| format!("`{frame_type:?}`"));
        let allowed = allowed.collect::<Vec<_>>().join(", ");
        let meaning = docs.get(&format!("Flags::{name}"));
        format!("| {} `{name}` | {allowed} | {meaning} |", flag.bits())
    });
    assert_table(PAGE, &table("| flag | on | meaning |", rows));
}

#[test]
fn every_status_and_every_code_of_a_remote_error_is_on_the_page() {
    let docs = Docs::of("wire/frame/frame_type.rs");
    let rows = (0..=u32::from(u8::MAX)).filter_map(|word| {
        let status = Status::from_word(word)?;
        let meaning = docs.get(&format!("Status::{status:?}"));
        Some(format!("| {word} `{status:?}` | {meaning} |"))
    });
    assert_table(PAGE, &table("| status | meaning |", rows));

    let docs = Docs::of("wire/remote_error.rs");
    let rows = (0..=u8::MAX).filter_map(|code| {
        let error = RemoteError::from_bytes(&[code]);
        let shown = format!("{error:?}");
        let name = shown.split('(').next()?;
        let meaning = docs.get(&format!("RemoteError::{name}"));
        // Unknown codes are read as another error.
        (error.parts().0 == code).then(|| format!("| {code} `{name}` | {meaning} |"))
    });
    assert_table(PAGE, &table("| remote error | meaning |", rows));
}

#[test]
fn every_limit_is_on_the_page() {
    let docs = Docs::of("wire/limits.rs");
    let all = [
        ("MAX_HELLO", MAX_HELLO),
        ("MAX_SERVICES", MAX_SERVICES),
        ("MAX_METHODS", MAX_METHODS),
        ("MAX_NAME", MAX_NAME),
        ("MAX_CHANNELS", MAX_CHANNELS as usize),
        ("MAX_STREAMS", MAX_STREAMS as usize),
        ("MAX_WINDOW", MAX_WINDOW as usize),
        ("MAX_METADATA", MAX_METADATA),
        ("MAX_TEXT", MAX_TEXT),
    ];
    let row = |(name, value): (&str, usize)| {
        let text = docs.get(name);
        // The reason for a number is for readers of the code only.
        let text = text.split(". ").next().unwrap_or(text);
        format!("| {} | {} |", text.trim_end_matches('.'), number(value))
    };
    assert_table(PAGE, &table("| at most | |", all.into_iter().map(row)));
}

#[test]
fn the_page_is_about_this_version() {
    let page = std::fs::read_to_string(PAGE).unwrap();
    assert!(page.contains(&format!("\n\nVersion {PROTOCOL_VERSION}. ")));
    assert!(page.contains(&format!("protocol version: {PROTOCOL_VERSION} |")));
}
