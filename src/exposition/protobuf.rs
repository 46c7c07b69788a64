//! Length-delimited protobuf metric families, `io.prometheus.client.MetricFamily`, both ways, bounded.
//!
//! What is decoded borrows from the body. No claimed length is trusted: memory grows with what is there. Of what
//! this program does not know, fields of a metric are kept and others are dropped; so is the unit of a family.

use thiserror::Error;

use super::TooLarge;

mod decode;
mod encode;
mod histogram_decoder;
mod label_decoder;
mod metric_decoder;
#[cfg(test)]
mod tests;
mod wire;

pub(crate) use decode::decode_metrics_to;
pub use decode::{decode_families, decode_family_message, decode_metrics};
pub use encode::{append_family, append_family_header, append_family_message, append_metric};

/// Why bytes were not decoded.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum DecodeError {
    /// They end within a family or before it.
    #[error("unexpected EOF")]
    UnexpectedEnd,
    /// A length in front of a family is no number of 64 bits.
    #[error("proto: variable length integer overflow")]
    LengthOverflow,
    /// A family is no message.
    #[error("proto: cannot parse invalid wire-format data")]
    Malformed,
    /// They would take more memory than they may.
    #[error(transparent)]
    TooLarge(TooLarge),
    /// They are well-formed, but a family in them could not be exposed.
    #[error(transparent)]
    Unexposable(Unexposable),
}

/// Why a family cannot be exposed, whatever else there is. Names and values are quoted in these messages.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum Unexposable {
    /// A family has no name.
    #[error("metric family has no name")]
    NoName,
    /// A metric name is not UTF-8 or holds NUL.
    #[error("metric family has an invalid name: {name}")]
    InvalidName {
        /// The name.
        name: String,
    },
    /// A help is not UTF-8.
    #[error("metric family {family} has a help that is not utf8: {help}")]
    InvalidHelp {
        /// The name of the family.
        family: String,
        /// The help.
        help: String,
    },
    /// A family is of a type that does not exist.
    #[error("metric family {family} has an unknown type: {number}")]
    UnknownType {
        /// The name of the family.
        family: String,
        /// The number of the type.
        number: i32,
    },
    /// A label name is not UTF-8 or holds NUL.
    #[error(
        "collected metric {family} {{ label:{{name:{name}}}}} has a label with an invalid name: {name}"
    )]
    InvalidLabelName {
        /// The name of the family.
        family: String,
        /// The name of the label.
        name: String,
    },
    /// A label value is not UTF-8.
    #[error(
        "collected metric {family} {{ label:{{name:{name}  value:{value}}}}} \
         has a label named {name} whose value is not utf8: {value}"
    )]
    InvalidLabelValue {
        /// The name of the family.
        family: String,
        /// The name of the label.
        name: String,
        /// The value of the label.
        value: String,
    },
}

impl From<TooLarge> for DecodeError {
    fn from(error: TooLarge) -> Self {
        Self::TooLarge(error)
    }
}
