//! The rows of the tables, a module for each family of them. Each measures, checks the answers and sets the goals.

pub(crate) mod changed;
pub(crate) mod concurrent;
pub(crate) mod durable;
pub(crate) mod instructions;
pub(crate) mod memory;
pub(crate) mod mixed;
pub(crate) mod open;
pub(crate) mod parse;
pub(crate) mod push;
pub(crate) mod removal;
pub(crate) mod scrape;
pub(crate) mod sizes;
pub(crate) mod start;
