//! Chart and operator make the same gateway of the same settings: of each sample of a PushGateway, the chart renders what
//! the operator builds, apart from labels.

use pushgateway::web_config::WebConfig;
use serde_json::{Value, json};

use super::{CHART, object};
use crate::golden::Golden;
use crate::helm::{Helm, Release};

/// Kinds that both make. The operator makes no service account, and keeps no claim of a Deployment.
const KINDS: [&str; 8] = [
    "Deployment",
    "HTTPRoute",
    "Ingress",
    "NetworkPolicy",
    "PodDisruptionBudget",
    "Service",
    "ServiceMonitor",
    "StatefulSet",
];

/// The values for a sample.
fn values(sample: &str) -> Value {
    match sample {
        "minimal" => json!({}),
        "no-persistence" => {
            json!({"runAsStatefulSet": false, "persistentVolume": {"enabled": false}})
        }
        "existing-claim" => json!({"persistentVolume": {
            "existingClaim": "storage-volume-old-pushgateway-0",
            "file": "persistence.data",
        }}),
        "tls-and-basic-auth" => json!({"web": {
            "tls": {"existingSecret": "push-certificate"},
            "basicAuth": {"existingSecret": "push-user"},
        }}),
        "ingress" => json!({
            "web": {
                "externalURL": "https://push.example.com/",
                "basicAuth": {"existingSecret": "push-user"},
            },
            "limits": {"bodyBytes": "4MiB", "groups": 10_000},
            "ingress": {
                "enabled": true,
                "className": "nginx",
                "hosts": ["push.example.com"],
                "tls": [{"hosts": ["push.example.com"], "secretName": "push-example-com"}],
                "annotations": {
                    "cert-manager.io/cluster-issuer": "letsencrypt",
                    "nginx.ingress.kubernetes.io/proxy-body-size": "4m",
                },
            },
        }),
        "mutual-tls" => json!({
            "web": {"tls": {
                "existingSecret": "push-certificate",
                "clientCAExistingSecret": "clients-ca",
                "minVersion": "TLS13",
            }},
            "serviceMonitor": {"tlsConfig": {
                "ca": {"secret": {"name": "push-certificate", "key": "ca.crt"}},
                "cert": {"secret": {"name": "prometheus-certificate", "key": "tls.crt"}},
                "keySecret": {"name": "prometheus-certificate", "key": "tls.key"},
                "serverName": "mutual.monitoring.svc",
            }},
        }),
        "web-config-secret" => json!({
            "webConfiguration": {"existingSecret": {"name": "push-web-config", "key": "web.yml"}},
            "serviceMonitor": {"basicAuth": {
                "username": {"name": "prometheus-user", "key": "username"},
                "password": {"name": "prometheus-user", "key": "password"},
            }},
        }),
        "pod-template" => json!({
            "podAnnotations": {"example.com/team": "batch"},
            "hostAliases": [{"ip": "10.0.0.7", "hostnames": ["proxy.internal"]}],
            "lifecycle": {"preStop": {"sleep": {"seconds": 5}}},
            "extraVolumeMounts": [
                {"name": "zone-info", "mountPath": "/usr/share/zoneinfo", "readOnly": true},
            ],
            "extraContainers": [{
                "name": "sidecar",
                "image": "registry.example.com/sidecar:1.4.2",
                "args": ["--upstream=http://127.0.0.1:9091"],
                "securityContext": {
                    "allowPrivilegeEscalation": false,
                    "capabilities": {"drop": ["ALL"]},
                },
            }],
            "extraVolumes": [{"name": "zone-info", "configMap": {"name": "zone-info"}}],
        }),
        "everything" => everything(),
        _ => panic!("write down which values make the gateway of the sample {sample}"),
    }
}

#[expect(clippy::too_many_lines, reason = "it is one map")]
fn everything() -> Value {
    let network = json!({
        "service": {
            "type": "LoadBalancer",
            "port": 443,
            "nodePort": 30091,
            "clusterIP": "10.96.0.91",
            "ipDualStack": {"enabled": true, "ipFamilies": ["IPv4", "IPv6"]},
            "loadBalancerClass": "example.com/internal",
            "loadBalancerSourceRanges": ["10.0.0.0/8"],
            "externalTrafficPolicy": "Local",
            "trafficDistribution": "PreferClose",
        },
        "serviceAnnotations": {"example.com/dns-name": "push.example.com"},
        "podDisruptionBudget": {"maxUnavailable": 1},
        "networkPolicy": {"customSelectors": [
            {"namespaceSelector": {"matchLabels": {"example.com/pushes": "yes"}}},
            {"podSelector": {"matchLabels": {"app.kubernetes.io/name": "prometheus"}}},
        ]},
        "tests": {"enabled": false},
        "ingress": {
            "enabled": true,
            "className": "nginx",
            "hosts": ["push.example.com", "push.example.org"],
            "tls": [{
                "hosts": ["push.example.com", "push.example.org"],
                "secretName": "push-example-com",
            }],
            "annotations": {"nginx.ingress.kubernetes.io/backend-protocol": "HTTPS"},
        },
        "route": {"main": {
            "enabled": true,
            "parentRefs": [{
                "group": "gateway.networking.k8s.io",
                "kind": "Gateway",
                "name": "internal",
                "namespace": "gateways",
                "sectionName": "https",
            }],
            "hostnames": ["push.example.com"],
            "annotations": {"example.com/owner": "batch"},
        }},
        "serviceMonitor": {
            "interval": "15s",
            "scrapeTimeout": "10s",
            "annotations": {"example.com/owner": "batch"},
            "honorTimestamps": false,
            "relabelings": [{"targetLabel": "cluster", "replacement": "east"}],
            "metricRelabelings": [
                {"sourceLabels": ["__name__"], "separator": ";", "regex": "debug_.*", "action": "Drop"},
                {"sourceLabels": ["job"], "targetLabel": "shard", "modulus": 4, "action": "HashMod"},
            ],
            "sampleLimit": 100_000,
            "scrapeClass": "trusted",
            "jobLabel": "app.kubernetes.io/instance",
            "targetLabels": ["example.com/exposed"],
        },
    });
    let gateway = json!({
        "image": {
            "registry": "registry.example.com",
            "repository": "monitoring/pushgateway",
            "tag": "0.1.0",
            "pullPolicy": "Always",
        },
        "imagePullSecrets": [{"name": "registry"}],
        "persistentVolume": {
            "size": "10Gi",
            "storageClass": "fast",
            "accessModes": ["ReadWriteOncePod"],
            "volumeAttributesClassName": "gold",
            "annotations": {"example.com/snapshots": "7"},
            "file": "groups.data",
            "interval": "5s",
        },
        "statefulSet": {"persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Delete"}},
        "web": {
            "routePrefix": "/push/",
            "externalURL": "https://push.example.com/push/",
            "telemetryPath": "/pushed",
            "enableAdminAPI": true,
            "enableLifecycle": true,
            "tls": {"existingSecret": "push-certificate"},
            "basicAuth": {"existingSecret": "push-user"},
        },
        "push": {"consistencyCheck": false, "utf8Names": true},
        "limits": {
            "bodyBytes": "16MiB",
            "inflatedBodyBytes": "64MiB",
            "bodiesInFlightBytes": "256MiB",
            "groups": 10_000,
            "series": 1_000_000,
            "seriesPerGroup": 5000,
            "labelsPerSeries": 32,
            "labelNameBytes": 256,
            "labelValueBytes": "4KiB",
            "helpBytes": "4KiB",
            "headBytes": "64KiB",
            "headTimeout": "5s",
            "bodyTimeout": "30s",
            "idleTimeout": "1m30s",
            "connections": 500,
            "queuedPushes": 100,
        },
        "logLevel": "debug",
        "logFormat": "json",
        "extraVars": [
            {"name": "TZ", "value": "Europe/Berlin"},
            {"name": "NODE", "valueFrom": {
                "fieldRef": {"apiVersion": "v1", "fieldPath": "spec.nodeName"},
            }},
        ],
        "envFrom": [{"configMapRef": {"name": "environment", "optional": true}}],
        "resources": {
            "requests": {"cpu": "100m", "memory": "256Mi"},
            "limits": {"memory": "1Gi"},
        },
        "liveness": {"probe": {
            "initialDelaySeconds": 5,
            "periodSeconds": 20,
            "timeoutSeconds": 10,
            "failureThreshold": 6,
        }},
        "readiness": {"probe": {"periodSeconds": 2}},
        // The operator's thresholds all have the same defaults, unless none is set.
        "startup": {"probe": {"periodSeconds": 10, "failureThreshold": 1200}},
        "securityContext": {
            "runAsUser": 10001,
            "runAsGroup": 10001,
            "fsGroup": 10001,
            "fsGroupChangePolicy": "Always",
            "supplementalGroups": [4000],
        },
        "containerSecurityContext": {"seccompProfile": {"type": "RuntimeDefault"}},
        "nodeSelector": {"kubernetes.io/arch": "amd64"},
        "affinity": {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [{
            "weight": 1,
            "preference": {"matchExpressions": [
                {"key": "example.com/disk", "operator": "In", "values": ["ssd"]},
            ]},
        }]}},
        "tolerations": [
            {"key": "example.com/monitoring", "operator": "Exists", "effect": "NoSchedule"},
        ],
        "topologySpreadConstraints": [
            {
                "maxSkew": 1,
                "topologyKey": "topology.kubernetes.io/zone",
                "whenUnsatisfiable": "ScheduleAnyway",
            },
            {
                "maxSkew": 1,
                "topologyKey": "kubernetes.io/hostname",
                "whenUnsatisfiable": "ScheduleAnyway",
                "labelSelector": {"matchLabels": {"app.kubernetes.io/name": "pushgateway"}},
            },
        ],
        "priorityClassName": "monitoring",
        "runtimeClassName": "gvisor",
        "schedulerName": "bin-packing",
        "terminationGracePeriodSeconds": 60,
        "hostUsers": false,
        "serviceAccount": {"name": "pushgateway"},
        "podAnnotations": {"example.com/reviewed": "yes"},
        "dnsConfig": {"options": [{"name": "ndots", "value": "2"}]},
    });
    merge(network, gateway)
}

/// Values with what every counterpart needs: names as the operator gives them, and what it does without being asked.
fn counterpart(sample: &str, name: &str) -> Release {
    let common = json!({
        "fullnameOverride": name,
        "image": {"tag": "1.2.3"},
        "serviceAccount": {"create": false},
        "serviceMonitor": {"enabled": true},
    });
    let values = merge(common, values(sample));
    Release::new(CHART, name)
        .namespace("monitoring")
        .values(values)
}

/// One map of values over another.
fn merge(under: Value, over: Value) -> Value {
    match (under, over) {
        (Value::Object(mut under), Value::Object(over)) => {
            for (key, value) in over {
                let below = under.remove(&key).unwrap_or_default();
                under.insert(key, merge(below, value));
            }
            Value::Object(under)
        }
        (_, over) => over,
    }
}

/// The object without labels, and without what selects by them.
fn without_labels(object: Value) -> Value {
    match object {
        Value::Object(fields) => {
            let kept = fields.into_iter().filter(|(key, _)| {
                !matches!(
                    key.as_str(),
                    "labels" | "labelSelector" | "matchLabels" | "selector"
                )
            });
            kept.map(|(key, value)| (key, without_labels(value)))
                .collect()
        }
        Value::Array(items) => items.into_iter().map(without_labels).collect(),
        other => other,
    }
}

#[test]
fn chart_and_operator_make_the_same_gateway() {
    let Some(helm) = Helm::find() else {
        return;
    };
    for golden in Golden::all() {
        let name = golden.workload()["metadata"]["name"].clone();
        let rendered = helm.render(&counterpart(&golden.name, name.as_str().unwrap()));
        let of_kinds = |objects: Vec<Value>| -> Vec<Value> {
            let mut objects: Vec<_> = objects
                .into_iter()
                .filter(|object| KINDS.contains(&object["kind"].as_str().unwrap()))
                .map(without_labels)
                .collect();
            objects.sort_by_cached_key(|object| {
                (
                    object["kind"].to_string(),
                    object["metadata"]["name"].to_string(),
                )
            });
            objects
        };
        let (built, rendered) = (of_kinds(golden.objects()), of_kinds(rendered));
        let names = |objects: &[Value]| -> Vec<_> {
            let name =
                |object: &Value| (object["kind"].clone(), object["metadata"]["name"].clone());
            objects.iter().map(name).collect()
        };
        assert_eq!(names(&rendered), names(&built), "{}", golden.name);
        for (rendered, built) in rendered.iter().zip(&built) {
            let [rendered, expected] =
                [rendered, built].map(|object| serde_yaml::to_string(object).unwrap());
            assert!(
                rendered == expected,
                "of the sample {}, the chart renders\n{rendered}\nand the operator builds\n{expected}",
                golden.name,
            );
        }
    }
}

#[test]
fn chart_and_operator_write_the_same_configuration() {
    let Some(helm) = Helm::find() else {
        return;
    };
    let mut compared = 0;
    for golden in Golden::all() {
        let workload = golden.workload();
        let name = workload["metadata"]["name"].as_str().unwrap();
        let rendered = helm.render(&counterpart(&golden.name, name));
        let push = format!("{name}-push");
        let built = golden.object("ConfigMap", &push).unwrap();
        assert_eq!(object(&rendered, "ConfigMap", &push)["data"], built["data"]);

        let web_config = format!("{name}-web-config");
        if let Some(built) = golden.object("ConfigMap", &web_config) {
            let rendered = object(&rendered, "ConfigMap", &web_config);
            let [rendered, built] = [rendered, &built].map(|object| {
                WebConfig::parse(object["data"]["web-config.yaml"].as_str().unwrap()).unwrap()
            });
            assert_eq!(rendered, built, "{}", golden.name);
            compared += 1;
        }
    }
    assert!(compared >= 3, "samples with TLS");
}
