//! One JSON object a line.

use super::figures::Figures;
use super::options::Options;
use super::point::Point;

/// Times in nanoseconds; what could not be measured is null.
pub(super) fn line(case: &str, point: &Point, options: &Options, figures: &Figures) -> String {
    let Point { bytes, inflight } = point;
    format!(
        "{{\"case\":{case:?},\"bytes\":{bytes},\"inflight\":{inflight},\"runtime\":{:?},\"pin\":{},\
         \"p50_ns\":{},\"p99_ns\":{},\"per_s\":{},\"cpu_ns\":{},\"syscalls\":{},\"floor_p50_ns\":{},\
         \"ratio\":{},\"of_one\":{},\"floor_of_one\":{}}}",
        options.setting.runtime.name(),
        options.setting.pin,
        number(Some(figures.p50), 1),
        number(Some(figures.p99), 1),
        number(Some(figures.per_s), 1),
        number(Some(figures.cpu_here + figures.cpu_there), 1),
        number(figures.syscalls, 3),
        number(figures.floor_p50, 1),
        number(figures.ratio, 3),
        number(figures.scaling.map(|scaling| scaling.subject), 3),
        number(figures.scaling.map(|scaling| scaling.floor), 3),
    )
}

fn number(value: Option<f64>, digits: usize) -> String {
    match value {
        Some(value) if value.is_finite() => format!("{value:.digits$}"),
        _ => "null".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_keys_are_all_there_and_nothing_is_not_a_number() {
        let figures = Figures {
            min: 1.0,
            p50: 1234.56,
            p99: 2.0,
            mean: 3.0,
            per_s: f64::INFINITY,
            cpu_here: 1.0,
            cpu_there: 2.0,
            syscalls: Some(6.0),
            floor_p50: None,
            ratio: Some(2.0),
            scaling: None,
            rounds: 1,
        };
        let point = Point {
            bytes: 16,
            inflight: 1,
        };
        assert_eq!(
            line("ask", &point, &Options::default(), &figures),
            "{\"case\":\"ask\",\"bytes\":16,\"inflight\":1,\"runtime\":\"ct\",\"pin\":false,\
             \"p50_ns\":1234.6,\"p99_ns\":2.0,\"per_s\":null,\"cpu_ns\":3.0,\"syscalls\":6.000,\
             \"floor_p50_ns\":null,\"ratio\":2.000,\"of_one\":null,\"floor_of_one\":null}"
        );
    }
}
