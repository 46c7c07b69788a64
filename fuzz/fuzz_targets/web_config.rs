//! No content of the web configuration file makes its parser panic, and what parses can be written back.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pushgateway::web_config::WebConfig;

fuzz_target!(|content: &[u8]| {
    let Ok(text) = str::from_utf8(content) else {
        return;
    };
    let Ok(config) = WebConfig::parse(text) else {
        return;
    };
    let written = serde_yaml::to_string(&config).expect("a config that was parsed can be written");
    assert_eq!(WebConfig::parse(&written).ok(), Some(config));
});
