//! Comments, of which HELP and TYPE lines mean something.

use super::error::{Stop, SyntaxError};
use super::families::Target;
use super::{Parser, into_text};
use crate::exposition::NameKind;
use crate::model::MetricType;

impl Parser<'_> {
    /// Parses a comment up to the line end, obeying it if it is a HELP or TYPE line.
    pub(super) fn comment(&mut self) -> Result<(), Stop> {
        self.cursor.advance();
        self.cursor.skip_blanks();
        let keyword = self.cursor.word()?;
        if !matches!(keyword, b"HELP" | b"TYPE") {
            self.cursor.rest_of_line()?;
            return Ok(());
        }
        self.cursor.skip_blanks();
        let Some(target) = self.name_in_comment()? else {
            return Ok(());
        };
        self.cursor.skip_blanks();
        if self.cursor.peek()? == b'\n' {
            return Ok(());
        }
        if keyword == b"HELP" {
            self.help(target)
        } else {
            self.metric_type(target)
        }
    }

    /// Takes a name and selects its family; none if it is the last thing in the line.
    fn name_in_comment(&mut self) -> Result<Option<Target>, Stop> {
        // That of a TYPE line mostly stood on the HELP line before.
        if let Some(target) = self.recent_name() {
            return Ok(self.is_more_in_comment()?.then_some(target));
        }
        let name = self.cursor.name(NameKind::Metric)?;
        if !self.is_more_in_comment()? {
            return Ok(None);
        }
        Ok(Some(self.select(name)?))
    }

    /// Whether there is something behind the name, apart from it.
    fn is_more_in_comment(&self) -> Result<bool, SyntaxError> {
        match self.cursor.peek()? {
            b'\n' => Ok(false),
            b' ' | b'\t' => Ok(true),
            _ => Err(SyntaxError::InvalidMetricNameInComment),
        }
    }

    fn help(&mut self, target: Target) -> Result<(), Stop> {
        let family = self.families.family_mut(target);
        if family.help.is_some() {
            return Err(SyntaxError::SecondHelp(family.name.clone().into()).into());
        }
        let Ok(help) = into_text(self.cursor.help()?) else {
            return Err(SyntaxError::HelpNotUtf8(family.name.clone().into()).into());
        };
        family.help = Some(help);
        Ok(())
    }

    fn metric_type(&mut self, target: Target) -> Result<(), Stop> {
        let family = self.families.family_mut(target);
        if family.metric_type.is_some() {
            return Err(SyntaxError::SecondType(family.name.clone().into()).into());
        }
        let name = self.cursor.rest_of_line_without_backslashes()?;
        let Some(metric_type) = metric_type_of(&name) else {
            return Err(SyntaxError::UnknownType(name.into()).into());
        };
        family.metric_type = Some(metric_type);
        Ok(())
    }
}

fn metric_type_of(name: &[u8]) -> Option<MetricType> {
    const NAMES: [(&[u8], MetricType); 7] = [
        (b"COUNTER", MetricType::Counter),
        (b"GAUGE", MetricType::Gauge),
        (b"SUMMARY", MetricType::Summary),
        (b"UNTYPED", MetricType::Untyped),
        (b"HISTOGRAM", MetricType::Histogram),
        (b"GAUGE_HISTOGRAM", MetricType::GaugeHistogram),
        (b"GAUGEHISTOGRAM", MetricType::GaugeHistogram),
    ];
    let (_, metric_type) = NAMES
        .iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(name))?;
    Some(*metric_type)
}
