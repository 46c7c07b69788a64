//! Samples of the text format in a form that can be compared, whoever wrote them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// One line of the text format: labels sorted, numbers in one way of writing.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Sample {
    pub(crate) name: String,
    pub(crate) labels: BTreeMap<String, String>,
    value: String,
}

impl Sample {
    fn parse(line: &str) -> Self {
        let head_end = line.find(['{', ' ']).expect("a name ends in { or a blank");
        let (name, mut rest) = line.split_at(head_end);
        let mut labels = BTreeMap::new();
        if let Some(inner) = rest.strip_prefix('{') {
            rest = inner;
            while !rest.starts_with('}') {
                let (label, after) = rest.split_once("=\"").expect("a label has a quoted value");
                let (value, after) = quoted(after);
                let value = if matches!(label, "le" | "quantile") {
                    number(&value)
                } else {
                    value
                };
                let former = labels.insert(label.to_owned(), value);
                assert!(former.is_none(), "{label} twice: {line}");
                rest = after.trim_start_matches([',', ' ']);
            }
            rest = &rest[1..];
        }
        Self {
            name: name.to_owned(),
            labels,
            value: number(rest.trim()),
        }
    }

    /// The sample with labels added or replaced, as the gateway does with those of a grouping key.
    pub(crate) fn labelled(mut self, labels: &BTreeMap<String, String>) -> Self {
        self.labels.extend(labels.clone());
        self
    }
}

impl fmt::Display for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{:?} {}", self.name, self.labels, self.value)
    }
}

/// All samples of a text exposition, or the line that has the name and the labels of one before it.
pub(crate) fn parse(text: &str) -> Result<BTreeSet<Sample>, String> {
    let mut samples = BTreeSet::new();
    let mut seen = BTreeSet::new();
    let lines = text.lines().map(str::trim);
    for line in lines.filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let sample = Sample::parse(line);
        if !seen.insert((sample.name.clone(), sample.labels.clone())) {
            return Err(format!("exposed twice: {line}"));
        }
        samples.insert(sample);
    }
    Ok(samples)
}

/// A quoted label value without its escapes, and what follows its closing quote.
fn quoted(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, char)) = chars.next() {
        match char {
            '"' => return (value, &text[at + 1..]),
            '\\' => match chars.next().expect("an escape has two characters").1 {
                'n' => value.push('\n'),
                other => value.push(other),
            },
            other => value.push(other),
        }
    }
    panic!("the quote is not closed: {text:?}");
}

/// A number in Rust's way of writing it.
fn number(text: &str) -> String {
    let number: f64 = text
        .parse()
        .unwrap_or_else(|_| panic!("not a number: {text:?}"));
    format!("{number:?}")
}
