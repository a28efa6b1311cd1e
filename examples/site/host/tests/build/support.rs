//! A site to build, the executables, and helpers to inspect the output.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;

use facet::Facet;

/// The directory of the executables. They exist if all tests are run; a run of this package alone builds them
/// now.
pub(crate) static PROGRAMS: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_BIN_EXE_site"))
        .parent()
        .expect("a folder")
        .to_owned();
    let names = [
        "in-process",
        "highlight",
        "images",
        "links",
        "markdown",
        "search",
    ];
    let missing: Vec<String> = names
        .iter()
        .map(|name| format!("site-{name}"))
        .filter(|name| !folder.join(name).exists())
        .collect();
    if !missing.is_empty() {
        let mut build = Command::new(env!("CARGO"));
        build
            .arg("build")
            .arg("--target-dir")
            .arg(folder.parent().expect("a target directory"));
        if folder.ends_with("release") {
            build.arg("--release");
        }
        for name in &missing {
            build.args(["-p", name]);
        }
        assert!(
            build.status().expect("cargo starts").success(),
            "{missing:?} cannot be built"
        );
    }
    folder
});

/// The program `site`.
pub(crate) fn site() -> Command {
    Command::new(PROGRAMS.join("site"))
}

/// Builds a site, and returns the program's output.
pub(crate) fn build(content: &Path, out: &Path, flags: &[&str]) -> Output {
    site()
        .arg("build")
        .arg(content)
        .arg("--out")
        .arg(out)
        .args(flags)
        .output()
        .expect("the program starts")
}

/// Returns the last line of the output, as JSON.
pub(crate) fn report(output: &Output) -> Report {
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let said = String::from_utf8(output.stdout.clone()).expect("UTF-8");
    let last = said.lines().last().expect("a line");
    facet_json::from_str(last).expect("the line of JSON")
}

/// The output of `--json`.
#[derive(Debug, Facet)]
pub(crate) struct Report {
    pub(crate) pages: u64,
    pub(crate) images: u64,
    pub(crate) elapsed_ms: u64,
    pub(crate) kills: u64,
    pub(crate) problems: u64,
    pub(crate) plugins: Vec<PluginReport>,
}

#[derive(Debug, Facet)]
pub(crate) struct PluginReport {
    pub(crate) name: String,
    pub(crate) calls: u64,
    pub(crate) streams: u64,
    pub(crate) bytes_in: u64,
    pub(crate) bytes_out: u64,
    pub(crate) restarts: u64,
    pub(crate) redelivered: u64,
    pub(crate) retried: u64,
    pub(crate) failed: u64,
    pub(crate) p50_us: u64,
    pub(crate) p99_us: u64,
}

impl Report {
    pub(crate) fn plugin(&self, name: &str) -> &PluginReport {
        self.plugins
            .iter()
            .find(|plugin| plugin.name == name)
            .expect("a plugin of that name")
    }
}

/// A site with work for every plugin.
pub(crate) struct Content {
    folder: tempfile::TempDir,
}

impl Content {
    pub(crate) fn empty() -> Self {
        Self {
            folder: tempfile::tempdir().expect("a folder"),
        }
    }

    /// Thirty pages with code, links and footnotes, and three images.
    pub(crate) fn full() -> Self {
        let content = Self::empty();
        for number in 0..30 {
            let next = (number + 1) % 30;
            let text = format!(
                "# Page {number}\n\nSee [the next](page-{next}.md#more-on-{next}).[^1]\n\n```rust\nfn f{number}() {{}}\n```\n\n\
                 ```console\n$ cargo run\n```\n\n## More on {number}\n\n![A picture](img/{}.png)\n\n\
                 | a | b |\n|---|--:|\n| {number} | 2 |\n\n[^1]: A note.\n\n{}\n",
                number % 3,
                "Some words to be found again. ".repeat(200),
            );
            content.write(&format!("guide/page-{number}.md"), text.as_bytes());
        }
        for number in 0..3 {
            content.write(&format!("guide/img/{number}.png"), &png(700 + number, 300));
        }
        content.write(
            "README.md",
            b"# The site\n\nStart [here](guide/page-0.md).\n",
        );
        content.write("notes.txt", b"copied as it is");
        content
    }

    pub(crate) fn write(&self, path: &str, bytes: &[u8]) {
        let path = self.path().join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, bytes).expect("a file");
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// Makes a picture that compresses badly.
pub(crate) fn png(width: u32, height: u32) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, width, height);
    encoder.set_color(png::ColorType::Rgb);
    let mut state = width;
    let mut noise = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state as u8
    };
    let pixels: Vec<u8> = (0..width * height * 3).map(|_| noise()).collect();
    let mut writer = encoder.write_header().expect("a header");
    writer.write_image_data(&pixels).expect("pixels");
    writer.finish().expect("an end");
    file
}

/// Returns every file below a directory, with its bytes.
pub(crate) fn tree(root: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path
                    .strip_prefix(root)
                    .expect("inside")
                    .display()
                    .to_string();
                files.insert(name, fs::read(&path).expect("a file"));
            }
        }
    }
    files
}

/// Asserts that two directories are equal; names the files that differ.
pub(crate) fn assert_same(one: &Path, other: &Path) {
    let (one, other) = (tree(one), tree(other));
    let names = one.keys().chain(other.keys());
    let different: Vec<&String> = names
        .filter(|name| one.get(*name) != other.get(*name))
        .collect();
    assert!(different.is_empty(), "these differ: {different:?}");
    assert!(!one.is_empty(), "nothing was built");
}

/// Returns the chapters of the Rust book, if they lie beside the checkout.
pub(crate) fn book() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../../shared/corpus/rust-book");
    let found = folder.is_dir().then_some(folder);
    if found.is_none() {
        println!("skipped: the corpus is not here");
    }
    found
}
