//! The control plane is real, and gone without a trace afterwards.

use std::env;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio, abort};
use std::thread;
use std::time::Instant;

use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kube::api::{DeleteParams, ListParams, ObjectMeta, PostParams};
use kube::{Api, Resource, ResourceExt};

use super::folder::Folder;
use super::{Cluster, PATIENCE, POLL, Programs, User, start_etcd};

/// A `ConfigMap` that belongs to `owner`, if any.
fn config_map(name: &str, owner: Option<&ConfigMap>) -> ConfigMap {
    ConfigMap {
        metadata: ObjectMeta {
            name: Some(name.to_owned()),
            owner_references: owner.map(|owner| vec![owner.controller_owner_ref(&()).unwrap()]),
            ..ObjectMeta::default()
        },
        ..ConfigMap::default()
    }
}

#[tokio::test]
async fn the_server_says_which_kubernetes_it_is() {
    let Some(cluster) = Cluster::shared().await else {
        return;
    };
    let program = cluster.programs.kubernetes.join("kube-apiserver");
    let output = Command::new(program).arg("--version").output().unwrap();
    let version = String::from_utf8(output.stdout).unwrap();

    let info = cluster.client(User::Admin).await.apiserver_version().await;
    let info = info.unwrap();
    assert_eq!(version.trim(), format!("Kubernetes {}", info.git_version));
    // A version that was not linked in is v0.0.0.
    assert_eq!(info.major, "1");
    assert!(info.minor.parse::<u32>().unwrap() >= 30, "{}", info.minor);
}

#[tokio::test]
async fn what_belongs_to_a_deleted_object_is_deleted() {
    let Some(cluster) = Cluster::shared().await else {
        return;
    };
    let client = cluster.client(User::Admin).await;
    let maps = Api::<ConfigMap>::namespaced(client, &cluster.namespace().await);
    let create = async |map| maps.create(&PostParams::default(), &map).await.unwrap();
    let owner = create(config_map("owner", None)).await;
    create(config_map("owned", Some(&owner))).await;
    create(config_map("free", None)).await;

    let background = DeleteParams::background();
    maps.delete("owner", &background).await.unwrap();
    let deadline = Instant::now() + PATIENCE;
    while maps.get_opt("owned").await.unwrap().is_some() {
        assert!(Instant::now() < deadline, "it is still there");
        tokio::time::sleep(POLL).await;
    }
    assert!(maps.get_opt("free").await.unwrap().is_some());
}

#[tokio::test]
async fn who_has_no_rights_is_refused_and_noted() {
    let Some(cluster) = Cluster::shared().await else {
        return;
    };
    let namespace = cluster.namespace().await;
    let client = cluster.client(User::Stranger).await;
    let secrets = Api::<Secret>::namespaced(client, &namespace);
    let refused = secrets.list(&ListParams::default()).await;
    assert!(matches!(&refused, Err(kube::Error::Api(status)) if status.is_forbidden()));

    let events = cluster.audit_events();
    let noted = events.iter().find(|event| {
        event.stage == "ResponseComplete"
            && event.user() == User::Stranger.name()
            && event.namespace() == namespace
    });
    let noted = noted.expect("it is in the audit log");
    assert_eq!(
        (noted.verb.as_str(), noted.resource().as_str(), noted.code()),
        ("list", "secrets", 403)
    );
}

#[tokio::test]
async fn writes_are_noted_and_reads_are_not() {
    let Some(cluster) = Cluster::shared().await else {
        return;
    };
    let namespace = cluster.namespace().await;
    let client = cluster.client(User::Admin).await;
    let maps = Api::<ConfigMap>::namespaced(client, &namespace);
    let map = config_map("noted", None);
    maps.create(&PostParams::default(), &map).await.unwrap();
    maps.get("noted").await.unwrap();
    maps.list(&ListParams::default()).await.unwrap();
    let once = DeleteParams::default();
    maps.delete("noted", &once).await.unwrap();

    let of_admin: Vec<_> = cluster
        .audit_events()
        .into_iter()
        .filter(|event| event.namespace() == namespace && event.user() == User::Admin.name())
        .map(|event| {
            (
                event.verb.clone(),
                event.resource(),
                event.name().to_owned(),
                event.code(),
            )
        })
        .collect();
    let expected = [("create", 201), ("delete", 200)].map(|(verb, code)| {
        (
            verb.to_owned(),
            "configmaps".to_owned(),
            "noted".to_owned(),
            code,
        )
    });
    assert_eq!(of_admin, expected);
}

#[tokio::test]
async fn the_kinds_of_others_can_be_used() {
    let Some(cluster) = Cluster::shared().await else {
        return;
    };
    let namespace = cluster.namespace().await;
    for kind in ["servicemonitors", "httproutes"] {
        let list = cluster.kubectl(&["get", kind, "-n", &namespace, "-o", "name"]);
        assert_eq!(list, "", "{kind}");
    }
}

#[tokio::test]
async fn a_restart_keeps_all_and_the_end_leaves_nothing() {
    let Some(mut cluster) = Cluster::start(&[]).await else {
        return;
    };
    let client = cluster.client(User::Admin).await;
    let maps = Api::<ConfigMap>::default_namespaced(client);
    let kept = config_map("kept", None);
    let kept = maps.create(&PostParams::default(), &kept).await.unwrap();
    cluster.stop_api_server();
    assert!(maps.get("kept").await.is_err());
    cluster.start_api_server().await;
    assert_eq!(maps.get("kept").await.unwrap().uid(), kept.uid());

    let ids: Vec<u32> = cluster
        .servers()
        .iter()
        .map(|(_, server)| server.id())
        .collect();
    let folder = cluster.folder.path().to_owned();
    assert_eq!(ids.iter().filter(|&&id| runs(id)).count(), 3);
    assert!(folder.exists());
    drop(cluster);
    assert_eq!(ids.iter().filter(|&&id| runs(id)).count(), 0);
    assert!(!folder.exists());
}

/// This test runs itself once more, as a process that starts a server and aborts.
#[test]
fn tests_that_abort_leave_nothing() {
    const MARK: &str = "PUSHGATEWAY_TESTS_ABORT";
    let Some(programs) = Programs::find() else {
        return;
    };
    if env::var_os(MARK).is_some() {
        let folder = Folder::new();
        let etcd = start_etcd(&programs, &folder);
        println!("\nstarted {} {}", etcd.id(), folder.path().display());
        abort();
    }
    let mut aborting = Command::new(env::current_exe().unwrap())
        .args(["--exact", thread::current().name().unwrap(), "--nocapture"])
        .env(MARK, "1")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lines = BufReader::new(aborting.stdout.take().unwrap()).lines();
    let mut started = lines.map_while(Result::ok).filter_map(|line| {
        let (id, folder) = line.strip_prefix("started ")?.split_once(' ')?;
        Some((id.parse().unwrap(), folder.to_owned()))
    });
    let (id, folder): (u32, String) = started.next().expect("it started a server");
    assert!(!aborting.wait().unwrap().success());

    let deadline = Instant::now() + PATIENCE;
    while runs(id) || Path::new(&folder).exists() {
        assert!(Instant::now() < deadline, "{id} or {folder} is still there");
        thread::sleep(POLL);
    }
}

/// Whether there is such a process, other than as a name that nobody has asked for.
fn runs(id: u32) -> bool {
    let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
    !status.is_empty() && !status.contains("State:\tZ")
}
