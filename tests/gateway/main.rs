//! The gateway as a program, from outside.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod harness;
mod parts;

mod clients;
mod concurrency;
mod differential;
mod hostile;
mod instrumentation;
mod kill;
mod lifecycle;
mod limits;
mod persistence;
mod prometheus;
mod promtool;
mod protocol;
mod self_test;
mod startup;
mod vectors;
mod web_config;
