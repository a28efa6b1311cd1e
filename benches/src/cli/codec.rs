//! The codec: a record to bytes and back as any case, then the bars that it is held to.

use std::process::ExitCode;

use rapace_measure::machine::Machine;

use super::case::Case;
use super::options::Options;
use super::single;
use super::table::nanos;
use crate::work::codec_bars::{Bar, measure};

pub(super) fn run(options: &Options, machine: &Machine) -> Result<ExitCode, String> {
    let ended = single::run(Case::Codec, options, machine)?;
    let bars = measure(options.time())?;
    if options.json {
        bars.iter().for_each(|bar| println!("{}", json(bar)));
    } else {
        print!("\n{}", table(&bars));
    }
    Ok(ended)
}

/// Prints a table for people.
fn table(bars: &[Bar]) -> String {
    let mut lines = vec![
        "processor time, medians of rounds in turn; the ratio is taken within each round"
            .to_owned(),
        format!(
            "{:<24}{:<24}{:>10}{:>10}  {:<26}{:>6}{:>6}",
            "value", "way", "rapace", "other", "", "ratio", "bar"
        ),
    ];
    for bar in bars {
        let note = if bar.holds() { "" } else { "  broken" };
        lines.push(format!(
            "{:<24}{:<24}{:>10}{:>10}  {:<26}{:>6.2}{:>6.1}{note}",
            bar.value,
            bar.way,
            nanos(bar.ours),
            nanos(bar.theirs),
            bar.other,
            bar.ratio,
            bar.limit,
        ));
    }
    lines.join("\n") + "\n"
}

/// One JSON object a line.
fn json(bar: &Bar) -> String {
    format!(
        "{{\"case\":\"codec\",\"value\":{:?},\"way\":{:?},\"other\":{:?},\"cpu_ns\":{:.1},\
         \"other_cpu_ns\":{:.1},\"ratio\":{:.3},\"bar\":{:.1},\"rounds\":{}}}",
        bar.value, bar.way, bar.other, bar.ours, bar.theirs, bar.ratio, bar.limit, bar.rounds
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bar(ratio: f64) -> Bar {
        Bar {
            value: "four integers",
            way: "decode",
            other: "serde + postcard",
            limit: 3.0,
            ours: 30.0,
            theirs: 20.0,
            ratio,
            rounds: 7,
        }
    }

    #[test]
    fn a_bar_that_is_broken_says_so() {
        assert!(!table(&[bar(3.0)]).contains("broken"));
        assert!(table(&[bar(3.01)]).contains("broken"));
    }

    #[test]
    fn a_line_has_all_keys() {
        assert_eq!(
            json(&bar(1.5)),
            "{\"case\":\"codec\",\"value\":\"four integers\",\"way\":\"decode\",\
             \"other\":\"serde + postcard\",\"cpu_ns\":30.0,\"other_cpu_ns\":20.0,\"ratio\":1.500,\
             \"bar\":3.0,\"rounds\":7}"
        );
    }
}
