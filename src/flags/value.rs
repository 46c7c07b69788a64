//! The kinds of values that flags have, and how each is written.

use crate::telemetry::{LogFormat, LogLevel};

use super::duration::GoDuration;
use super::error::UsageError;
use super::external_url::ExternalUrl;

/// Something that a flag sets.
pub(super) trait Value {
    /// Takes what was typed, or says why not.
    fn set(&mut self, typed: &str) -> Result<(), InvalidValue>;

    /// As the flag map of the API shows it.
    fn shown(&self) -> String;

    /// How often the flag may be given, and whether with an argument.
    fn arity(&self) -> Arity {
        Arity::One
    }
}

/// How often a flag may be given, and whether with an argument.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Arity {
    /// A switch: once, `--name` or `--no-name`.
    Switch,
    /// Once, with an argument.
    One,
    /// Any number of times, each with an argument.
    Many,
}

/// Why a flag does not take what was typed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum InvalidValue {
    /// In the words of the Go programs, which do not tell the flag.
    AsGo(String),
    /// In our words, for values that only our flags have.
    Own(String),
}

impl InvalidValue {
    /// What the user is told about the flag.
    pub(super) fn of_flag(self, name: &str) -> UsageError {
        UsageError::InvalidValue(match self {
            Self::AsGo(reason) => reason,
            Self::Own(reason) => format!("flag '{name}' has an {reason}"),
        })
    }
}

impl Value for bool {
    fn set(&mut self, typed: &str) -> Result<(), InvalidValue> {
        *self = typed == "true";
        Ok(())
    }

    fn shown(&self) -> String {
        self.to_string()
    }

    fn arity(&self) -> Arity {
        Arity::Switch
    }
}

impl Value for String {
    fn set(&mut self, typed: &str) -> Result<(), InvalidValue> {
        typed.clone_into(self);
        Ok(())
    }

    fn shown(&self) -> String {
        self.clone()
    }
}

impl Value for Vec<String> {
    fn set(&mut self, typed: &str) -> Result<(), InvalidValue> {
        self.push(typed.to_owned());
        Ok(())
    }

    fn shown(&self) -> String {
        self.join(",")
    }

    fn arity(&self) -> Arity {
        Arity::Many
    }
}

impl Value for GoDuration {
    fn set(&mut self, typed: &str) -> Result<(), InvalidValue> {
        *self = Self::parse(typed)?;
        Ok(())
    }

    fn shown(&self) -> String {
        self.to_string()
    }
}

impl Value for ExternalUrl {
    fn set(&mut self, typed: &str) -> Result<(), InvalidValue> {
        *self = Self::parse(typed)?;
        Ok(())
    }

    fn shown(&self) -> String {
        self.as_typed().to_owned()
    }
}

impl Value for LogLevel {
    fn set(&mut self, typed: &str) -> Result<(), InvalidValue> {
        let level = typed.parse::<Self>();
        *self = level.map_err(|error| InvalidValue::AsGo(error.to_string()))?;
        Ok(())
    }

    fn shown(&self) -> String {
        self.to_string()
    }
}

impl Value for LogFormat {
    fn set(&mut self, typed: &str) -> Result<(), InvalidValue> {
        let format = typed.parse::<Self>();
        *self = format.map_err(|error| InvalidValue::AsGo(error.to_string()))?;
        Ok(())
    }

    fn shown(&self) -> String {
        self.to_string()
    }
}

/// How many there may be of something: at least one.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Count(pub(super) usize);

impl Value for Count {
    fn set(&mut self, typed: &str) -> Result<(), InvalidValue> {
        let count = typed.parse().ok().filter(|&count| count > 0);
        let invalid = || format!("invalid number {typed:?}: want a whole number greater than 0");
        *self = Self(count.ok_or_else(|| InvalidValue::Own(invalid()))?);
        Ok(())
    }

    fn shown(&self) -> String {
        self.0.to_string()
    }
}

/// How many bytes something may have: at least one.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Bytes(pub(super) usize);

/// The largest first, so that a size is shown in the largest that divides it.
const BYTE_UNITS: [(&str, usize); 3] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];

impl Value for Bytes {
    fn set(&mut self, typed: &str) -> Result<(), InvalidValue> {
        let with_unit = |(unit, factor)| Some((typed.strip_suffix(unit)?, factor));
        let (digits, factor) = BYTE_UNITS
            .into_iter()
            .find_map(with_unit)
            .unwrap_or((typed, 1));
        let bytes = digits.parse::<usize>().ok();
        let bytes = bytes.and_then(|count| count.checked_mul(factor));
        let invalid = || {
            format!(
                "invalid size {typed:?}: want a whole number of bytes greater than 0, or one with KiB, \
                 MiB or GiB"
            )
        };
        let bytes = bytes.filter(|&bytes| bytes > 0);
        *self = Self(bytes.ok_or_else(|| InvalidValue::Own(invalid()))?);
        Ok(())
    }

    fn shown(&self) -> String {
        let divides = |(_, factor): &(&str, usize)| self.0.is_multiple_of(*factor);
        match BYTE_UNITS.into_iter().find(divides) {
            Some((unit, factor)) => format!("{}{unit}", self.0 / factor),
            None => self.0.to_string(),
        }
    }
}

/// A time that must pass: more than none.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Timeout(pub(super) GoDuration);

impl Value for Timeout {
    fn set(&mut self, typed: &str) -> Result<(), InvalidValue> {
        let duration = GoDuration::parse(typed).ok();
        let duration = duration.filter(|duration| !duration.to_std().is_zero());
        let invalid =
            || format!("invalid duration {typed:?}: want one longer than 0s, such as 30s");
        *self = Self(duration.ok_or_else(|| InvalidValue::Own(invalid()))?);
        Ok(())
    }

    fn shown(&self) -> String {
        self.0.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is shown after setting, or why it was not set.
    fn shown<V: Value + Default>(typed: &str) -> String {
        let mut value = V::default();
        match value.set(typed) {
            Ok(()) => value.shown(),
            Err(InvalidValue::AsGo(reason) | InvalidValue::Own(reason)) => reason,
        }
    }

    #[test]
    fn sizes_are_plain_or_in_binary_units() {
        assert_eq!(shown::<Bytes>("67108864"), "64MiB");
        assert_eq!(shown::<Bytes>("64MiB"), "64MiB");
        assert_eq!(shown::<Bytes>("1024MiB"), "1GiB");
        assert_eq!(shown::<Bytes>("1025"), "1025");
        let help = "want a whole number of bytes greater than 0, or one with KiB, MiB or GiB";
        for wrong in [
            "",
            "0",
            "0KiB",
            "-1",
            "1MB",
            "1.5MiB",
            "99999999999999999999",
            "17179869184GiB",
        ] {
            assert_eq!(
                shown::<Bytes>(wrong),
                format!("invalid size {wrong:?}: {help}")
            );
        }
    }

    #[test]
    fn counts_are_whole_and_at_least_one() {
        assert_eq!(shown::<Count>("1000"), "1000");
        assert_eq!(
            shown::<Count>("0"),
            r#"invalid number "0": want a whole number greater than 0"#
        );
    }

    #[test]
    fn timeouts_are_longer_than_nothing() {
        assert_eq!(shown::<Timeout>("90s"), "1m30s");
        assert_eq!(
            shown::<Timeout>("-1s"),
            r#"invalid duration "-1s": want one longer than 0s, such as 30s"#
        );
    }

    #[test]
    fn log_values_are_shown_in_lower_case() {
        assert_eq!(shown::<LogLevel>("INFO"), "info");
        assert_eq!(shown::<LogLevel>("foo"), "unrecognized log level foo");
        assert_eq!(shown::<LogFormat>("foo"), "unrecognized log format foo");
    }
}
