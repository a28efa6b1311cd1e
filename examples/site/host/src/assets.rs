//! The files that the builder adds to a site: style sheet, scripts, and the list of the index's chunks.

/// Files and their contents; paths are relative to the builder's own folder.
pub(crate) const FILES: [(&str, &str); 3] = [
    ("site.css", include_str!("../assets/site.css")),
    ("site.js", include_str!("../assets/site.js")),
    ("search.js", include_str!("../assets/search.js")),
];

/// The path of a chunk of the index, relative to the builder's own folder.
pub(crate) fn chunk_name(number: u32) -> String {
    format!("search/chunk-{number:03}.js")
}

/// The script that lists the chunks for the search box.
pub(crate) fn chunk_list(numbers: impl IntoIterator<Item = u32>) -> String {
    let names: Vec<String> = numbers
        .into_iter()
        .map(|number| format!("\"{}\"", chunk_name(number).trim_start_matches("search/")))
        .collect();
    format!("siteSearch.begin([{}]);\n", names.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_are_listed_by_the_names_they_are_written_under() {
        assert_eq!(chunk_name(7), "search/chunk-007.js");
        assert_eq!(
            chunk_list([0, 1]),
            "siteSearch.begin([\"chunk-000.js\",\"chunk-001.js\"]);\n"
        );
    }
}
