//! The picture of a comparison: latency against payload, calls a second against depth.

use std::fmt::Write;

use super::point::Point;
use super::row::Row;

const WIDTH: f64 = 520.0;
const HEIGHT: f64 = 380.0;
const LEFT: f64 = 70.0;
const TOP: f64 = 50.0;
const LINE: f64 = 18.0;

const COLOURS: [&str; 12] = [
    "#888888", "#bbbbbb", "#d62728", "#ff7f0e", "#1f77b4", "#2ca02c", "#9467bd", "#8c564b",
    "#e377c2", "#17becf", "#bcbd22", "#393b79",
];

/// Renders an SVG. Both axes of both panels are logarithmic.
pub(super) fn svg(rows: &[Row], head: &str) -> String {
    let mut names = Vec::new();
    for row in rows {
        if !names.contains(&row.name) {
            names.push(row.name.clone());
        }
    }
    let single = Panel {
        x: LEFT,
        title: "p50 of one call at a time, µs, against payload, bytes",
        points: of(
            rows,
            &|point| (point.inflight == 1).then_some(point.bytes),
            &|row| row.figures.p50 / 1e3,
        ),
    };
    let first = rows.first().map_or(0, |row| row.point.bytes);
    let many = Panel {
        x: LEFT * 2.0 + WIDTH,
        title: "calls a second against calls under way",
        points: of(
            rows,
            &|point| (point.bytes == first).then_some(point.inflight),
            &|row| row.figures.per_s,
        ),
    };
    let height = TOP * 2.0 + HEIGHT + LINE * names.len() as f64 + LINE;
    let width = LEFT * 3.0 + WIDTH * 2.0;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" \
         font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n\
         <text x=\"{LEFT}\" y=\"20\">{}</text>\n",
        escaped(head)
    );
    for panel in [single, many] {
        panel.draw(&mut out, &names);
    }
    for (index, name) in names.iter().enumerate() {
        let y = TOP * 2.0 + HEIGHT + LINE * index as f64;
        let colour = COLOURS[index % COLOURS.len()];
        // Writing to a string cannot fail.
        let _ = writeln!(
            out,
            "<rect x=\"{LEFT}\" y=\"{}\" width=\"24\" height=\"4\" fill=\"{colour}\"/>\
             <text x=\"{}\" y=\"{y}\">{}</text>",
            y - 6.0,
            LEFT + 32.0,
            escaped(name)
        );
    }
    out + "</svg>\n"
}

/// A point of a curve: the name of the curve, and the position.
type Dot = (String, f64, f64);

fn of(rows: &[Row], x: &dyn Fn(&Point) -> Option<usize>, y: &dyn Fn(&Row) -> f64) -> Vec<Dot> {
    let dot = |row: &Row| Some((row.name.clone(), x(&row.point)?.max(1) as f64, y(row)));
    let mut dots = rows.iter().filter_map(dot).collect::<Vec<_>>();
    dots.sort_by(|a, b| a.1.total_cmp(&b.1));
    dots
}

struct Panel {
    x: f64,
    title: &'static str,
    points: Vec<Dot>,
}

impl Panel {
    fn draw(&self, out: &mut String, names: &[String]) {
        let x = Axis::over(self.points.iter().map(|dot| dot.1), 2.0);
        let y = Axis::over(self.points.iter().map(|dot| dot.2), 10.0);
        let at_x = |value: f64| self.x + x.part(value) * WIDTH;
        let at_y = |value: f64| TOP + HEIGHT - y.part(value) * HEIGHT;
        let bottom = TOP + HEIGHT;
        let _ = writeln!(
            out,
            "<text x=\"{}\" y=\"{}\">{}</text>\n<rect x=\"{}\" y=\"{TOP}\" width=\"{WIDTH}\" \
             height=\"{HEIGHT}\" fill=\"none\" stroke=\"black\"/>",
            self.x,
            TOP - 10.0,
            self.title,
            self.x
        );
        for mark in y.marks(10.0) {
            let height = at_y(mark);
            let _ = writeln!(
                out,
                "<path d=\"M{} {height:.1}h{WIDTH}\" stroke=\"#dddddd\"/><text x=\"{}\" \
                 y=\"{height:.1}\" text-anchor=\"end\">{mark}</text>",
                self.x,
                self.x - 6.0
            );
        }
        for mark in x.marks(4.0) {
            let _ = writeln!(
                out,
                "<text x=\"{:.1}\" y=\"{}\" text-anchor=\"middle\">{mark}</text>",
                at_x(mark),
                bottom + 16.0
            );
        }
        for (index, name) in names.iter().enumerate() {
            let dots = self.points.iter().filter(|dot| dot.0 == *name);
            let path = dots.map(|(_, x, y)| format!("{:.1},{:.1}", at_x(*x), at_y(*y)));
            let path = path.collect::<Vec<_>>();
            let colour = COLOURS[index % COLOURS.len()];
            let _ = writeln!(
                out,
                "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>",
                path.join(" ")
            );
        }
    }
}

/// A logarithmic axis from one power to another.
struct Axis {
    low: f64,
    high: f64,
}

impl Axis {
    fn over(values: impl Iterator<Item = f64>, base: f64) -> Self {
        let (mut least, mut most) = (f64::INFINITY, 0.0_f64);
        for value in values.filter(|value| *value > 0.0) {
            least = least.min(value);
            most = most.max(value);
        }
        if most == 0.0 {
            return Self {
                low: 1.0,
                high: base,
            };
        }
        let low = base.powf((least.log(base) + 1e-9).floor());
        let high = base.powf((most.log(base) - 1e-9).ceil());
        Self {
            low,
            high: high.max(low * base),
        }
    }

    /// The position of a value on the axis, from 0 to 1.
    fn part(&self, value: f64) -> f64 {
        (value / self.low).ln() / (self.high / self.low).ln()
    }

    /// Each power from end to end.
    fn marks(&self, base: f64) -> Vec<f64> {
        let next = |mark: &f64| Some(mark * base);
        let marks = std::iter::successors(Some(self.low), next);
        marks
            .take_while(|mark| *mark <= self.high * 1.001)
            .collect()
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_holds_all_values_between_powers() {
        let axis = Axis::over([3.0, 250.0].into_iter(), 10.0);
        assert_eq!(axis.marks(10.0), [1.0, 10.0, 100.0, 1000.0]);
        assert_eq!(axis.part(1.0), 0.0);
        assert!((axis.part(1000.0) - 1.0).abs() < 1e-9);
        assert!(axis.part(3.0) < axis.part(250.0));
    }

    #[test]
    fn names_cannot_break_the_picture() {
        let picture = svg(&[], "Vec<u8> & more");
        assert!(picture.contains("Vec&lt;u8&gt; &amp; more"));
        assert!(picture.ends_with("</svg>\n"));
    }
}
