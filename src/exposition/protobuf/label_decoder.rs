//! Labels from protobuf, and what is wrong with them.

use super::Unexposable;
use super::decode::valid_name;
use super::metric_decoder::{MetricDecoder, Stop};
use super::wire::{BYTES, Key, Reader};
use crate::exposition::in_place::append_made;
use crate::exposition::quoting::Quoted;
use crate::model::Label;

impl<'a> MetricDecoder<'a> {
    /// Decodes a label behind the others, or notes why it cannot be exposed.
    pub(super) fn label(
        &mut self,
        message: &'a [u8],
        labels: &mut Vec<Label<'a>>,
    ) -> Result<(), Stop> {
        self.budget.take::<Label<'_>>(1)?;
        let (mut name, mut value) = (&[][..], &[][..]);
        let mut reader = Reader::new(message);
        while !reader.is_at_end() {
            match reader.key()? {
                Key(1, BYTES) => name = reader.bytes()?,
                Key(2, BYTES) => value = reader.bytes()?,
                key => reader.skip(key)?,
            }
        }
        let Some(valid_name) = self.valid_label_name(name, labels.len()) else {
            self.note_flaw(|family| Unexposable::InvalidLabelName {
                family,
                name: Quoted(name).to_string(),
            });
            return Ok(());
        };
        let Ok(valid_value) = std::str::from_utf8(value) else {
            self.note_flaw(|family| Unexposable::InvalidLabelValue {
                family,
                name: Quoted(name).to_string(),
                value: Quoted(value).to_string(),
            });
            return Ok(());
        };
        append_made(labels, || Label::new(valid_name, valid_value));
        Ok(())
    }

    /// The name of the label at this place as text, if it may be exposed.
    fn valid_label_name(&mut self, name: &'a [u8], at: usize) -> Option<&'a str> {
        let known = self.known_names.get_mut(at);
        if let Some(known) = &known
            && known.as_bytes() == name
        {
            return Some(known);
        }
        let name = valid_name(name)?;
        match known {
            Some(known) => *known = name,
            None => self.known_names.push(name),
        }
        Some(name)
    }

    /// Notes the flaw of a label if it is the first one. Nobody will see the metric, so the label can be left out.
    #[cold]
    fn note_flaw(&mut self, flaw: impl FnOnce(String) -> Unexposable) {
        if self.flaw.is_none() {
            self.flaw = Some(flaw(Quoted(self.family).to_string()));
        }
    }
}
