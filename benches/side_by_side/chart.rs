//! Curves as SVG: a time against the number of groups, both axes logarithmic.

use std::ops::RangeInclusive;
use std::time::Duration;

use crate::report;
use crate::timing::{Pair, Spread};

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 400.0;
const LEFT: f64 = 80.0;
const RIGHT: f64 = WIDTH - 150.0;
const TOP: f64 = 50.0;
const BOTTOM: f64 = HEIGHT - 50.0;

const GO: Pen = Pen {
    name: "Go Pushgateway",
    color: "#c2410c",
};
const OURS: Pen = Pen {
    name: "this gateway",
    color: "#1d4ed8",
};

const HEAD: &str = r##"<rect width="100%" height="100%" fill="#fff"/>
<style>
text { font: 13px sans-serif; fill: #222 }
.title { font-size: 15px; font-weight: bold }
.grid { stroke: #ddd }
.line { fill: none; stroke-width: 2 }
.spread { stroke: none; opacity: 0.15 }
</style>
"##;

/// Powers of ten that an axis goes through, and where on the page it starts and ends.
struct Axis {
    decades: RangeInclusive<i32>,
    start: f64,
    end: f64,
}

impl Axis {
    /// The axis with the least whole decades that have all values on it.
    fn over(values: impl Iterator<Item = f64> + Clone, start: f64, end: f64) -> Self {
        let least = values.clone().fold(f64::INFINITY, f64::min);
        let most = values.fold(f64::NEG_INFINITY, f64::max);
        #[expect(clippy::cast_possible_truncation, reason = "a few decades")]
        let decades = least.log10().floor() as i32..=most.log10().ceil() as i32;
        Self {
            decades,
            start,
            end,
        }
    }

    fn at(&self, value: f64) -> f64 {
        let (first, last) = (*self.decades.start(), *self.decades.end());
        let share = (value.log10() - f64::from(first)) / f64::from(last - first);
        self.start + share * (self.end - self.start)
    }

    /// Each power of ten, and where on the page it is.
    fn marks(&self) -> impl Iterator<Item = (f64, f64)> + '_ {
        self.decades.clone().map(|decade| {
            let value = 10_f64.powi(decade);
            (value, self.at(value))
        })
    }
}

/// How a curve is drawn.
#[derive(Clone, Copy)]
struct Pen {
    name: &'static str,
    color: &'static str,
}

/// A measurement's place on the page.
struct Point {
    x: f64,
    p10: f64,
    median: f64,
    p90: f64,
}

impl Point {
    fn on(x: &Axis, y: &Axis, groups: usize, spread: Spread) -> Self {
        Self {
            x: x.at(count(groups)),
            p10: y.at(spread.p10.as_secs_f64()),
            median: y.at(spread.median.as_secs_f64()),
            p90: y.at(spread.p90.as_secs_f64()),
        }
    }
}

/// The curves of both, with the spread of each as a band around it.
pub(crate) fn draw(title: &str, points: &[(usize, Pair<Spread>)]) -> String {
    let times = points
        .iter()
        .flat_map(|(_, pair)| [pair.go.p10, pair.go.p90, pair.ours.p10, pair.ours.p90])
        .map(|time| time.as_secs_f64());
    let groups = points.iter().map(|(groups, _)| count(*groups));
    let x = Axis::over(groups, LEFT, RIGHT);
    let y = Axis::over(times, BOTTOM, TOP);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\">\n\
         <title>{title}</title>\n{HEAD}<text class=\"title\" x=\"{LEFT}\" y=\"28\">{title}</text>\n"
    );
    draw_grid(&mut svg, &x, &y);
    let curve = |of: fn(&Pair<Spread>) -> Spread| -> Vec<_> {
        points
            .iter()
            .map(|(groups, pair)| Point::on(&x, &y, *groups, of(pair)))
            .collect()
    };
    draw_curve(&mut svg, &curve(|pair| pair.go), GO);
    draw_curve(&mut svg, &curve(|pair| pair.ours), OURS);
    svg.push_str("</svg>\n");
    svg
}

#[expect(clippy::cast_precision_loss, reason = "far below 2^52 groups")]
fn count(groups: usize) -> f64 {
    groups as f64
}

fn draw_grid(svg: &mut String, x: &Axis, y: &Axis) {
    for (groups, at) in x.marks() {
        add(
            svg,
            &format!("<path class=\"grid\" d=\"M{at:.1} {TOP}V{BOTTOM}\"/>"),
        );
        text(svg, "middle", (at, BOTTOM + 20.0), &groups.to_string());
    }
    for (seconds, at) in y.marks() {
        add(
            svg,
            &format!("<path class=\"grid\" d=\"M{LEFT} {at:.1}H{RIGHT}\"/>"),
        );
        let time = report::duration(Duration::from_secs_f64(seconds));
        text(svg, "end", (LEFT - 8.0, at + 4.0), &time);
    }
    let middle = f64::midpoint(LEFT, RIGHT);
    text(
        svg,
        "middle",
        (middle, BOTTOM + 40.0),
        "groups of ten series",
    );
}

fn draw_curve(svg: &mut String, points: &[Point], Pen { name, color }: Pen) {
    let above = points.iter().map(|point| (point.x, point.p90));
    let below = points.iter().rev().map(|point| (point.x, point.p10));
    let band = path(above.chain(below));
    let medians = path(points.iter().map(|point| (point.x, point.median)));
    add(
        svg,
        &format!("<polygon class=\"spread\" fill=\"{color}\" points=\"{band}\"/>"),
    );
    add(
        svg,
        &format!("<polyline class=\"line\" stroke=\"{color}\" points=\"{medians}\"/>"),
    );
    for Point { x, median, .. } in points {
        add(
            svg,
            &format!("<circle cx=\"{x:.1}\" cy=\"{median:.1}\" r=\"3\" fill=\"{color}\"/>"),
        );
    }
    if let Some(last) = points.last() {
        text(svg, "start", (last.x + 10.0, last.median + 4.0), name);
    }
}

/// Points as SVG takes them.
fn path(points: impl Iterator<Item = (f64, f64)>) -> String {
    points
        .map(|(x, y)| format!("{x:.1},{y:.1}"))
        .collect::<Vec<_>>()
        .join(" ")
}

fn text(svg: &mut String, anchor: &str, (x, y): (f64, f64), text: &str) {
    add(
        svg,
        &format!("<text text-anchor=\"{anchor}\" x=\"{x:.1}\" y=\"{y:.1}\">{text}</text>"),
    );
}

fn add(svg: &mut String, element: &str) {
    svg.push_str(element);
    svg.push('\n');
}
