//! The numbers, names and label values that random bodies are made of.

use crate::harness::random::Random;

/// Metric names with the type that families of that name usually have. Some collide with the parts of a
/// summary or histogram.
pub(crate) const METRICS: [(&str, Type); 16] = [
    ("m", Type::Untyped),
    ("g", Type::Gauge),
    ("g_count", Type::Gauge),
    ("a:b", Type::Gauge),
    ("c_total", Type::Counter),
    ("_u", Type::Untyped),
    ("s", Type::Summary),
    ("s2", Type::Summary),
    ("s_count", Type::Counter),
    ("s_sum", Type::Gauge),
    ("h", Type::Histogram),
    ("h2", Type::Histogram),
    ("h_bucket", Type::Untyped),
    ("gh", Type::GaugeHistogram),
    ("push_time_seconds", Type::Gauge),
    ("Z9", Type::Counter),
];
/// Names that only the UTF-8 scheme takes; none becomes another when escaped.
pub(crate) const UTF8_METRICS: [(&str, Type); 5] = [
    ("d.ot", Type::Gauge),
    ("sp \u{e4}ce", Type::Counter),
    ("1digit", Type::Untyped),
    ("s.um", Type::Summary),
    ("h\u{1F60A}", Type::Histogram),
];
/// Label names and values. The values name their label, so that no two label sets are alike but for names.
pub(crate) const LABELS: [(&str, &[&str]); 7] = [
    ("l", &["l1", "l2", "", "l\\\"\n", "l<&>\u{2028}"]),
    ("code", &["c200", "c500", "c\u{e4}\u{1F60A}"]),
    ("a", &["a1", "a2", "a 3", "a{},="]),
    ("B", &["B1"]),
    ("instance", &["i1", "i2", ""]),
    ("job", &["other"]),
    ("zz", &["zz\\", "zz\t"]),
];
/// Label names that only the UTF-8 scheme takes.
pub(crate) const UTF8_LABELS: [(&str, &[&str]); 3] = [
    ("d.l", &["d1", "d2"]),
    ("\u{fc}", &["u1"]),
    ("sp l", &["s1"]),
];
const NUMBERS: [f64; 30] = [
    0.0,
    -0.0,
    1.0,
    -1.0,
    0.5,
    3.25,
    100_000.0,
    123_456.7,
    999_999.0,
    1_000_000.0,
    1_234_567.0,
    16_777_217.0,
    0.0001,
    0.000_01,
    0.000_12,
    1e-7,
    1e21,
    1e22,
    1e100,
    -1e-300,
    5e-324,
    f64::MAX,
    f64::MIN_POSITIVE,
    9_007_199_254_740_993.0,
    0.1,
    0.3,
    2.5e-5,
    f64::NAN,
    f64::INFINITY,
    f64::NEG_INFINITY,
];

/// The metric types of both formats.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Type {
    Counter,
    Gauge,
    Summary,
    Untyped,
    Histogram,
    GaugeHistogram,
}

const TYPES: [Type; 6] = [
    Type::Counter,
    Type::Gauge,
    Type::Summary,
    Type::Untyped,
    Type::Histogram,
    Type::GaugeHistogram,
];

/// The name and type of the next family; now and then of another type than usual.
pub(crate) fn metric(random: &mut Random, utf8_percent: usize) -> (&'static str, Type) {
    let (name, usual) = if random.chance(utf8_percent) {
        random.pick(&UTF8_METRICS)
    } else {
        random.pick(&METRICS)
    };
    if random.chance(4) {
        return (name, random.pick(&TYPES));
    }
    (name, usual)
}

/// The help of a family: the same for a name, since of two helps either may win at a peer. Never empty, which
/// text cannot say.
pub(crate) fn help(name: &str) -> Option<&'static str> {
    const HELPS: [Option<&str>; 4] = [
        None,
        Some("Help."),
        Some("With \\ and\nLF, \"quoted\" <\u{e4}&\u{1F60A}> "),
        Some("x"),
    ];
    let length = name.len() + usize::from(name.as_bytes()[0]);
    HELPS[length % HELPS.len()]
}

/// Up to three labels, seldom one of them twice.
pub(crate) fn labels(
    random: &mut Random,
    utf8_percent: usize,
) -> Vec<(&'static str, &'static str)> {
    let mut labels: Vec<(&str, &str)> = Vec::new();
    for _ in 0..random.below(4) {
        let (name, values) = if random.chance(utf8_percent) {
            random.pick(&UTF8_LABELS)
        } else {
            random.pick(&LABELS)
        };
        if labels.iter().all(|(used, _)| *used != name) || random.chance(2) {
            labels.push((name, random.pick(values)));
        }
    }
    labels
}

/// A number: a telling one or any.
pub(crate) fn number(random: &mut Random) -> f64 {
    match random.below(10) {
        0..6 => random.pick(&NUMBERS),
        6..8 => f64::from(u32::try_from(random.below(1000)).expect("below 1000")),
        8 => f64::from_bits(random.next()),
        _ => f64::from(u32::try_from(random.below(1_000_000)).expect("below a million")) / 1000.0,
    }
}
