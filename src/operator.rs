//! The operator: makes what a `PushGateway` asks for, and keeps it so.
//!
//! A reconcile is a pipeline: observe → validate → build → apply → status.

mod admin;
#[expect(
    unreachable_pub,
    reason = "the derive of KubeSchema repeats each type inside a function"
)]
pub mod api;
mod apply;
pub mod build;
mod capabilities;
pub mod crd;
mod error;
mod events;
pub mod kind;
mod lease;
mod memory;
mod metrics;
mod monitoring;
mod observe;
mod ownership;
mod quantity;
mod reconcile;
mod render;
mod run;
mod side_watch;
mod status;
mod storage;
mod switch;
pub mod validate;
mod workload;

pub use apply::FIELD_MANAGER;
pub use lease::LeaseSettings;
pub use ownership::ADOPT_ANNOTATION;
pub use render::{RenderError, render};
pub use run::{RunError, Settings, run};
pub use validate::Defaults;
