//! The protobuf decoder takes any bytes, and what it understood survives being encoded and decoded again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pushgateway::exposition::{Escaping, ParseLimits, protobuf, text_encoder};
use pushgateway::model::MetricFamily;

const LIMITS: ParseLimits = ParseLimits {
    max_memory: 1 << 24,
};

fuzz_target!(|body: &[u8]| {
    let _ = protobuf::decode_metrics(body);
    let families = match protobuf::decode_families(body, LIMITS) {
        Ok(families) => families,
        Err(error) => {
            let _ = error.to_string();
            return;
        }
    };
    for family in &families {
        text_encoder::append_family(&mut Vec::new(), family, Escaping::AllowUtf8);
    }
    let bytes = encoded(&families);
    let again = protobuf::decode_families(&bytes, ParseLimits::NONE)
        .expect("what was encoded can be decoded");
    assert_eq!(bytes, encoded(&again));
});

fn encoded(families: &[MetricFamily<'_>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for family in families {
        protobuf::append_family(&mut bytes, family);
    }
    bytes
}
