//! What stands between the braces: labels, and sometimes the metric name.

use std::borrow::Cow;

use super::cursor::Name;
use super::error::{Stop, SyntaxError};
use super::families::Target;
use super::float::parse_float;
use super::{LineHead, Parser};
use crate::exposition::NameKind;
use crate::model::Label;

/// The label name under which protobuf and Prometheus know the metric name.
const METRIC_NAME_LABEL: &str = "__name__";

impl<'a> Parser<'a> {
    /// Parses the labels and the blanks behind them. If the metric is not known yet, its name is among them.
    pub(super) fn labels(&mut self, outside: Option<Target>) -> Result<LineHead, Stop> {
        let mut inside = None;
        let mut position = f64::NAN;
        loop {
            // Past the opening brace or a comma.
            self.cursor.advance();
            self.cursor.skip_blanks();
            if self.cursor.peek()? == b'}' {
                break;
            }
            let target = outside.or(inside);
            let name = self.cursor.name(NameKind::Label)?;
            if name.is_empty() {
                return Err(SyntaxError::NoLabelName(self.families.name_of(target)).into());
            }
            self.cursor.skip_blanks();
            match self.cursor.peek()? {
                b'=' => self.label(name, target, &mut position)?,
                found if outside.is_some() => return Err(SyntaxError::NoEquals(found).into()),
                _ if inside.is_some() => {
                    let family = self.families.name_of(inside);
                    return Err(SyntaxError::SecondMetricName(family).into());
                }
                b',' | b'}' => inside = Some(self.name_in_braces(name, &mut position)?),
                found => return Err(SyntaxError::EndOfMetricName(found).into()),
            }
            if self.cursor.peek()? == b'}' {
                break;
            }
        }
        let Some(target) = outside.or(inside) else {
            return Err(SyntaxError::NoMetricName.into());
        };
        self.cursor.advance();
        self.cursor.skip_blanks();
        Ok(LineHead { target, position })
    }

    /// Parses a label from its equals sign to the comma or brace behind it.
    fn label(
        &mut self,
        name: Name<'a>,
        target: Option<Target>,
        position: &mut f64,
    ) -> Result<(), Stop> {
        if name.is(METRIC_NAME_LABEL) {
            return Err(SyntaxError::ReservedLabelName.into());
        }
        let name = self.valid_name(name, NameKind::Label)?;
        let own_label = target.and_then(|target| self.families.own_label(target));
        let is_own = own_label == Some(&*name);
        if !is_own && self.labels.contains(&name) {
            let family = self.families.name_of(target);
            return Err(SyntaxError::DuplicateLabelNames(family).into());
        }
        let value = self.label_value()?;
        if let Some(own_label) = own_label
            && is_own
        {
            *position = parse_position(own_label, &value)?;
        }
        self.cursor.skip_blanks();
        if !matches!(self.cursor.peek()?, b',' | b'}') {
            return Err(SyntaxError::EndOfLabelValue(value.into()).into());
        }
        if !is_own {
            self.labels.push(name, value);
            self.budget.check::<Label<'_>>(self.labels.len())?;
        }
        Ok(())
    }

    /// Parses the value behind the equals sign.
    fn label_value(&mut self) -> Result<Cow<'a, str>, SyntaxError> {
        self.cursor.advance();
        self.cursor.skip_blanks();
        match self.cursor.peek()? {
            b'"' => self.cursor.label_value(),
            found => Err(SyntaxError::NoLabelValue(found)),
        }
    }

    /// Selects the family that is named within the braces, perhaps only after labels.
    fn name_in_braces(&mut self, name: Name<'a>, position: &mut f64) -> Result<Target, Stop> {
        let target = self.select(name)?;
        self.families.settle_type(target);
        if let Some(own_label) = self.families.own_label(target)
            && let Some(label) = self.labels.remove(own_label)
        {
            *position = parse_position(own_label, &label.value)?;
        }
        Ok(target)
    }
}

fn parse_position(own_label: &'static str, value: &str) -> Result<f64, SyntaxError> {
    parse_float(value).ok_or_else(|| SyntaxError::PositionNotAFloat {
        label: own_label,
        value: value.into(),
    })
}
