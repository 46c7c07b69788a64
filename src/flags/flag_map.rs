//! All flags with their values, for people to look at.

use super::table::FLAGS;
use super::typed::Flags;

/// Names and values of all flags, sorted by name, as the API and the status page show them.
///
/// Values are in their plain form: durations as Go prints them, the route prefix as it is applied, addresses
/// joined with commas. Flags that only ask for a text, such as `--help`, are not among them.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FlagMap(Vec<(&'static str, String)>);

impl FlagMap {
    pub(super) fn new(mut flags: Flags) -> Self {
        let mut show =
            |place: fn(&mut Flags) -> &mut dyn super::value::Value| place(&mut flags).shown();
        let mut all: Vec<_> = FLAGS
            .iter()
            .map(|flag| (flag.name, show(flag.place)))
            .collect();
        all.sort_unstable_by_key(|(name, _)| *name);
        Self(all)
    }

    /// Names and values in the order of the names.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&'static str, &str)> {
        self.0.iter().map(|(name, value)| (*name, value.as_str()))
    }
}
