//! Random bodies in the text format, some of them damaged.

use std::fmt::Write as _;

use super::generate::Names;
use super::values::{self, Type};
use crate::harness::random::Random;

const DAMAGE: &[&str] = &[
    " ",
    "\t",
    "\n",
    "\n\n",
    "{",
    "}",
    "\"",
    "=",
    ",",
    "#",
    "\\",
    "\\n",
    "a",
    "_",
    ":",
    "0",
    "9",
    ".",
    "-",
    "+",
    "e",
    "E5",
    "NaN",
    "inf",
    "+Inf",
    "1",
    " 1",
    " 1000",
    "x",
    "\r",
    "\u{e4}",
    "# TYPE ",
    "# HELP ",
    "quantile=\"0.5\"",
    "_sum",
    "_count",
    "_bucket",
    "0x1",
    "1_0",
    "{}",
    "__name__=\"x\",",
    "__x=\"y\",",
    "\"q\"",
    "# EOF\n",
    "#c\n",
    "1e400",
    "1e-400",
    "p1",
    "infinity",
    "-nan",
];
const LEADS: [&str; 6] = [
    "# HELP ",
    "# HELP ",
    "# HELP\t",
    "#HELP ",
    "  # HELP  ",
    "# \t HELP ",
];

/// The next body.
pub(crate) fn body(random: &mut Random, names: Names) -> Vec<u8> {
    let mut text = String::new();
    for _ in 0..[0, 1, 1, 1, 2, 2, 3, 4][random.below(8)] {
        family(random, names, &mut text);
        if random.chance(5) {
            text.push_str(random.pick(&[
                "\n",
                "# a comment\n",
                " \t\n",
                "#\n",
                "# EOF\n",
                "# UNIT m s\n",
            ]));
        }
    }
    if random.chance(25) {
        for _ in 0..random.within(1..=2) {
            damage(random, &mut text);
        }
    }
    text.into_bytes()
}

fn family(random: &mut Random, names: Names, text: &mut String) {
    let utf8_percent = if names == Names::Utf8 { 30 } else { 1 };
    let (name, metric_type) = values::metric(random, utf8_percent);
    let shown = if is_legacy(name) {
        name.to_owned()
    } else {
        quoted(name)
    };
    if let Some(help) = values::help(name) {
        let help = help.replace('\\', "\\\\").replace('\n', "\\n");
        writeln!(text, "{}{shown} {help}", random.pick(&LEADS)).unwrap();
    }
    if metric_type != Type::Untyped || random.chance(50) {
        writeln!(text, "# TYPE {shown} {}", type_word(random, metric_type)).unwrap();
    }
    for _ in 0..[1, 1, 1, 2, 3][random.below(5)] {
        let mut labels = values::labels(random, utf8_percent);
        // Upper bounds of a histogram would otherwise be lines of another metric.
        labels.dedup_by_key(|(label, _)| *label);
        match metric_type {
            Type::Summary => summary(random, name, &labels, text),
            Type::Histogram | Type::GaugeHistogram => histogram(random, name, &labels, text),
            Type::Counter | Type::Gauge | Type::Untyped => {
                let value = value(random);
                line(random, name, &labels, &value, text);
            }
        }
    }
}

fn type_word(random: &mut Random, metric_type: Type) -> &'static str {
    match metric_type {
        Type::Counter => random.pick(&["counter", "counter", "COUNTER", "Counter"]),
        Type::Gauge => "gauge",
        Type::Summary => "summary",
        Type::Untyped if random.chance(5) => "unknown",
        Type::Untyped => "untyped",
        Type::Histogram => "histogram",
        Type::GaugeHistogram => random.pick(&["gaugehistogram", "gauge_histogram"]),
    }
}

fn summary(random: &mut Random, name: &str, labels: &[(&str, &str)], text: &mut String) {
    for quantile in ["0", "0.5", "9e-1", "0.99", "NaN"] {
        if random.chance(50) {
            let value = value(random);
            line(
                random,
                name,
                &with(labels, "quantile", quantile),
                &value,
                text,
            );
        }
    }
    let value = value(random);
    line(random, &format!("{name}_sum"), labels, &value, text);
    let count = random.below(1_000_000_000).to_string();
    line(random, &format!("{name}_count"), labels, &count, text);
}

fn histogram(random: &mut Random, name: &str, labels: &[(&str, &str)], text: &mut String) {
    let bucket = format!("{name}_bucket");
    let fraction = if random.chance(20) { ".5" } else { "" };
    let mut count = 0;
    for bound in ["-Inf", "-1", "0.005", "1.0", "1e3", "100000000", "+Inf"] {
        count += random.below(4);
        if random.chance(60) {
            let count = format!("{count}{fraction}");
            line(random, &bucket, &with(labels, "le", bound), &count, text);
        }
    }
    if random.chance(90) {
        let value = value(random);
        line(random, &format!("{name}_sum"), labels, &value, text);
    }
    if random.chance(90) {
        line(
            random,
            &format!("{name}_count"),
            labels,
            &format!("{count}{fraction}"),
            text,
        );
    }
}

fn with<'a>(
    labels: &[(&'a str, &'a str)],
    name: &'a str,
    value: &'a str,
) -> Vec<(&'a str, &'a str)> {
    let mut labels = labels.to_vec();
    labels.push((name, value));
    labels
}

/// One sample, in one of the ways to write it.
fn line(random: &mut Random, name: &str, labels: &[(&str, &str)], value: &str, text: &mut String) {
    let mut parts: Vec<String> = labels
        .iter()
        .map(|(label, value)| {
            let label = if is_legacy(label) {
                (*label).to_owned()
            } else {
                quoted(label)
            };
            let equals = random.pick(&["=", "=", "=", " = "]);
            format!("{label}{equals}{}", quoted(value))
        })
        .collect();
    let in_braces = !is_legacy(name) || random.chance(2);
    if in_braces {
        parts.insert(0, quoted(name));
    } else {
        text.push_str(name);
    }
    let inside = parts.join(random.pick(&[",", ",", ", ", " ,\t"]));
    if !inside.is_empty() {
        let comma = random.pick(&["", "", "", ",", " "]);
        write!(text, "{{{inside}{comma}}}").unwrap();
    } else if random.chance(10) {
        text.push_str("{}");
    }
    let space = random.pick(&[" ", " ", " ", "\t", "   "]);
    writeln!(text, "{space}{value}").unwrap();
}

fn value(random: &mut Random) -> String {
    let number = values::number(random);
    match random.below(6) {
        0 if number.is_finite() => format!("{number:e}"),
        1 if number.is_finite() => format!("{number:E}"),
        2 if number.is_finite() && number >= 0.0 => format!("+{number}"),
        _ if number.is_nan() => random.pick(&["NaN", "nan", "NAN"]).to_string(),
        _ if number.is_infinite() => {
            let sign = if number < 0.0 {
                "-"
            } else {
                random.pick(&["", "+"])
            };
            format!(
                "{sign}{}",
                random.pick(&["Inf", "inf", "INFINITY", "Infinity"])
            )
        }
        _ => format!("{number}"),
    }
}

fn is_legacy(name: &str) -> bool {
    let legacy = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    name.chars().all(legacy) && !name.starts_with(|c: char| c.is_ascii_digit())
}

fn quoted(text: &str) -> String {
    let escaped = text
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n");
    format!("\"{escaped}\"")
}

fn damage(random: &mut Random, text: &mut String) {
    let at = text.floor_char_boundary(random.below(text.len() + 1));
    match random.below(8) {
        0..4 => text.insert_str(at, random.pick(DAMAGE)),
        4..6 if at < text.len() => {
            text.remove(at);
        }
        6 => text.truncate(at),
        _ => {
            let lines: Vec<&str> = text.lines().collect();
            if !lines.is_empty() {
                let copied = random.pick(&lines).to_owned() + "\n";
                text.push_str(&copied);
            }
        }
    }
}
