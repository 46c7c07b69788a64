//! Curves as SVG: a time or memory against how much is stored, both axes logarithmic.

use std::ops::RangeInclusive;
use std::time::Duration;

use crate::figure::{self, float};
use crate::timing::Spread;
use crate::workload::Encoding;

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 400.0;
const LEFT: f64 = 80.0;
const RIGHT: f64 = WIDTH - 190.0;
const TOP: f64 = 50.0;
const BOTTOM: f64 = HEIGHT - 50.0;
const LABEL_HEIGHT: f64 = 16.0;

const HEAD: &str = r##"<rect width="100%" height="100%" fill="#fff"/>
<style>
text { font: 13px sans-serif; fill: #222 }
.title { font-size: 15px; font-weight: bold }
.grid { stroke: #ddd }
.line { fill: none; stroke-width: 2 }
.spread { stroke: none; opacity: 0.15 }
</style>
"##;

/// A picture of some curves.
#[derive(Debug)]
pub(crate) struct Chart {
    /// The name of its file.
    pub(crate) file: &'static str,
    title: &'static str,
    /// What is counted from left to right.
    across: &'static str,
    unit: Unit,
    curves: Vec<Curve>,
}

/// What is measured from bottom to top.
#[derive(Clone, Copy, Debug)]
enum Unit {
    Seconds,
    Bytes,
}

/// What one of those measured had at each count.
#[derive(Debug)]
pub(crate) struct Curve {
    pen: Pen,
    points: Vec<Measured>,
}

/// A median, and the middle four fifths around it.
#[derive(Clone, Copy, Debug)]
struct Measured {
    count: f64,
    p10: f64,
    median: f64,
    p90: f64,
}

/// How a curve is drawn.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pen {
    name: &'static str,
    color: &'static str,
    encoding: Option<Encoding>,
}

impl Pen {
    pub(crate) const GO: Self = Self::new("Go Pushgateway", "#c2410c");
    pub(crate) const OURS: Self = Self::new("this gateway", "#1d4ed8");
    pub(crate) const FLOOR: Self = Self::new("/-/healthy", "#57534e");
    pub(crate) const NGINX: Self = Self::new("nginx", "#15803d");

    const fn new(name: &'static str, color: &'static str) -> Self {
        Self {
            name,
            color,
            encoding: None,
        }
    }

    /// Says the encoding, and draws gzip in dashes.
    pub(crate) fn in_encoding(self, encoding: Encoding) -> Self {
        Self {
            encoding: Some(encoding),
            ..self
        }
    }

    fn label(&self) -> String {
        match self.encoding {
            None => self.name.into(),
            Some(encoding) => format!("{}, {}", self.name, encoding.name()),
        }
    }

    fn dashes(&self) -> &'static str {
        match self.encoding {
            None | Some(Encoding::Identity) => "",
            Some(Encoding::Gzip) => " stroke-dasharray=\"6 4\"",
        }
    }
}

impl Curve {
    pub(crate) fn times(
        pen: Pen,
        points: impl IntoIterator<Item = (usize, Spread<Duration>)>,
    ) -> Self {
        let measured = |(count, spread): (usize, Spread<Duration>)| Measured {
            count: float(count as u64),
            p10: spread.p10.as_secs_f64(),
            median: spread.median.as_secs_f64(),
            p90: spread.p90.as_secs_f64(),
        };
        Self {
            pen,
            points: points.into_iter().map(measured).collect(),
        }
    }

    pub(crate) fn bytes(pen: Pen, points: impl IntoIterator<Item = (usize, u64)>) -> Self {
        let measured = |(count, bytes): (usize, u64)| Measured {
            count: float(count as u64),
            p10: float(bytes),
            median: float(bytes),
            p90: float(bytes),
        };
        Self {
            pen,
            points: points.into_iter().map(measured).collect(),
        }
    }
}

impl Chart {
    pub(crate) fn times(
        file: &'static str,
        title: &'static str,
        across: &'static str,
        curves: Vec<Curve>,
    ) -> Self {
        Self {
            file,
            title,
            across,
            unit: Unit::Seconds,
            curves,
        }
    }

    pub(crate) fn bytes(
        file: &'static str,
        title: &'static str,
        across: &'static str,
        curves: Vec<Curve>,
    ) -> Self {
        Self {
            unit: Unit::Bytes,
            ..Self::times(file, title, across, curves)
        }
    }

    /// All of it as SVG, the spread of each curve as a band around it.
    pub(crate) fn draw(&self) -> String {
        let points = || self.curves.iter().flat_map(|curve| &curve.points);
        let heights = points().flat_map(|point| [point.p10, point.p90]);
        let x = Axis::over(points().map(|point| point.count), LEFT, RIGHT);
        let y = Axis::over(heights, BOTTOM, TOP);
        let title = self.title;
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\">\n\
             <title>{title}</title>\n{HEAD}<text class=\"title\" x=\"{LEFT}\" y=\"28\">{title}</text>\n"
        );
        self.draw_grid(&mut svg, &x, &y);
        for curve in &self.curves {
            draw_curve(&mut svg, curve, &x, &y);
        }
        self.draw_labels(&mut svg, &y);
        svg.push_str("</svg>\n");
        svg
    }

    fn draw_grid(&self, svg: &mut String, x: &Axis, y: &Axis) {
        for (count, at) in x.marks() {
            add(
                svg,
                &format!("<path class=\"grid\" d=\"M{at:.1} {TOP}V{BOTTOM}\"/>"),
            );
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a power of ten"
            )]
            let name = figure::count(count as usize);
            text(svg, "middle", (at, BOTTOM + 20.0), &name);
        }
        for (height, at) in y.marks() {
            add(
                svg,
                &format!("<path class=\"grid\" d=\"M{LEFT} {at:.1}H{RIGHT}\"/>"),
            );
            text(svg, "end", (LEFT - 8.0, at + 4.0), &self.unit.name(height));
        }
        let middle = f64::midpoint(LEFT, RIGHT);
        text(svg, "middle", (middle, BOTTOM + 40.0), self.across);
    }

    /// Names at the right, each at the height of its curve's end but clear of the others.
    fn draw_labels(&self, svg: &mut String, y: &Axis) {
        let mut labels: Vec<_> = self
            .curves
            .iter()
            .filter_map(|curve| Some((y.at(curve.points.last()?.median), curve.pen)))
            .collect();
        labels.sort_by(|(a, _), (b, _)| a.total_cmp(b));
        let mut free = TOP;
        for (height, pen) in labels {
            let at = height.max(free);
            free = at + LABEL_HEIGHT;
            let (x, y, color) = (RIGHT + 10.0, at + 4.0, pen.color);
            let label = pen.label();
            add(
                svg,
                &format!("<text x=\"{x:.1}\" y=\"{y:.1}\" style=\"fill:{color}\">{label}</text>"),
            );
        }
    }
}

impl Unit {
    fn name(self, value: f64) -> String {
        match self {
            Self::Seconds => figure::duration(Duration::from_secs_f64(value)),
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a power of ten"
            )]
            Self::Bytes => format!("{}B", figure::count(value as usize)),
        }
    }
}

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

fn draw_curve(svg: &mut String, curve: &Curve, x: &Axis, y: &Axis) {
    let at = |of: fn(&Measured) -> f64| {
        let points = curve.points.iter();
        points.map(move |point| (x.at(point.count), y.at(of(point))))
    };
    let (color, dashes) = (curve.pen.color, curve.pen.dashes());
    let band = path(at(|point| point.p90).chain(at(|point| point.p10).rev()));
    let medians = path(at(|point| point.median));
    add(
        svg,
        &format!("<polygon class=\"spread\" fill=\"{color}\" points=\"{band}\"/>"),
    );
    add(
        svg,
        &format!("<polyline class=\"line\" stroke=\"{color}\"{dashes} points=\"{medians}\"/>"),
    );
    for (x, y) in at(|point| point.median) {
        add(
            svg,
            &format!("<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\" fill=\"{color}\"/>"),
        );
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
