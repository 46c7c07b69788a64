//! Labels from protobuf, and what is wrong with them.

use super::Unexposable;
use super::decode::valid_name;
use super::metric_decoder::{MetricDecoder, Stop};
use super::wire::{BYTES, Key, Reader};
use crate::exposition::in_place::append_made;
use crate::exposition::quoting::Quoted;
use crate::model::Label;

/// The labels of so many places are remembered; the last one stands for all behind it too.
pub(super) const REMEMBERED: usize = 8;

/// The last label that could be exposed at some place among the labels of a metric; at first an empty one.
#[derive(Clone, Copy, Default)]
pub(super) struct RecentLabel<'a> {
    /// As it was pushed: the label of the next metric is mostly the same, or has the same name.
    message: &'a [u8],
    name: &'a str,
    value: &'a str,
}

impl<'a> MetricDecoder<'a> {
    /// Decodes the label at this place behind the others, or notes why it cannot be exposed.
    pub(super) fn label(
        &mut self,
        message: &'a [u8],
        place: usize,
        labels: &mut Vec<Label<'a>>,
    ) -> Result<(), Stop> {
        self.budget.take::<Label<'_>>(1)?;
        let place = place.min(REMEMBERED - 1);
        if self.recent_labels[place].message == message || self.read_label(message, place)? {
            let RecentLabel { name, value, .. } = self.recent_labels[place];
            append_made(labels, || Label::new(name, value));
        }
        Ok(())
    }

    /// Makes a label the recent one at this place; whether it can be exposed.
    fn read_label(&mut self, message: &'a [u8], place: usize) -> Result<bool, Stop> {
        let (mut name, mut value) = (&[][..], &[][..]);
        let mut reader = Reader::new(message);
        while !reader.is_at_end() {
            match reader.key()? {
                Key(1, BYTES) => name = reader.bytes()?,
                Key(2, BYTES) => value = reader.bytes()?,
                key => reader.skip(key)?,
            }
        }
        let recent = &mut self.recent_labels[place];
        let valid_name = if recent.name.as_bytes() == name {
            Some(recent.name)
        } else {
            valid_name(name)
        };
        let Some(valid_name) = valid_name else {
            self.note_flaw(|family| Unexposable::InvalidLabelName {
                family,
                name: Quoted(name).to_string(),
            });
            return Ok(false);
        };
        let Ok(valid_value) = std::str::from_utf8(value) else {
            self.note_flaw(|family| Unexposable::InvalidLabelValue {
                family,
                name: Quoted(name).to_string(),
                value: Quoted(value).to_string(),
            });
            return Ok(false);
        };
        *recent = RecentLabel {
            message,
            name: valid_name,
            value: valid_value,
        };
        Ok(true)
    }

    /// Notes the flaw of a label if it is the first one. Nobody will see the metric, so the label can be left out.
    #[cold]
    fn note_flaw(&mut self, flaw: impl FnOnce(String) -> Unexposable) {
        if self.flaw.is_none() {
            self.flaw = Some(flaw(Quoted(self.family).to_string()));
        }
    }
}
