//! The operator against a real Kubernetes API server.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

#[path = "../parts/find.rs"]
mod parts;

mod chart_values;
mod charts;
mod cluster;
mod crd;
mod drift;
mod faults;
mod fields;
mod flags_contract;
mod gateways;
mod golden;
mod helm;
mod leader;
mod lifecycle;
mod manifests;
mod monitoring;
mod node;
mod operator_chart;
mod operators;
mod optional_kinds;
mod rbac;
mod release;
mod schemas;
mod steady;
mod storage;
mod strangers;
mod switch;
mod validation;
