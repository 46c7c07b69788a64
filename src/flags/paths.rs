//! Prefixes and paths as the web flags mean them.

use super::error::ConfigError;

/// Starts with a slash and does not end with one; `/` and nothing are both nothing.
///
/// Of several slashes at the end only one is taken away, as the Go Pushgateway does.
pub(super) fn normalize_prefix(typed: &str) -> String {
    if typed == "/" {
        return String::new();
    }
    let slash = if typed.starts_with('/') { "" } else { "/" };
    let prefix = format!("{slash}{typed}");
    match prefix.strip_suffix('/') {
        Some(stripped) => stripped.to_owned(),
        None => prefix,
    }
}

/// The path of scrapes below the prefix, unless it could not be served.
pub(super) fn telemetry_path(prefix: &str, typed: &str) -> Result<String, ConfigError> {
    let path = match (prefix, typed) {
        (prefix, "") => clean(prefix),
        ("", typed) => clean(typed),
        (prefix, typed) => clean(&format!("{prefix}/{typed}")),
    };
    let problem = if path.starts_with('/') {
        clash(prefix, &path)
    } else {
        Some("which does not start with a slash")
    };
    match problem {
        None => Ok(path),
        Some(problem) => Err(ConfigError::TelemetryPath {
            typed: typed.to_owned(),
            path,
            problem,
        }),
    }
}

/// What else is served under the path.
fn clash(prefix: &str, path: &str) -> Option<&'static str> {
    if path == "/-/quit" {
        return Some("which stops the gateway");
    }
    let below = path.strip_prefix(prefix)?;
    match below {
        "/" | "/status" => Some("where the status page is"),
        "/-/healthy" | "/-/ready" => Some("where probes ask"),
        "/api/v1" => Some("where the API is"),
        _ if below.starts_with("/api/v1/") => Some("where the API is"),
        _ if below.starts_with("/static/") => Some("where the files of the status page are"),
        _ if below.starts_with("/debug/pprof/") => Some("which is reserved for profiling"),
        _ => None,
    }
}

/// As Go's `path.Clean`: without `.`, `..`, doubled slashes and a slash at the end.
fn clean(path: &str) -> String {
    let is_rooted = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            ".." if is_rooted => {}
            part => parts.push(part),
        }
    }
    let root = if is_rooted { "/" } else { "" };
    format!("{root}{}", parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_start_with_a_slash_and_lose_one_at_the_end() {
        let cases = [
            ("", ""),
            ("/", ""),
            ("pre/", "/pre"),
            ("/pre", "/pre"),
            ("/pre//", "/pre/"),
            ("x.example", "/x.example"),
        ];
        for (typed, prefix) in cases {
            assert_eq!(normalize_prefix(typed), prefix, "of {typed:?}");
        }
    }

    #[test]
    fn the_telemetry_path_is_cleaned_below_the_prefix() {
        let cases = [
            ("", "/metrics", "/metrics"),
            ("", "/a/b/../c/", "/a/c"),
            ("", "//a/./b", "/a/b"),
            ("", "/../a", "/a"),
            ("", "/metrics/job/x", "/metrics/job/x"),
            ("/pre", "/metrics", "/pre/metrics"),
            ("/pre", "metrics", "/pre/metrics"),
            ("/pre", "/../status", "/status"),
            ("/pre", "", "/pre"),
            ("/pre", "/", "/pre"),
            ("", "/static", "/static"),
        ];
        for (prefix, typed, path) in cases {
            let found = telemetry_path(prefix, typed).unwrap();
            assert_eq!(found, path, "of {typed:?} below {prefix:?}");
        }
    }

    #[test]
    fn the_telemetry_path_must_be_free_and_absolute() {
        let refused = [
            ("", "metrics"),
            ("", ""),
            ("", "../a"),
            ("", "/"),
            ("", "/status/"),
            ("/pre", "/status"),
            ("", "/-/ready"),
            ("/pre", "/-/healthy"),
            ("/pre", "/../-/quit"),
            ("", "/-/quit"),
            ("", "/api/v1"),
            ("/pre", "/api/v1/metrics"),
            ("", "/static/x"),
            ("", "/debug/pprof/heap"),
        ];
        for (prefix, typed) in refused {
            let result = telemetry_path(prefix, typed);
            assert!(result.is_err(), "of {typed:?} below {prefix:?}: {result:?}");
        }
    }

    #[test]
    fn the_refusal_says_what_is_there() {
        let refusal = telemetry_path("/pre", "status").unwrap_err();
        assert_eq!(
            refusal.to_string(),
            "--web.telemetry-path=status would serve scrapes under \"/pre/status\", where the status \
             page is; choose another path"
        );
    }
}
