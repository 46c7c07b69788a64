//! No push path makes the parser panic, and each key that it finds survives the way back into a path.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pushgateway::model::NameScheme;
use pushgateway::web::grouping_path;

fuzz_target!(|path: &[u8]| {
    for scheme in [NameScheme::Legacy, NameScheme::Utf8] {
        let Ok(key) = grouping_path::parse(path, scheme) else {
            continue;
        };
        let path = grouping_path::to_path(&key, NameScheme::Utf8);
        if path.is_ascii() && !path.contains('%') {
            let after_job = path.strip_prefix("job").expect("a path begins with job");
            let again = grouping_path::parse(after_job.as_bytes(), NameScheme::Utf8);
            assert_eq!(again, Ok(key));
        }
    }
});
