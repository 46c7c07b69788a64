//! What a scrape and the JSON API say about pushed groups, with everything that differs from run to run
//! masked.

use serde_json::Value;

/// Stands for a push time that is not zero.
pub(crate) const PUSH_TIME: &str = "<unix-seconds>";
const OWN_PREFIXES: [&str; 3] = ["go_", "process_", "pushgateway_"];
const PUSH_GAUGES: [&str; 2] = ["push_time_seconds", "push_failure_time_seconds"];

/// Whether a family of that name may be one of the program's own metrics.
pub(crate) fn is_own(name: &str) -> bool {
    OWN_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

/// Whether a family of that name is one of the two gauges that each group has.
pub(crate) fn is_push_gauge(name: &str) -> bool {
    PUSH_GAUGES.contains(&name)
}

/// The lines of a text scrape without the program's own metrics, push times masked.
pub(crate) fn pushed_lines(scrape: &str) -> Vec<String> {
    let is_pushed = |line: &&str| !is_own(family_of(line));
    scrape.lines().filter(is_pushed).map(mask).collect()
}

/// The name that a line of a text scrape begins with, after `# HELP ` or `# TYPE ` if it is one.
fn family_of(line: &str) -> &str {
    let name = line
        .strip_prefix("# HELP ")
        .or_else(|| line.strip_prefix("# TYPE "))
        .unwrap_or(line);
    name.split(['{', ' ']).next().unwrap_or(name)
}

fn mask(line: &str) -> String {
    match line.rsplit_once(' ') {
        Some((series, value)) if is_push_gauge(family_of(line)) => {
            let is_sample = !line.starts_with('#');
            if is_sample && value != "0" {
                return format!("{series} {PUSH_TIME}");
            }
            line.to_owned()
        }
        _ => line.to_owned(),
    }
}

/// The groups of `/api/v1/metrics` as sorted pairs of labels and `last_push_successful`.
pub(crate) fn groups(api_metrics: &Value) -> Vec<Value> {
    let groups = api_metrics["data"].as_array().expect("data is a list");
    let mut pairs: Vec<Value> = groups
        .iter()
        .map(|group| serde_json::json!([group["labels"], group["last_push_successful"]]))
        .collect();
    pairs.sort_by_key(Value::to_string);
    pairs
}

/// The body of `/api/v1/metrics` byte for byte, but with the groups sorted by their labels, time stamps and
/// push times masked.
pub(crate) fn normal_json(body: &str) -> String {
    let Some(list) = body
        .strip_prefix(r#"{"status":"success","data":["#)
        .and_then(|rest| rest.strip_suffix("]}"))
    else {
        return body.to_owned();
    };
    let mut groups: Vec<String> = split_objects(list).into_iter().map(mask_group).collect();
    groups.sort_by_key(|group| labels_of(group));
    groups.join("\n")
}

/// The labels of a group of the JSON API, as text.
pub(crate) fn labels_of(group: &str) -> String {
    let parsed: Value = serde_json::from_str(group).unwrap_or_default();
    parsed["labels"].to_string()
}

/// Splits the inside of a JSON list of objects into the objects.
fn split_objects(list: &str) -> Vec<&str> {
    let mut objects = Vec::new();
    let (mut depth, mut in_string, mut escaped, mut start) = (0, false, false, 0);
    for (at, byte) in list.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'{' => {
                if depth == 0 {
                    start = at;
                }
                depth += 1;
            }
            b'}' => {
                depth -= 1;
                if depth == 0 {
                    objects.push(&list[start..=at]);
                }
            }
            _ => {}
        }
    }
    objects
}

/// Masks the time stamps and the values of the two push gauges that are not 0.
fn mask_group(group: &str) -> String {
    let mut masked = String::new();
    let mut rest = group;
    while let Some((before, after)) = rest.split_once(r#""time_stamp":""#) {
        let (_, after) = after.split_once('"').unwrap_or_default();
        masked.push_str(before);
        masked.push_str(r#""time_stamp":"T""#);
        rest = after;
        if PUSH_GAUGES
            .iter()
            .any(|gauge| before.ends_with(&format!("\"{gauge}\":{{")))
            && let Some((before, after)) = rest.split_once(r#""value":""#)
            && let Some((value, after)) = after.split_once('"')
        {
            let value = if value == "0" { value } else { PUSH_TIME };
            masked.extend([before, r#""value":""#, value, "\""]);
            rest = after;
        }
    }
    masked + rest
}
