//! The pod template of both workloads.

use k8s_openapi::DeepMerge;
use k8s_openapi::api::core::v1::{
    Capabilities, ConfigMapVolumeSource, Container, ContainerPort, HTTPGetAction, KeyToPath,
    LocalObjectReference, PersistentVolumeClaimVolumeSource, PodSecurityContext, PodSpec,
    PodTemplateSpec, Probe, SeccompProfile, SecretVolumeSource, SecurityContext,
    TopologySpreadConstraint, Volume, VolumeMount,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::config_map::{self, WEB_CONFIG_FILE};
use super::service::PORT_NAME;
use super::{PROBE_PORT, arguments, map_unless_empty, unless_empty};
use crate::DEFAULT_PORT;
use crate::operator::api::{ProbeThresholds, WorkloadKind};
use crate::operator::validate::{
    CONTAINER, ClaimSource, MANAGED_BY, MANAGED_BY_LABEL, Mount, ValidatedPushGateway,
    default_pull_policy,
};

/// Name of the container's port that answers probes.
const PROBE_PORT_NAME: &str = "probes";
/// The user and group `nobody`, as whom the image and those before it run: volumes stay readable.
const NOBODY: i64 = 65534;
/// Files that the owner and the pod's group may read.
const GROUP_READABLE: i32 = 0o440;

/// The template, with what the user wants laid over it in the end.
pub(super) fn build(gateway: &ValidatedPushGateway, kind: WorkloadKind) -> PodTemplateSpec {
    let pod = gateway.pod();
    let mut labels = gateway.selector_labels(kind);
    labels.insert(MANAGED_BY_LABEL.to_owned(), MANAGED_BY.to_owned());
    labels.extend(pod.labels.clone());
    let mut template = PodTemplateSpec {
        metadata: Some(ObjectMeta {
            labels: Some(labels),
            annotations: map_unless_empty(pod.annotations.clone()),
            ..ObjectMeta::default()
        }),
        spec: Some(pod_spec(gateway, kind)),
    };
    if let Some(overlay) = &pod.overlay {
        template.merge_from(overlay.clone());
    }
    template
}

fn pod_spec(gateway: &ValidatedPushGateway, kind: WorkloadKind) -> PodSpec {
    let pod = gateway.pod();
    let secrets = pod
        .image_pull_secrets
        .iter()
        .map(|secret| LocalObjectReference {
            name: secret.name.clone(),
        });
    let spread = pod.topology_spread_constraints.iter();
    let spread = spread.map(|constraint| with_selector(constraint, gateway, kind));
    let scheduler = pod.scheduler_name.as_deref();
    PodSpec {
        containers: vec![container(gateway)],
        volumes: unless_empty(volumes(gateway)),
        image_pull_secrets: unless_empty(secrets.collect()),
        security_context: Some(pod_security_context(pod.pod_security_context.as_ref())),
        // The gateway asks nothing of the API server, and reads nothing from its environment.
        automount_service_account_token: Some(false),
        enable_service_links: Some(false),
        service_account_name: pod.service_account_name.clone(),
        termination_grace_period_seconds: Some(pod.termination_grace_period_seconds),
        restart_policy: Some("Always".to_owned()),
        dns_policy: Some("ClusterFirst".to_owned()),
        scheduler_name: Some(scheduler.unwrap_or("default-scheduler").to_owned()),
        host_users: pod.host_users,
        node_selector: map_unless_empty(pod.node_selector.clone()),
        affinity: pod.affinity.clone(),
        tolerations: unless_empty(pod.tolerations.clone()),
        topology_spread_constraints: unless_empty(spread.collect()),
        priority_class_name: pod.priority_class_name.clone(),
        runtime_class_name: pod.runtime_class_name.clone(),
        ..PodSpec::default()
    }
}

/// The constraint, counting the gateway's own pods unless it says which.
fn with_selector(
    constraint: &TopologySpreadConstraint,
    gateway: &ValidatedPushGateway,
    kind: WorkloadKind,
) -> TopologySpreadConstraint {
    let mut constraint = constraint.clone();
    constraint
        .label_selector
        .get_or_insert_with(|| LabelSelector {
            match_labels: Some(gateway.selector_labels(kind)),
            ..LabelSelector::default()
        });
    constraint
}

fn container(gateway: &ValidatedPushGateway) -> Container {
    let pod = gateway.pod();
    let prefix = &gateway.web().prefix;
    let (healthy, ready) = (format!("{prefix}/-/healthy"), format!("{prefix}/-/ready"));
    let policy = pod.image_pull_policy.map(|policy| format!("{policy:?}"));
    let default_policy = || default_pull_policy(gateway.image()).to_owned();
    Container {
        name: CONTAINER.to_owned(),
        image: Some(gateway.image().to_owned()),
        image_pull_policy: Some(policy.unwrap_or_else(default_policy)),
        args: Some(arguments::build(gateway)),
        env: unless_empty(pod.env.clone()),
        env_from: unless_empty(pod.env_from.clone()),
        ports: Some(vec![
            port(PORT_NAME, DEFAULT_PORT),
            port(PROBE_PORT_NAME, PROBE_PORT),
        ]),
        liveness_probe: Some(probe(&healthy, &pod.probes.liveness)),
        readiness_probe: Some(probe(&ready, &pod.probes.readiness)),
        // Ready when the persistence file is read.
        startup_probe: Some(probe(&ready, &pod.probes.startup)),
        resources: Some(pod.resources.clone()),
        security_context: Some(security_context(pod.security_context.as_ref())),
        volume_mounts: unless_empty(mounts(gateway).map(volume_mount).collect()),
        termination_message_path: Some("/dev/termination-log".to_owned()),
        termination_message_policy: Some("File".to_owned()),
        ..Container::default()
    }
}

fn port(name: &str, number: u16) -> ContainerPort {
    ContainerPort {
        name: Some(name.to_owned()),
        container_port: i32::from(number),
        protocol: Some("TCP".to_owned()),
        ..ContainerPort::default()
    }
}

fn probe(path: &str, thresholds: &ProbeThresholds) -> Probe {
    let ProbeThresholds {
        initial_delay_seconds,
        period_seconds,
        timeout_seconds,
        failure_threshold,
    } = *thresholds;
    Probe {
        http_get: Some(HTTPGetAction {
            path: Some(path.to_owned()),
            port: IntOrString::String(PROBE_PORT_NAME.to_owned()),
            scheme: Some("HTTP".to_owned()),
            ..HTTPGetAction::default()
        }),
        initial_delay_seconds: (initial_delay_seconds > 0).then_some(initial_delay_seconds),
        period_seconds: Some(period_seconds),
        timeout_seconds: Some(timeout_seconds),
        success_threshold: Some(1),
        failure_threshold: Some(failure_threshold),
        ..Probe::default()
    }
}

fn pod_security_context(wanted: Option<&PodSecurityContext>) -> PodSecurityContext {
    let mut context = PodSecurityContext {
        run_as_non_root: Some(true),
        run_as_user: Some(NOBODY),
        run_as_group: Some(NOBODY),
        fs_group: Some(NOBODY),
        fs_group_change_policy: Some("OnRootMismatch".to_owned()),
        seccomp_profile: Some(SeccompProfile {
            type_: "RuntimeDefault".to_owned(),
            ..SeccompProfile::default()
        }),
        ..PodSecurityContext::default()
    };
    context.merge_from(wanted.cloned().unwrap_or_default());
    context
}

fn security_context(wanted: Option<&SecurityContext>) -> SecurityContext {
    let mut context = SecurityContext {
        allow_privilege_escalation: Some(false),
        read_only_root_filesystem: Some(true),
        capabilities: Some(Capabilities {
            drop: Some(vec!["ALL".to_owned()]),
            ..Capabilities::default()
        }),
        ..SecurityContext::default()
    };
    context.merge_from(wanted.cloned().unwrap_or_default());
    context
}

/// The volumes that the gateway needs.
fn mounts(gateway: &ValidatedPushGateway) -> impl Iterator<Item = Mount> {
    let web = gateway.web();
    let tls = web.tls.as_ref();
    let needed = [
        (Mount::Storage, gateway.storage().is_some()),
        (
            Mount::WebConfig,
            tls.is_some() || web.config_secret.is_some(),
        ),
        (Mount::Tls, tls.is_some()),
        (
            Mount::ClientCa,
            tls.is_some_and(|tls| tls.client_ca_secret_name.is_some()),
        ),
        (Mount::BasicAuth, web.basic_auth_secret.is_some()),
    ];
    needed
        .into_iter()
        .filter_map(|(mount, is_needed)| is_needed.then_some(mount))
}

fn volume_mount(mount: Mount) -> VolumeMount {
    VolumeMount {
        name: mount.volume().to_owned(),
        mount_path: mount.folder().to_owned(),
        read_only: (mount != Mount::Storage).then_some(true),
        ..VolumeMount::default()
    }
}

/// The volumes that the pod itself brings; a claim template brings its own.
fn volumes(gateway: &ValidatedPushGateway) -> Vec<Volume> {
    let web = gateway.web();
    let mut volumes = Vec::new();
    if let Some(storage) = gateway.storage()
        && storage.source == ClaimSource::Existing
    {
        volumes.push(claim_volume(&storage.claim_name));
    }
    if let Some(secret) = &web.config_secret {
        let file = (&*secret.key, WEB_CONFIG_FILE);
        volumes.push(secret_volume(Mount::WebConfig, &secret.name, &[file]));
    }
    if let Some(tls) = &web.tls {
        volumes.push(web_config_volume(gateway));
        let files = [("tls.crt", "tls.crt"), ("tls.key", "tls.key")];
        volumes.push(secret_volume(Mount::Tls, &tls.secret_name, &files));
        if let Some(secret) = &tls.client_ca_secret_name {
            volumes.push(secret_volume(
                Mount::ClientCa,
                secret,
                &[("ca.crt", "ca.crt")],
            ));
        }
    }
    if let Some(secret) = &web.basic_auth_secret {
        let files = [("username", "username"), ("password", "password")];
        volumes.push(secret_volume(Mount::BasicAuth, secret, &files));
    }
    volumes
}

fn claim_volume(claim: &str) -> Volume {
    Volume {
        name: Mount::Storage.volume().to_owned(),
        persistent_volume_claim: Some(PersistentVolumeClaimVolumeSource {
            claim_name: claim.to_owned(),
            ..PersistentVolumeClaimVolumeSource::default()
        }),
        ..Volume::default()
    }
}

fn web_config_volume(gateway: &ValidatedPushGateway) -> Volume {
    Volume {
        name: Mount::WebConfig.volume().to_owned(),
        config_map: Some(ConfigMapVolumeSource {
            name: config_map::web_name(gateway),
            default_mode: Some(GROUP_READABLE),
            ..ConfigMapVolumeSource::default()
        }),
        ..Volume::default()
    }
}

/// Keys of a Secret as files: only those that the gateway reads.
fn secret_volume(mount: Mount, secret: &str, files: &[(&str, &str)]) -> Volume {
    let item = |(key, path): &(&str, &str)| KeyToPath {
        key: (*key).to_owned(),
        path: (*path).to_owned(),
        ..KeyToPath::default()
    };
    Volume {
        name: mount.volume().to_owned(),
        secret: Some(SecretVolumeSource {
            secret_name: Some(secret.to_owned()),
            items: Some(files.iter().map(item).collect()),
            default_mode: Some(GROUP_READABLE),
            ..SecretVolumeSource::default()
        }),
        ..Volume::default()
    }
}
