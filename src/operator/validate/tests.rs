//! Checks of single decisions; whole objects are compared in `tests/operator/golden.rs`.
