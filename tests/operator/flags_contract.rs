//! The contract between the two programs: what the operator writes for a gateway, the gateway understands.
//!
//! The operator knows the gateway's flags and files only as text, so this is where a misunderstanding would show: each
//! sample's gateway is started as its pod would be, and used as the `ServiceMonitor` and the push URL say.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use pushgateway::flags::{self, Config};
use pushgateway::operator::validate::{Defaults, MANAGED_FLAGS, is_managed};
use pushgateway::operator::{crd, render};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::golden::Golden;
use crate::parts;

mod secrets;

use secrets::Secrets;

/// How long anything may take before the test gives up. Nothing is asserted about times below it.
const PATIENCE: Duration = Duration::from_mins(1);
/// Between two probes.
const POLL: Duration = Duration::from_millis(20);

#[test]
fn arguments_of_all_samples_are_understood() {
    for golden in Golden::all() {
        let arguments = arguments(&golden.workload());
        let config = parse(&arguments).unwrap_or_else(|error| panic!("{}: {error}", golden.name));
        assert!(config.listen.probe_address.is_some(), "{}", golden.name);
    }
}

#[test]
fn every_flag_of_the_gateway_follows_from_the_spec() {
    let config = parse(&[]).unwrap();
    for (name, _) in config.flag_map.iter() {
        assert!(is_managed(name), "spec.extraArgs may name {name}");
    }
}

#[test]
fn limits_of_bodies_are_refused_where_the_gateway_refuses_them() {
    for (field, flag, size, is_accepted) in [
        ("bodyBytes", "body-bytes", "1GiB", true),
        ("bodyBytes", "body-bytes", "1025MiB", false),
        ("inflatedBodyBytes", "inflated-body-bytes", "1GiB", true),
        ("inflatedBodyBytes", "inflated-body-bytes", "1025MiB", false),
        (
            "bodiesInFlightBytes",
            "bodies-in-flight-bytes",
            "256MiB",
            true,
        ),
        (
            "bodiesInFlightBytes",
            "bodies-in-flight-bytes",
            "255MiB",
            false,
        ),
    ] {
        let spec = json!({"push": {"limits": {field: size}}});
        let validated = render(&object(&spec), &Defaults::default());
        assert_eq!(validated.is_ok(), is_accepted, "{field}: {size}");
        let parsed = parse(&[format!("--limit.{flag}={size}")]);
        assert_eq!(parsed.is_ok(), is_accepted, "--limit.{flag}={size}");
    }
}

#[test]
fn the_schema_refuses_the_flags_that_validation_refuses() {
    let crd = crd::definition();
    let schema = &crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
    let extra_args = &schema["properties"]["spec"]["properties"]["extraArgs"];
    let rule = extra_args["x-kubernetes-validations"][0]["rule"]
        .as_str()
        .unwrap();
    let (_, list) = rule.split_once("in [").unwrap();
    let (list, rest) = list.split_once(']').unwrap();
    let names: BTreeSet<&str> = list
        .split(", ")
        .map(|name| name.trim_matches('\''))
        .collect();
    assert_eq!(names, MANAGED_FLAGS.into());
    assert!(rest.contains("startsWith('limit.')") && rest.contains("startsWith('no-')"));
}

#[test]
fn gateways_start_and_work_as_their_children_say() {
    for golden in Golden::all() {
        let secrets = Secrets::new(&host(&golden));
        let pod = Pod::start(&golden, &secrets);
        if !pod.wait_for_probes() {
            return;
        }
        let url = push_url(&golden);
        let push = format!("{url}/metrics/job/contract");
        let credentials = pod.scraper_credentials(&golden, &secrets);

        let pushed = pod.curl(&credentials, &["--data-binary", "pushed 1\n", &push]);
        assert!(
            ["200", "202"].contains(&&*pushed.status),
            "{}: {pushed:?}",
            golden.name
        );
        let scraped = pod.curl(&credentials, &[&scrape_url(&golden)]);
        assert_eq!(scraped.status, "200", "{}: {scraped:?}", golden.name);
        assert!(
            scraped.body.contains("job=\"contract\""),
            "{}: {scraped:?}",
            golden.name
        );

        if !credentials.is_empty() {
            let stranger = pod.curl(&[], &["--insecure", &push]);
            assert!(
                ["401", "000"].contains(&&*stranger.status),
                "{}: {stranger:?}",
                golden.name
            );
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_validation_accepts_the_gateway_understands_in_the_same_way(
        prefix in proptest::option::of("/[a-z/.%~ :@é+]{0,6}"),
        url in proptest::option::of("https?://(h|h:1|u@h|[a-z.:\\[\\]%-]{1,5})(/[a-z/.%~#?é]{0,6}|)"),
        telemetry_path in "/(metrics|status|-/quit|-/ready|api/v1|static/x|[a-z/.%~ -]{0,6})",
        interval in "([0-9]{1,3}(w|d|h|m|s|ms)){0,3}|0",
        size in "[0-9]{1,21}(KiB|MiB|GiB|)",
        timeout in "([0-9]{1,3}(w|d|h|m|s|ms)){0,3}|0",
        count in -1..3_i64,
        file in "[a-z./-]{1,5}",
    ) {
        let object = object(&json!({
            "web": {"routePrefix": prefix, "externalURL": url, "telemetryPath": telemetry_path},
            "persistence": {"interval": interval, "file": file},
            "push": {"limits": {"bodyBytes": size, "headTimeout": timeout, "groups": count}},
        }));
        if let Ok(yaml) = render(&object, &Defaults::default()) {
            let golden = Golden { name: object, yaml };
            let config = parse(&arguments(&golden.workload()));
            let config = config.map_err(|error| TestCaseError::fail(error.to_string()))?;
            let monitor = golden.object("ServiceMonitor", "a").unwrap();
            let path = &monitor["spec"]["endpoints"][0]["path"];
            prop_assert_eq!(path, &config.web.telemetry_path);
            prop_assert_eq!(
                &container(&golden.workload())["livenessProbe"]["httpGet"]["path"],
                &format!("{}/-/healthy", config.web.route_prefix)
            );
        }
    }
}

/// A `PushGateway` called `a`; JSON is YAML.
fn object(spec: &Value) -> String {
    let object = json!({
        "apiVersion": "pushgateway.io/v1alpha1",
        "kind": "PushGateway",
        "metadata": {"name": "a"},
        "spec": spec,
    });
    object.to_string()
}

fn parse(arguments: &[String]) -> Result<Box<Config>, flags::Error> {
    let program = OsString::from("pushgateway");
    let arguments = arguments.iter().map(OsString::from);
    let no_files = |_: &Path| Err(io::ErrorKind::NotFound.into());
    match flags::parse([program].into_iter().chain(arguments), &no_files)? {
        flags::Command::Run(config) => Ok(config),
        other => panic!("not to be run: {other:?}"),
    }
}

fn container(workload: &Value) -> Value {
    let containers = workload["spec"]["template"]["spec"]["containers"].as_array();
    let mut containers = containers.unwrap().iter();
    let found = containers.find(|container| container["name"] == "pushgateway");
    found.unwrap().clone()
}

fn arguments(workload: &Value) -> Vec<String> {
    serde_json::from_value(container(workload)["args"].clone()).unwrap()
}

fn monitor(golden: &Golden) -> Value {
    let name = golden.workload()["metadata"]["name"]
        .as_str()
        .unwrap()
        .to_owned();
    golden.object("ServiceMonitor", &name).unwrap()
}

fn push_url(golden: &Golden) -> String {
    let name = golden.workload()["metadata"]["name"]
        .as_str()
        .unwrap()
        .to_owned();
    let config = golden.object("ConfigMap", &format!("{name}-push")).unwrap();
    config["data"]["PUSHGATEWAY_URL"]
        .as_str()
        .unwrap()
        .to_owned()
}

/// The host name of the push URL.
fn host(golden: &Golden) -> String {
    let url = push_url(golden);
    let (_, rest) = url.split_once("://").unwrap();
    rest.split_once(':').unwrap().0.to_owned()
}

/// What Prometheus asks, with the name that it expects in the certificate.
fn scrape_url(golden: &Golden) -> String {
    let endpoint = monitor(golden)["spec"]["endpoints"][0].clone();
    let name = endpoint["tlsConfig"]["serverName"]
        .as_str()
        .unwrap_or("pod");
    let text = |field: &str| endpoint[field].as_str().unwrap().to_owned();
    format!("{}://{name}{}", text("scheme"), text("path"))
}

/// A gateway that runs as the container of a pod would, below a folder instead of `/`.
struct Pod {
    root: TempDir,
    child: Child,
    container: Value,
    http_port: u16,
    probe_port: u16,
}

/// An answer to curl; the status is 000 where there is none.
#[derive(Debug)]
struct Answer {
    status: String,
    body: String,
}

impl Pod {
    /// Starts the container's command, and once more if another process was faster to take a port.
    fn start(golden: &Golden, secrets: &Secrets) -> Self {
        loop {
            let mut pod = Self::spawn(golden, secrets);
            if pod.listens() {
                return pod;
            }
            let log = pod.log().to_lowercase();
            assert!(
                log.contains("address already in use"),
                "{} ended instead of serving",
                golden.name
            );
        }
    }

    fn spawn(golden: &Golden, secrets: &Secrets) -> Self {
        let root = tempfile::Builder::new()
            .prefix("pushgateway-pod-")
            .tempdir()
            .unwrap();
        let template = golden.workload()["spec"]["template"]["spec"].clone();
        let container = container(&golden.workload());
        let mounts = Mounts::new(root.path(), &container);
        mounts.fill(&template, golden, secrets);
        let (http_port, probe_port) = (free_port(), free_port());
        let arguments = arguments(&golden.workload()).into_iter().map(|argument| {
            let argument = argument.replace("=:9091", &format!("=127.0.0.1:{http_port}"));
            let argument = argument.replace("=:9092", &format!("=127.0.0.1:{probe_port}"));
            mounts.relocate(&argument)
        });
        let child = Command::new(env!("CARGO_BIN_EXE_pushgateway"))
            .args(arguments)
            .stdin(Stdio::null())
            .stderr(fs::File::create(root.path().join("log")).unwrap())
            .spawn()
            .unwrap();
        Self {
            root,
            child,
            container,
            http_port,
            probe_port,
        }
    }

    /// Waits until it accepts connections; `false` if it ended.
    fn listens(&mut self) -> bool {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let port = (Ipv4Addr::LOCALHOST, self.probe_port);
            let is_listening = TcpStream::connect(port).is_ok();
            if self.child.try_wait().unwrap().is_some() {
                return false;
            }
            if is_listening {
                return true;
            }
            assert!(Instant::now() < deadline, "it does not listen");
            thread::sleep(POLL);
        }
    }

    /// Waits until all probes succeed, the startup probe first; `false` if curl is missing.
    fn wait_for_probes(&self) -> bool {
        if Command::new("curl").arg("--version").output().is_err() {
            parts::skip("curl is not installed");
            return false;
        }
        for probe in ["startupProbe", "livenessProbe", "readinessProbe"] {
            let get = &self.container[probe]["httpGet"];
            assert_eq!(get["port"], "probes");
            let path = get["path"].as_str().unwrap();
            let url = format!("http://127.0.0.1:{}{path}", self.probe_port);
            let deadline = Instant::now() + PATIENCE;
            while self.run_curl(&["--", &url]).status != "200" {
                assert!(Instant::now() < deadline, "{probe} fails: {}", self.log());
                thread::sleep(POLL);
            }
        }
        true
    }

    /// What the `ServiceMonitor` gives Prometheus, as arguments of curl.
    fn scraper_credentials(&self, golden: &Golden, secrets: &Secrets) -> Vec<String> {
        let endpoint = monitor(golden)["spec"]["endpoints"][0].clone();
        let mut arguments = Vec::new();
        let tls = &endpoint["tlsConfig"];
        for (option, reference) in [
            ("--cacert", &tls["ca"]["secret"]),
            ("--cert", &tls["cert"]["secret"]),
            ("--key", &tls["keySecret"]),
        ] {
            if !reference.is_null() {
                let file = self.root.path().join(option.trim_start_matches('-'));
                fs::write(&file, secrets.by_reference(reference)).unwrap();
                arguments.extend([option.to_owned(), file.display().to_string()]);
            }
        }
        let basic_auth = &endpoint["basicAuth"];
        if !basic_auth.is_null() {
            let value = |field: &str| secrets.by_reference(&basic_auth[field]);
            let user = format!("{}:{}", value("username"), value("password"));
            arguments.extend(["--user".to_owned(), user]);
        }
        arguments
    }

    /// Asks the port that clients use, whatever host and port the URL names.
    fn curl(&self, credentials: &[String], arguments: &[&str]) -> Answer {
        let here = format!("::127.0.0.1:{}", self.http_port);
        let mut all: Vec<&str> = credentials.iter().map(String::as_str).collect();
        all.extend(["--connect-to", &here]);
        all.extend(arguments);
        self.run_curl(&all)
    }

    fn run_curl(&self, arguments: &[&str]) -> Answer {
        let body = self.root.path().join("body");
        fs::write(&body, "").unwrap();
        let output = Command::new("curl")
            .args([
                "--silent",
                "--noproxy",
                "*",
                "--max-time",
                "30",
                "--write-out",
                "%{http_code}",
            ])
            .arg("--output")
            .arg(&body)
            .args(arguments)
            .output()
            .unwrap();
        Answer {
            status: String::from_utf8(output.stdout).unwrap(),
            body: fs::read_to_string(&body).unwrap(),
        }
    }

    fn log(&self) -> String {
        fs::read_to_string(self.root.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Pod {
    fn drop(&mut self) {
        // Both fail only if it is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            eprintln!("--- log of the gateway:\n{}---", self.log());
        }
    }
}

/// The folders that volumes are mounted at, moved below another one.
struct Mounts {
    root: String,
    /// Volume and folder.
    mounts: Vec<(String, String)>,
}

impl Mounts {
    fn new(root: &Path, container: &Value) -> Self {
        let mounts = container["volumeMounts"].as_array().into_iter().flatten();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        Self {
            root: root.display().to_string(),
            mounts: mounts
                .map(|mount| (text(&mount["name"]), text(&mount["mountPath"])))
                .collect(),
        }
    }

    /// A text with all paths into volumes moved.
    fn relocate(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (_, folder) in &self.mounts {
            text = text.replace(folder, &format!("{}{folder}", self.root));
        }
        text
    }

    /// Makes the folders and the files in them, as the kubelet would.
    fn fill(&self, template: &Value, golden: &Golden, secrets: &Secrets) {
        for (volume, folder) in &self.mounts {
            let folder = format!("{}{folder}", self.root);
            fs::create_dir_all(&folder).unwrap();
            let volumes = template["volumes"].as_array().into_iter().flatten();
            let source = volumes.clone().find(|source| source["name"] == **volume);
            // A claim template needs no volume in the pod.
            let source = source.cloned().unwrap_or_default();
            for item in source["secret"]["items"].as_array().into_iter().flatten() {
                let secret = source["secret"]["secretName"].as_str().unwrap();
                let content = secrets.value(secret, item["key"].as_str().unwrap());
                let path = item["path"].as_str().unwrap();
                fs::write(format!("{folder}/{path}"), content).unwrap();
            }
            if let Some(name) = source["configMap"]["name"].as_str()
                && let Some(config) = golden.object("ConfigMap", name)
            {
                for (key, content) in config["data"].as_object().unwrap() {
                    let content = self.relocate(content.as_str().unwrap());
                    fs::write(format!("{folder}/{key}"), content).unwrap();
                }
            }
        }
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.local_addr().unwrap().port()
}
