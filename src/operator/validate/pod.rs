//! What the pod is made of, and the template that a user lays over it.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{
    Affinity, EnvFromSource, EnvVar, PodSecurityContext, PodSpec, PodTemplateSpec,
    ResourceRequirements, SecurityContext, Toleration, TopologySpreadConstraint,
};
use serde_json::{Map, Value};

use super::api::{ImagePullPolicy, LocalSecretRef, Probes};
use super::round_trip::Difference;
use super::{Invalid, Mount, labels};

/// Name of the gateway's container.
pub const CONTAINER: &str = "pushgateway";

/// Least seconds that a pod needs to end in order: those in which requests are finished come off these.
const LEAST_GRACE_SECONDS: i64 = 15;

/// What the pod is made of beside the gateway's flags.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "each field is the one of the spec of its name")]
pub struct Pod {
    pub image_pull_policy: Option<ImagePullPolicy>,
    pub image_pull_secrets: Vec<LocalSecretRef>,
    pub env: Vec<EnvVar>,
    pub env_from: Vec<EnvFromSource>,
    pub resources: ResourceRequirements,
    pub probes: Probes,
    pub pod_security_context: Option<PodSecurityContext>,
    pub security_context: Option<SecurityContext>,
    pub node_selector: BTreeMap<String, String>,
    pub affinity: Option<Affinity>,
    pub tolerations: Vec<Toleration>,
    pub topology_spread_constraints: Vec<TopologySpreadConstraint>,
    pub priority_class_name: Option<String>,
    pub runtime_class_name: Option<String>,
    pub scheduler_name: Option<String>,
    pub termination_grace_period_seconds: i64,
    pub host_users: Option<bool>,
    pub service_account_name: Option<String>,
    pub labels: BTreeMap<String, String>,
    pub annotations: BTreeMap<String, String>,
    /// What is laid over the generated template in the end.
    pub overlay: Option<PodTemplateSpec>,
    /// Paths of its fields that are not known.
    pub unknown_fields: Vec<String>,
}

impl Pod {
    pub(super) fn check(self) -> Result<Self, Invalid> {
        labels::check_unreserved("spec.podLabels", &self.labels)?;
        let grace = self.termination_grace_period_seconds;
        if grace < LEAST_GRACE_SECONDS {
            let message = format!(
                "{grace} is too short for requests to end; set {LEAST_GRACE_SECONDS} or more"
            );
            return Err(Invalid::new("spec.terminationGracePeriodSeconds", message));
        }
        for (at, variable) in self.env.iter().enumerate() {
            let field = || format!("spec.env[{at}].name");
            if variable.name.is_empty() {
                return Err(Invalid::new(field(), "is empty; name the variable"));
            }
            let is_same = |before: &EnvVar| before.name == variable.name;
            if self.env[..at].iter().any(is_same) {
                let message = format!("{:?} is there twice; remove one", variable.name);
                return Err(Invalid::new(field(), message));
            }
        }
        Ok(self)
    }

    /// With the template that the user wants laid over the generated one.
    pub(super) fn overlaid(
        mut self,
        template: Option<Map<String, Value>>,
    ) -> Result<Self, Invalid> {
        let Some(template) = template else {
            return Ok(self);
        };
        let written = Value::Object(template);
        let overlay = parse(&written)?;
        let typed = serde_json::to_value(&overlay)
            .map_err(|error| Invalid::new("spec.podTemplate", error.to_string()))?;
        let difference = Difference::between(&written, &typed);
        // The types write the list of containers even where it is not given.
        let is_missing = |field: &&String| *field != "spec.containers";
        if let Some(field) = difference.added.iter().find(is_missing) {
            let field = format!("spec.podTemplate.{field}");
            let message = "is missing, and must be there even to be merged; add it";
            return Err(Invalid::new(field, message));
        }
        check_overlay(&overlay)?;
        self.overlay = Some(overlay);
        self.unknown_fields = difference.dropped;
        Ok(self)
    }
}

fn parse(written: &Value) -> Result<PodTemplateSpec, Invalid> {
    serde_json::from_value(written.clone()).map_err(|error| {
        let message = format!("is no PodTemplateSpec: {error}; see kubectl explain pod");
        Invalid::new("spec.podTemplate", message)
    })
}

/// Refuses what would take away from the gateway what it can't do without.
fn check_overlay(overlay: &PodTemplateSpec) -> Result<(), Invalid> {
    let metadata = overlay.metadata.as_ref();
    if let Some(found) = metadata.and_then(|metadata| metadata.labels.as_ref()) {
        labels::check_unreserved("spec.podTemplate.metadata.labels", found)?;
    }
    let Some(spec) = &overlay.spec else {
        return Ok(());
    };
    if let Some(seconds) = spec.termination_grace_period_seconds {
        return Err(Invalid::new(
            "spec.podTemplate.spec.terminationGracePeriodSeconds",
            format!(
                "{seconds} would leave the gateway's own time limit behind; set spec.terminationGracePeriodSeconds"
            ),
        ));
    }
    check_volumes(spec)?;
    check_container(spec)
}

fn check_volumes(spec: &PodSpec) -> Result<(), Invalid> {
    let volumes = spec.volumes.iter().flatten();
    for (at, volume) in volumes.enumerate() {
        let name = &volume.name;
        if Mount::ALL.iter().any(|mount| mount.volume() == name) {
            let field = format!("spec.podTemplate.spec.volumes[{at}].name");
            let message = format!(
                "{name:?} is a volume that the operator makes, and can't have two sources; choose another name, or use spec.persistence and spec.web"
            );
            return Err(Invalid::new(field, message));
        }
    }
    Ok(())
}

fn check_container(spec: &PodSpec) -> Result<(), Invalid> {
    let Some(at) = spec
        .containers
        .iter()
        .position(|container| container.name == CONTAINER)
    else {
        return Ok(());
    };
    let container = &spec.containers[at];
    let field = |name: String| format!("spec.podTemplate.spec.containers[{at}].{name}");
    if container.args.is_some() {
        let message =
            "would replace all flags, those of persistence and TLS included; use extraArgs";
        return Err(Invalid::new(field("args".to_owned()), message));
    }
    for (at, mount) in container.volume_mounts.iter().flatten().enumerate() {
        let path = mount.mount_path.trim_end_matches('/');
        if Mount::ALL.iter().any(|mount| mount.folder() == path) {
            let field = field(format!("volumeMounts[{at}].mountPath"));
            let message =
                format!("{path:?} is where the operator mounts a volume; choose another path");
            return Err(Invalid::new(field, message));
        }
    }
    Ok(())
}
