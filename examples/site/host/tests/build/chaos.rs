//! The same site, built in every way.

use crate::support::{Content, Report, assert_same, book, build, report};

fn restarts(report: &Report) -> Vec<u64> {
    report
        .plugins
        .iter()
        .map(|plugin| plugin.restarts)
        .collect()
}

#[test]
fn processes_and_actors_build_the_same_site() {
    let content = Content::full();
    let out = tempfile::tempdir().expect("a folder");
    let (local, processes) = (out.path().join("local"), out.path().join("processes"));
    let in_process = report(&build(content.path(), &local, &["--in-process", "--json"]));
    let apart = report(&build(content.path(), &processes, &["--json"]));
    assert_same(&local, &processes);
    for report in [&in_process, &apart] {
        assert_eq!(
            (report.pages, report.images, report.kills, report.problems),
            (31, 3, 0, 0)
        );
        assert_eq!(report.plugin("markdown").calls, 31);
        assert_eq!(report.plugin("highlight").calls, 60);
        // For each image: header, decode, one resize, one encode.
        assert_eq!(report.plugin("images").calls, 12);
        assert_eq!(
            (
                report.plugin("search").streams,
                report.plugin("links").streams
            ),
            (1, 1)
        );
        assert!(
            report
                .plugins
                .iter()
                .all(|plugin| plugin.failed == 0 && plugin.restarts == 0)
        );
        assert!(
            report
                .plugins
                .iter()
                .all(|plugin| plugin.p50_us <= plugin.p99_us && plugin.p99_us > 0)
        );
    }
    let pixels = 3 * 700 * 300 * 3;
    assert!(
        apart.plugin("images").bytes_in > pixels,
        "decoded pixels come from the plugin"
    );
    assert_eq!(in_process.plugin("images").bytes_in, 0, "nothing crosses");
}

#[test]
fn killed_plugins_change_nothing_in_the_site() {
    let content = Content::full();
    let out = tempfile::tempdir().expect("a folder");
    let (calm, killed) = (out.path().join("calm"), out.path().join("killed"));
    report(&build(content.path(), &calm, &["--in-process", "--json"]));
    for seed in ["1", "2", "3"] {
        let report = report(&build(
            content.path(),
            &killed,
            &["--json", "--chaos", "25", "--seed", seed],
        ));
        assert_same(&calm, &killed);
        assert_eq!(report.kills, 25, "seed {seed}");
        assert_eq!(restarts(&report).iter().sum::<u64>(), 25, "seed {seed}");
        assert!(
            report.plugins.iter().all(|plugin| plugin.failed == 0),
            "seed {seed}: {report:?}"
        );
        let disturbed: u64 = report
            .plugins
            .iter()
            .map(|plugin| plugin.redelivered + plugin.retried)
            .sum();
        assert!(disturbed > 0, "seed {seed}: no kill met work: {report:?}");
    }
}

#[test]
fn a_seed_repeats_the_kills() {
    let content = Content::full();
    let out = tempfile::tempdir().expect("a folder");
    let run = |seed: &str| {
        let flags = ["--json", "--chaos", "20", "--seed", seed];
        restarts(&report(&build(content.path(), out.path(), &flags)))
    };
    let first = run("11");
    assert_eq!(run("11"), first);
    assert_ne!(run("12"), first);
}

#[test]
fn more_kills_than_work_all_happen() {
    let content = Content::empty();
    content.write("a.md", b"# A\n");
    let out = tempfile::tempdir().expect("a folder");
    let report = report(&build(
        content.path(),
        out.path(),
        &["--json", "--chaos", "12", "--seed", "4"],
    ));
    assert_eq!(report.kills, 12);
}

#[test]
fn a_book_is_built_completely_in_each_way() {
    let Some(book) = book() else { return };
    let out = tempfile::tempdir().expect("a folder");
    let dirs = ["local", "processes", "killed"].map(|name| out.path().join(name));
    let flags: [&[&str]; 3] = [
        &["--json", "--in-process"],
        &["--json"],
        &["--json", "--chaos", "20", "--seed", "1"],
    ];
    for (dir, flags) in dirs.iter().zip(flags) {
        let report = report(&build(&book, dir, flags));
        assert_eq!((report.pages, report.images), (112, 28), "{flags:?}");
        assert!(report.plugin("highlight").calls >= 950, "{flags:?}");
        assert_eq!(
            report.kills,
            if flags.contains(&"--chaos") { 20 } else { 0 }
        );
    }
    assert_same(&dirs[0], &dirs[1]);
    assert_same(&dirs[0], &dirs[2]);
}
