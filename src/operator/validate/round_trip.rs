//! What a type drops of a JSON value, and what it adds: fields that it does not know, and fields that it must have.

use serde_json::Value;

/// Paths of fields that are in one of two values only.
#[derive(Debug, Default, Eq, PartialEq)]
pub(in crate::operator) struct Difference {
    /// In the value as written, not in that of the type: unknown.
    pub(in crate::operator) dropped: Vec<String>,
    /// In that of the type, not as written: required.
    pub(in crate::operator) added: Vec<String>,
}

impl Difference {
    /// Compares a value as written with what a type made of it.
    pub(in crate::operator) fn between(written: &Value, typed: &Value) -> Self {
        let mut difference = Self::default();
        difference.walk("", written, typed);
        difference
    }

    fn walk(&mut self, path: &str, written: &Value, typed: &Value) {
        match (written, typed) {
            (Value::Object(written), Value::Object(typed)) => {
                let below = |name: &str| match path {
                    "" => name.to_owned(),
                    path => format!("{path}.{name}"),
                };
                for (name, value) in written {
                    match typed.get(name) {
                        Some(typed) => self.walk(&below(name), value, typed),
                        // A type may leave out what is empty.
                        None if is_empty(value) => {}
                        None => self.dropped.push(below(name)),
                    }
                }
                let added = typed.keys().filter(|name| !written.contains_key(*name));
                self.added.extend(added.map(|name| below(name)));
            }
            (Value::Array(written), Value::Array(typed)) => {
                for (at, (written, typed)) in written.iter().zip(typed).enumerate() {
                    self.walk(&format!("{path}[{at}]"), written, typed);
                }
            }
            _ => {}
        }
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn tells_what_is_dropped_and_what_is_added() {
        let written = json!({"a": {"b": 1, "c": null, "d": []}, "e": [{"f": 1}, {"g": 1}]});
        let typed = json!({"a": {"h": ""}, "e": [{"f": 2}, {}]});
        let difference = Difference::between(&written, &typed);
        assert_eq!(difference.dropped, ["a.b", "e[1].g"]);
        assert_eq!(difference.added, ["a.h"]);
    }
}
