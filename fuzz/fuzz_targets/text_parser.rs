//! The text parser takes any bytes, and what it understood survives being encoded and parsed again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pushgateway::exposition::{Escaping, ParseLimits, text_encoder, text_parser};
use pushgateway::model::{MetricFamily, MetricType, NameScheme};

const LIMITS: ParseLimits = ParseLimits {
    max_memory: 1 << 24,
};

fuzz_target!(|body: &[u8]| {
    if let Err(error) = text_parser::parse(body, NameScheme::Legacy, LIMITS) {
        let _ = error.to_string();
    }
    let Ok(families) = text_parser::parse(body, NameScheme::Utf8, LIMITS) else {
        return;
    };
    for escaping in Escaping::ALL {
        let _ = encoded(&families, escaping);
    }
    // Several families may be taken for parts of each other; counts of summaries beyond 2^63 are not kept.
    if let [family] = &families[..]
        && family.metric_type != MetricType::Summary
    {
        let text = encoded(&families, Escaping::AllowUtf8);
        let again = text_parser::parse(&text, NameScheme::Utf8, ParseLimits::NONE)
            .expect("what was encoded can be parsed");
        assert_eq!(text, encoded(&again, Escaping::AllowUtf8));
    }
});

fn encoded(families: &[MetricFamily<'_>], escaping: Escaping) -> Vec<u8> {
    let mut text = Vec::new();
    for family in families {
        text_encoder::append_family(&mut text, family, escaping);
    }
    text
}
