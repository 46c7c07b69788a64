//! The steps of the run, each of which a user could take.

pub(crate) mod backup;
pub(crate) mod chart;
pub(crate) mod monitoring;
pub(crate) mod rollout;
pub(crate) mod sizes;
pub(crate) mod takeover;
