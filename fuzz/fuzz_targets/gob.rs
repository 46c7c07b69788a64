//! Any bytes are a Go Pushgateway's file or are refused; what was read can be written and read again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pushgateway::store::upstream::{is_upstream, read, write};

fuzz_target!(|bytes: &[u8]| {
    is_upstream(bytes);
    let groups = read(bytes).unwrap_or_else(|partial| partial.groups);
    let mut written = Vec::new();
    write(&mut written, groups.iter().cloned()).expect("memory can be written");
    assert_eq!(read(&written).expect("it was written by us"), groups);
});
