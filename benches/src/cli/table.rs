//! The output for people.

use std::fmt::Write;

use rapace_measure::machine::Machine;

use super::case::Floor;
use super::figures::Figures;
use super::options::Options;
use super::plan::Plan;

/// One case beside its floor.
pub(super) fn one(plan: &Plan, options: &Options, machine: &Machine, figures: &Figures) -> String {
    let point = &plan.point;
    let mut lines = vec![head(machine, options)];
    let mut line = |name: &str, value: String| lines.push(format!("{name:<16}{value}"));
    line(
        "case",
        format!(
            "{}, {} bytes, {} under way; an operation is a {}",
            plan.label,
            point.bytes,
            point.inflight,
            plan.case.operation()
        ),
    );
    line("min", nanos(figures.min));
    line("p50", nanos(figures.p50));
    line("p99", nanos(figures.p99));
    line("mean", nanos(figures.mean));
    line("a second", format!("{:.0}", figures.per_s));
    if point.bytes > 0 {
        let bytes = figures.per_s * point.bytes as f64;
        line("bytes a second", format!("{:.1} MB", bytes / 1e6));
    }
    line(
        "CPU",
        format!(
            "{} here, {} there",
            nanos(figures.cpu_here),
            nanos(figures.cpu_there)
        ),
    );
    if let Some(syscalls) = figures.syscalls {
        line(
            "system calls",
            format!("{syscalls:.2}, in all processes, counted in a pass of its own"),
        );
    }
    match (plan.floor, figures.floor_p50, figures.ratio) {
        (Some(floor), Some(p50), Some(ratio)) => {
            let of = match point.inflight {
                1 => "p50 over p50",
                _ => "time between operations over the same",
            };
            line(
                "floor",
                format!("{}: p50 {}", floor.description(), nanos(p50)),
            );
            line("ratio", format!("{ratio:.2} ({of})"));
            if floor == Floor::Memcpy && point.inflight == 1 && point.bytes > 0 {
                line("bandwidth", bandwidth(point.bytes, figures.p50, p50, ratio));
            }
        }
        _ => line("floor", "none: nothing runs but heartbeats".to_owned()),
    }
    if let Some(scaling) = figures.scaling {
        line("with one", format!("{:.0} a second", scaling.one_per_s));
        line(
            "of that",
            format!(
                "{:.2}; the floor {:.2} of its own with one, which is {:.2} of what the floor keeps",
                scaling.subject, scaling.floor, scaling.over_floor
            ),
        );
    }
    line(
        "rounds",
        format!("{}, in turn with the floor's", figures.rounds),
    );
    lines.join("\n") + "\n"
}

/// The bandwidth for a payload, beside that of the floor. A byte in a nanosecond is a gigabyte in a second.
fn bandwidth(bytes: usize, p50: f64, floor: f64, ratio: f64) -> String {
    let of = |nanos: f64| bytes as f64 / nanos;
    format!(
        "{:.2} GB/s, {:.0} % of the floor's {:.2} GB/s",
        of(p50),
        100.0 / ratio,
        of(floor)
    )
}

/// Machine and setting.
pub(super) fn head(machine: &Machine, options: &Options) -> String {
    let Machine {
        processor,
        cpus,
        kernel,
        load,
    } = machine;
    let mut head = format!(
        "{processor}, {cpus} processors, Linux {kernel}, load {load}; runtime {}",
        options.setting.runtime.name()
    );
    if options.setting.pin {
        // Writing to a string cannot fail.
        let _ = write!(head, ", pinned");
    }
    if options.setting.spin > 0 {
        let _ = write!(head, ", rapace spins for {} µs", options.setting.spin);
    }
    head
}

/// A time in the unit that fits it.
pub(super) fn nanos(value: f64) -> String {
    match value {
        value if value < 1e3 => format!("{value:.0} ns"),
        value if value < 1e6 => format!("{:.2} µs", value / 1e3),
        value if value < 1e9 => format!("{:.2} ms", value / 1e6),
        value => format!("{:.2} s", value / 1e9),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bandwidth_is_given_beside_that_of_the_floor() {
        let beside = bandwidth(64 << 10, 6553.6, 1310.72, 5.0);
        assert_eq!(beside, "10.00 GB/s, 20 % of the floor's 50.00 GB/s");
    }

    #[test]
    fn a_time_has_the_unit_that_fits_it() {
        assert_eq!(nanos(12.4), "12 ns");
        assert_eq!(nanos(1234.0), "1.23 µs");
        assert_eq!(nanos(5e6), "5.00 ms");
        assert_eq!(nanos(2e9), "2.00 s");
    }
}
