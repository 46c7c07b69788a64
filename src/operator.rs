//! The operator: makes what a `PushGateway` asks for, and keeps it so.
//!
//! A reconcile is a pipeline: observe → validate → build → apply → status.

#[expect(
    unreachable_pub,
    reason = "the derive of KubeSchema repeats each type inside a function"
)]
pub mod api;
pub mod build;
pub mod crd;
pub mod kind;
mod render;
pub mod validate;

pub use render::{RenderError, render};
