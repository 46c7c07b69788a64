//! Everything that is read from the API server before anything is decided.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::core::v1::{Namespace, PersistentVolumeClaim, Pod};
use kube::api::{ApiResource, DynamicObject, ListParams};
use kube::core::GroupVersionKind;
use kube::{Api, Client, ResourceExt};

use super::api::WorkloadKind;
use super::error::{Error, is_not_found};
use super::kind::Kind;
use super::ownership::is_child_of;
use super::validate::{INSTANCE_LABEL, MANAGED_BY, MANAGED_BY_LABEL, ValidatedPushGateway};

/// What there is of one PushGateway.
#[derive(Debug, Default)]
pub(super) struct Observed {
    /// Objects that carry our labels and are ours by owner reference.
    pub children: BTreeMap<(Kind, String), DynamicObject>,
    /// The claim of the persistence file.
    pub claim: Option<PersistentVolumeClaim>,
    /// Pods of the gateway.
    pub pods: Vec<Pod>,
    /// Who could scrape it.
    pub prometheuses: Prometheuses,
}

/// The Prometheus objects that the operator can see.
#[derive(Debug, Default)]
pub(super) enum Prometheuses {
    /// It may not look, or there is no such kind.
    #[default]
    Unseen,
    /// All of them, and the labels of the PushGateway's namespace.
    Seen {
        /// Objects of the kinds Prometheus and `PrometheusAgent`.
        all: Vec<DynamicObject>,
        /// Labels of the namespace, if it may be read.
        namespace_labels: Option<BTreeMap<String, String>>,
    },
}

impl Observed {
    /// A workload of the kind.
    pub(super) fn workload(&self, kind: WorkloadKind, name: &str) -> Option<&DynamicObject> {
        self.children.get(&(Kind::from(kind), name.to_owned()))
    }
}

impl From<WorkloadKind> for Kind {
    fn from(kind: WorkloadKind) -> Self {
        match kind {
            WorkloadKind::StatefulSet => Self::StatefulSet,
            WorkloadKind::Deployment => Self::Deployment,
        }
    }
}

/// Reads it all.
pub(super) async fn observe(
    client: &Client,
    validated: &ValidatedPushGateway,
    served: &BTreeSet<Kind>,
    watched: &[String],
) -> Result<Observed, Error> {
    let mut observed = Observed {
        children: children(client, validated, served).await?,
        claim: claim(client, validated).await?,
        pods: pods(client, validated).await?,
        prometheuses: Prometheuses::Unseen,
    };
    if served.contains(&Kind::ServiceMonitor) {
        observed.prometheuses = prometheuses(client, validated, watched).await?;
    }
    Ok(observed)
}

async fn children(
    client: &Client,
    validated: &ValidatedPushGateway,
    served: &BTreeSet<Kind>,
) -> Result<BTreeMap<(Kind, String), DynamicObject>, Error> {
    let ours = ListParams::default().labels(&format!(
        "{MANAGED_BY_LABEL}={MANAGED_BY},{INSTANCE_LABEL}={}",
        validated.name()
    ));
    let mut children = BTreeMap::new();
    for kind in Kind::ALL {
        if kind.is_optional() && !served.contains(&kind) {
            continue;
        }
        let api = kind.api(client, validated.namespace());
        let list = match api.list(&ours).await {
            Ok(list) => list,
            // An optional kind may have gone since discovery looked, or its feature was not granted.
            Err(kube::Error::Api(status))
                if is_not_found(&status) || status.is_forbidden() && kind.may_be_forbidden() =>
            {
                continue;
            }
            Err(source) => return Err(could_not_read(kind.name(), source)),
        };
        let children_of_kind = list
            .items
            .into_iter()
            .filter(|object| is_child_of(object, validated.uid()));
        children.extend(children_of_kind.map(|object| ((kind, object.name_any()), object)));
    }
    Ok(children)
}

async fn claim(
    client: &Client,
    validated: &ValidatedPushGateway,
) -> Result<Option<PersistentVolumeClaim>, Error> {
    let Some(storage) = validated.storage() else {
        return Ok(None);
    };
    let api = Api::<PersistentVolumeClaim>::namespaced(client.clone(), validated.namespace());
    api.get_opt(storage.claim_name())
        .await
        .map_err(|source| could_not_read("the claim", source))
}

async fn pods(client: &Client, validated: &ValidatedPushGateway) -> Result<Vec<Pod>, Error> {
    let of_workload = validated.selector_string(validated.workload_kind());
    let api = Api::<Pod>::namespaced(client.clone(), validated.namespace());
    let pods = api.list(&ListParams::default().labels(&of_workload)).await;
    pods.map(|list| list.items)
        .map_err(|source| could_not_read("pods", source))
}

/// Looks for Prometheus objects in the namespaces that the operator watches; none means all.
async fn prometheuses(
    client: &Client,
    validated: &ValidatedPushGateway,
    watched: &[String],
) -> Result<Prometheuses, Error> {
    let mut all = Vec::new();
    for resource in prometheus_resources() {
        let apis = if watched.is_empty() {
            vec![Api::<DynamicObject>::all_with(client.clone(), &resource)]
        } else {
            let of = |namespace| Api::namespaced_with(client.clone(), namespace, &resource);
            watched.iter().map(|namespace| of(namespace)).collect()
        };
        for api in apis {
            match api.list(&ListParams::default()).await {
                Ok(list) => all.extend(list.items.into_iter().map(|mut object| {
                    object.types = Some(kube::api::TypeMeta {
                        api_version: resource.api_version.clone(),
                        kind: resource.kind.clone(),
                    });
                    object
                })),
                Err(kube::Error::Api(status)) if is_not_found(&status) => {}
                Err(kube::Error::Api(status)) if status.is_forbidden() => {
                    return Ok(Prometheuses::Unseen);
                }
                Err(source) => return Err(could_not_read(&resource.kind, source)),
            }
        }
    }
    let namespaces = Api::<Namespace>::all(client.clone());
    let namespace_labels = match namespaces.get(validated.namespace()).await {
        Ok(namespace) => Some(namespace.metadata.labels.unwrap_or_default()),
        Err(kube::Error::Api(status)) if status.is_forbidden() => None,
        Err(source) => return Err(could_not_read("the namespace", source)),
    };
    Ok(Prometheuses::Seen {
        all,
        namespace_labels,
    })
}

/// The kinds that select ServiceMonitors.
pub(super) fn prometheus_resources() -> [ApiResource; 2] {
    let resource = |version, kind, plural| {
        let kind = GroupVersionKind::gvk("monitoring.coreos.com", version, kind);
        ApiResource::from_gvk_with_plural(&kind, plural)
    };
    [
        resource("v1", "Prometheus", "prometheuses"),
        resource("v1alpha1", "PrometheusAgent", "prometheusagents"),
    ]
}

fn could_not_read(what: &str, source: kube::Error) -> Error {
    Error::Observe {
        what: what.to_owned(),
        source: Box::new(source),
    }
}
