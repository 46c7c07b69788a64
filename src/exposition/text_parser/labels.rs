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

/// So many label names are kept for the next line.
const REMEMBERED: usize = 16;

/// What the labels of a line have told so far.
struct Braces {
    target: Option<Target>,
    /// The label that makes a line of the target a quantile or bucket.
    own_label: Option<&'static str>,
    /// The value of that label; NaN for none.
    position: f64,
}

impl Braces {
    /// The own label, if it is the one of this name.
    #[inline]
    fn own_label_of_name(&self, name: &str) -> Option<&'static str> {
        self.own_label.filter(|own_label| *own_label == name)
    }
}

impl<'a> Parser<'a> {
    /// Parses the labels and the blanks behind them. If the metric is not known yet, its name is among them.
    pub(super) fn labels(&mut self, outside: Option<Target>) -> Result<LineHead, Stop> {
        let mut braces = Braces {
            target: outside,
            own_label: outside.and_then(|target| self.families.own_label(target)),
            position: f64::NAN,
        };
        for place in 0.. {
            // Past the opening brace or a comma.
            self.cursor.advance();
            self.cursor.skip_blanks();
            if self.cursor.peek()? == b'}' {
                break;
            }
            if let Some(&name) = self.label_names.get(place)
                && let Some(value) = self.cursor.take_plain_label(name)
            {
                self.plain_label(name, value, &mut braces)?;
            } else {
                self.any_label(place, outside.is_some(), &mut braces)?;
            }
            if self.cursor.peek()? == b'}' {
                break;
            }
        }
        let Some(target) = braces.target else {
            return Err(SyntaxError::NoMetricName.into());
        };
        self.cursor.advance();
        self.cursor.skip_blanks();
        Ok(LineHead {
            target,
            position: braces.position,
        })
    }

    /// Takes in a label that was taken whole.
    #[inline]
    fn plain_label(
        &mut self,
        name: &'a str,
        value: &'a str,
        braces: &mut Braces,
    ) -> Result<(), Stop> {
        if let Some(own_label) = braces.own_label_of_name(name) {
            braces.position = parse_position(own_label, value)?;
            return Ok(());
        }
        self.check_is_new(name, braces)?;
        self.keep(name.into(), value.into())
    }

    /// Parses a label or the metric name, to the comma or brace behind it.
    fn any_label(&mut self, place: usize, is_named: bool, braces: &mut Braces) -> Result<(), Stop> {
        let name = self.cursor.name(NameKind::Label)?;
        if name.is_empty() {
            return Err(SyntaxError::NoLabelName(self.families.name_of(braces.target)).into());
        }
        self.cursor.skip_blanks();
        match self.cursor.peek()? {
            b'=' => self.label(name, place, braces),
            found if is_named => Err(SyntaxError::NoEquals(found).into()),
            _ if braces.target.is_some() => {
                let family = self.families.name_of(braces.target);
                Err(SyntaxError::SecondMetricName(family).into())
            }
            b',' | b'}' => self.name_in_braces(name, braces),
            found => Err(SyntaxError::EndOfMetricName(found).into()),
        }
    }

    /// Parses a label from its equals sign to the comma or brace behind it.
    fn label(&mut self, name: Name<'a>, place: usize, braces: &mut Braces) -> Result<(), Stop> {
        if name.is(METRIC_NAME_LABEL) {
            return Err(SyntaxError::ReservedLabelName.into());
        }
        self.remember_label_name(&name, place);
        let name = self.valid_name(name, NameKind::Label)?;
        let own_label = braces.own_label_of_name(&name);
        if own_label.is_none() {
            self.check_is_new(&name, braces)?;
        }
        let value = self.label_value()?;
        if let Some(own_label) = own_label {
            braces.position = parse_position(own_label, &value)?;
        }
        self.cursor.skip_blanks();
        if !matches!(self.cursor.peek()?, b',' | b'}') {
            return Err(SyntaxError::EndOfLabelValue(value.into()).into());
        }
        match own_label {
            Some(_) => Ok(()),
            None => self.keep(name, value),
        }
    }

    /// Adds a label to those that the metric is going to have.
    #[inline]
    fn keep(&mut self, name: Cow<'a, str>, value: Cow<'a, str>) -> Result<(), Stop> {
        self.labels.push(name, value);
        Ok(self.budget.check::<Label<'_>>(self.labels.len())?)
    }

    /// Keeps the name of the label at this place for the next line.
    fn remember_label_name(&mut self, name: &Name<'a>, place: usize) {
        let Name::Bare(name) = *name else {
            return;
        };
        if let Some(known) = self.label_names.get_mut(place) {
            *known = name;
        } else if self.label_names.len() < REMEMBERED {
            self.label_names.push(name);
        }
    }

    /// Refuses a label of a name that there is already.
    #[inline]
    fn check_is_new(&self, name: &str, braces: &Braces) -> Result<(), SyntaxError> {
        if self.labels.contains(name) {
            let family = self.families.name_of(braces.target);
            return Err(SyntaxError::DuplicateLabelNames(family));
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
    fn name_in_braces(&mut self, name: Name<'a>, braces: &mut Braces) -> Result<(), Stop> {
        let target = self.select(name)?;
        self.families.settle_type(target);
        braces.target = Some(target);
        braces.own_label = self.families.own_label(target);
        if let Some(own_label) = braces.own_label
            && let Some(label) = self.labels.remove(own_label)
        {
            braces.position = parse_position(own_label, &label.value)?;
        }
        Ok(())
    }
}

fn parse_position(own_label: &'static str, value: &str) -> Result<f64, SyntaxError> {
    parse_float(value).ok_or_else(|| SyntaxError::PositionNotAFloat {
        label: own_label,
        value: value.into(),
    })
}
