//! A drop-in for the Prometheus Pushgateway that never loses an acknowledged push.
//!
//! The crate is a house of floors; a module may use what is below it, never what is above:
//!
//! | floor | module | what it is |
//! |---|---|---|
//! | 3 | [`web`] | HTTP: routes, push paths, scrape, JSON API, status page |
//! | 2 | [`store`] | the groups, the consistency check, the log on disk |
//! | 1 | [`exposition`] | wire forms: text and protobuf, both ways |
//! | 0 | [`model`] | metric families, labels, grouping keys |
//!
//! Beside the floors stand [`flags`], [`web_config`], [`server`], [`instrumentation`], [`telemetry`] and
//! [`shutdown`]; [`build_info`] is a constant, and [`self_test`] a client. With the feature `operator` there is a second house, which runs
//! gateways on Kubernetes. `ARCHITECTURE.md` walks a push, a scrape and a reconcile through them.
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod build_info;
pub mod exposition;
pub mod flags;
pub mod instrumentation;
pub mod model;
#[cfg(feature = "operator")]
pub mod operator;
pub mod self_test;
pub mod server;
pub mod shutdown;
pub mod store;
pub mod telemetry;
pub mod web;
pub mod web_config;

/// The port that the gateway listens on unless told otherwise.
pub const DEFAULT_PORT: u16 = 9091;
