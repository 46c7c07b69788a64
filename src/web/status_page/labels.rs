//! Labels as badges.

use crate::exposition::quoting::Quoted;
use crate::model::{GroupingKey, INSTANCE, JOB, NameScheme};
use crate::web::chunks::append;
use crate::web::html::Escaped;

/// `job` first, then the others by name.
pub(super) fn append_grouping_labels(out: &mut Vec<u8>, key: &GroupingKey, scheme: NameScheme) {
    append_label(out, JOB, key.job(), scheme);
    for (name, value) in key.labels().filter(|(name, _)| *name != JOB) {
        append_label(out, name, value, scheme);
    }
}

pub(super) fn append_label(out: &mut Vec<u8>, name: &str, value: &str, scheme: NameScheme) {
    let class = match name {
        JOB => " job",
        INSTANCE => " instance",
        _ => "",
    };
    let value = Escaped(Quoted(value.as_bytes()));
    if scheme.allows_label_name(name.as_bytes()) {
        let name = Escaped(name);
        append(
            out,
            format_args!("<span class=\"badge{class}\">{name}={value}</span> "),
        );
    } else {
        let name = Escaped(Quoted(name.as_bytes()));
        append(
            out,
            format_args!("<span class=\"badge\">{name}={value}</span> "),
        );
    }
}
