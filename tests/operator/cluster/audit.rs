//! What the API server was asked: all writes, and who read a Secret.

use std::fs;
use std::path::Path;

use serde::Deserialize;

/// What is noted, and when: once, after the answer or, of a watch, as it begins.
pub(super) const POLICY: &str = r#"
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: Metadata
  verbs: [create, update, patch, delete, deletecollection]
- level: Metadata
  verbs: [get, list, watch]
  resources: [{group: "", resources: [secrets]}]
- level: None
"#;

/// A request that the API server answered.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AuditEvent {
    /// `ResponseComplete`, `ResponseStarted` or `Panic`.
    pub(crate) stage: String,
    pub(crate) verb: String,
    user: UserInfo,
    /// Absent of a request for what is no resource.
    #[serde(default)]
    object_ref: ObjectReference,
    response_status: Option<ResponseStatus>,
}

#[derive(Clone, Debug, Deserialize)]
struct UserInfo {
    username: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct ObjectReference {
    resource: String,
    subresource: String,
    namespace: String,
    name: String,
}

#[derive(Clone, Debug, Deserialize)]
struct ResponseStatus {
    code: u16,
}

impl AuditEvent {
    /// The name of who asked.
    pub(crate) fn user(&self) -> &str {
        &self.user.username
    }

    /// The plural name, with the subresource as in `statefulsets/status`.
    pub(crate) fn resource(&self) -> String {
        let ObjectReference {
            resource,
            subresource,
            ..
        } = &self.object_ref;
        match subresource.as_str() {
            "" => resource.clone(),
            subresource => format!("{resource}/{subresource}"),
        }
    }

    /// Empty for what is in none.
    pub(crate) fn namespace(&self) -> &str {
        &self.object_ref.namespace
    }

    /// Empty for a list, and for a create that let the server choose.
    pub(crate) fn name(&self) -> &str {
        &self.object_ref.name
    }

    /// The status code of the answer, or 0 if there was none.
    pub(crate) fn code(&self) -> u16 {
        self.response_status
            .as_ref()
            .map_or(0, |status| status.code)
    }
}

/// All events of a log. The server may be writing its last line.
pub(super) fn read(log: &Path) -> Vec<AuditEvent> {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines = text.split_inclusive('\n');
    let complete = lines.filter(|line| line.ends_with('\n'));
    let parse = |line: &str| {
        serde_json::from_str(line).unwrap_or_else(|error| panic!("audit log: {error}: {line}"))
    };
    complete.map(parse).collect()
}
