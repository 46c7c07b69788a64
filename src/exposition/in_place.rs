//! Values made where they stay.

use std::iter;

/// Appends the value that is made, and lends it.
///
/// `Vec::push` is given a value that was made elsewhere, and to move one as large as a label or metric costs more
/// than to parse it.
#[inline]
pub(super) fn append_made<T>(values: &mut Vec<T>, make: impl FnOnce() -> T) -> &mut T {
    let at = values.len();
    values.extend(iter::once_with(make));
    &mut values[at]
}
