//! Runs the gateway, or another Pushgateway, as a program: on a free port, ready when handed out, gone when
//! dropped, its stderr shown if the test fails.

use std::collections::HashSet;
use std::ffi::OsString;
use std::fs;
use std::io::{self, Read};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

pub(crate) mod compress;
pub(crate) mod files;
pub(crate) mod http;
pub(crate) mod peer;
pub(crate) mod protobuf;
pub(crate) mod random;
pub(crate) mod scrape;

use http::{Request, Response};

/// How long anything may take before the test gives up. Nothing is asserted about times below it.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);
/// Between two looks at something that cannot be waited for.
const POLL: Duration = Duration::from_millis(3);
/// Ports handed out by this process, so that tests running side by side never share one.
static TAKEN_PORTS: Mutex<Option<HashSet<u16>>> = Mutex::new(None);

/// A program that serves the Pushgateway's interface, and how to start it.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    path: PathBuf,
    flags: Vec<OsString>,
    ready: Ready,
}

/// When a started program can be used.
#[derive(Clone, Debug)]
enum Ready {
    /// A GET of this path answers 200.
    Answers(String),
    /// It accepts connections.
    Listens,
}

/// A running program.
#[derive(Debug)]
pub(crate) struct Gateway {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    child: Child,
    stdout: Captured,
    stderr: Captured,
}

/// How a program ended.
#[derive(Debug)]
pub(crate) struct Exit {
    /// `None` if a signal ended it.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// What a program wrote so far, collected by a thread that ends with the stream.
#[derive(Debug)]
struct Captured {
    text: Arc<Mutex<Vec<u8>>>,
    reader: Option<JoinHandle<()>>,
}

impl Program {
    /// The binary under test: the one this package builds, or the one that `PUSHGATEWAY_BIN` names.
    pub(crate) fn gateway() -> Self {
        let built = env!("CARGO_BIN_EXE_pushgateway");
        Self::at(std::env::var_os("PUSHGATEWAY_BIN").unwrap_or_else(|| built.into()))
    }

    /// Another program.
    pub(crate) fn at(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            flags: Vec::new(),
            ready: Ready::Answers("/-/ready".to_owned()),
        }
    }

    /// Adds arguments.
    pub(crate) fn flags<F: Into<OsString>>(mut self, flags: impl IntoIterator<Item = F>) -> Self {
        self.flags.extend(flags.into_iter().map(Into::into));
        self
    }

    /// Adds one argument.
    pub(crate) fn flag(self, flag: impl Into<OsString>) -> Self {
        self.flags([flag])
    }

    /// Counts as ready when a GET of `path` answers 200, instead of `/-/ready`.
    pub(crate) fn ready_at(mut self, path: &str) -> Self {
        self.ready = Ready::Answers(path.to_owned());
        self
    }

    /// Counts as ready when it accepts connections.
    pub(crate) fn ready_when_listening(mut self) -> Self {
        self.ready = Ready::Listens;
        self
    }

    /// Starts it on a free port of 127.0.0.1 and waits until it is ready.
    pub(crate) fn start(&self) -> Gateway {
        match self.try_start() {
            Ok(gateway) => gateway,
            Err(exit) => panic!(
                "{} ended instead of serving: {exit:#?}",
                self.path.display()
            ),
        }
    }

    /// Like [`Program::start`], but a program that ends instead of serving is an answer.
    pub(crate) fn try_start(&self) -> Result<Gateway, Exit> {
        for _ in 0..20 {
            let address = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()));
            let mut gateway = self.spawn(address);
            if gateway.poll_ready(&self.ready) {
                return Ok(gateway);
            }
            let exit = gateway.wait();
            if !exit
                .stderr
                .to_lowercase()
                .contains("address already in use")
            {
                return Err(exit);
            }
        }
        panic!("no port was free in 20 tries");
    }

    /// Starts it on a free port and does not wait for anything.
    pub(crate) fn spawn_anywhere(&self) -> Gateway {
        self.spawn((Ipv4Addr::LOCALHOST, free_port()).into())
    }

    /// Runs it, with no listen address added, until it ends by itself.
    pub(crate) fn run(&self) -> Exit {
        let placeholder = (Ipv4Addr::LOCALHOST, 0).into();
        self.spawn_command(self.command(), placeholder).wait()
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.path);
        // Times are compared as text.
        command.args(&self.flags).env("TZ", "UTC");
        command
    }

    fn spawn(&self, address: SocketAddr) -> Gateway {
        let mut command = self.command();
        command.arg(format!("--web.listen-address={address}"));
        self.spawn_command(command, address)
    }

    fn spawn_command(&self, mut command: Command, address: SocketAddr) -> Gateway {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("cannot run {}: {error}", self.path.display()));
        let stdout = Captured::new(child.stdout.take().unwrap());
        let stderr = Captured::new(child.stderr.take().unwrap());
        Gateway {
            address,
            child,
            stdout,
            stderr,
        }
    }
}

impl Gateway {
    /// Sends a request on a connection of its own.
    pub(crate) fn send(&self, request: &Request) -> Response {
        self.try_send(request)
            .unwrap_or_else(|error| panic!("no answer to {request:?}: {error}"))
    }

    /// Like [`Gateway::send`], for a program that may be gone.
    pub(crate) fn try_send(&self, request: &Request) -> io::Result<Response> {
        http::send(self.address, request)
    }

    /// GET.
    pub(crate) fn get(&self, target: &str) -> Response {
        self.send(&Request::new("GET", target))
    }

    /// PUT, the push that replaces its group.
    pub(crate) fn put(&self, target: &str, body: impl Into<Vec<u8>>) -> Response {
        self.send(&Request::new("PUT", target).body(body))
    }

    /// PUT of delimited protobuf families.
    pub(crate) fn put_families(&self, target: &str, families: &[protobuf::Message]) -> Response {
        let body: Vec<u8> = families
            .iter()
            .flat_map(protobuf::Message::delimited)
            .collect();
        let request = Request::new("PUT", target).header("Content-Type", protobuf::CONTENT_TYPE);
        self.send(&request.body(body))
    }

    /// POST, the push that merges into its group.
    pub(crate) fn post(&self, target: &str, body: impl Into<Vec<u8>>) -> Response {
        self.send(&Request::new("POST", target).body(body))
    }

    /// DELETE.
    pub(crate) fn delete(&self, target: &str) -> Response {
        self.send(&Request::new("DELETE", target))
    }

    /// What a scrape of `/metrics` says about pushed groups, push times masked.
    pub(crate) fn scrape(&self) -> String {
        let response = self.get("/metrics");
        assert_eq!(response.status, 200, "scrape: {response:?}");
        scrape::pushed_lines(&response.text()).join("\n")
    }

    /// Everything it has logged so far.
    pub(crate) fn stderr(&self) -> String {
        self.stderr.text()
    }

    /// A field of `/proc/<pid>/status` in KiB, such as `VmHWM`.
    pub(crate) fn memory_kib(&self, field: &str) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with(field)).unwrap();
        let number = line.split_whitespace().nth(1).unwrap();
        number.parse().unwrap()
    }

    /// Sends it a signal by its name, such as `TERM`.
    pub(crate) fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args(["-s", name, &pid]).status();
        assert!(sent.unwrap().success(), "kill -s {name} {pid}");
    }

    /// Waits until it ends.
    pub(crate) fn wait(&mut self) -> Exit {
        let deadline = Instant::now() + PATIENCE;
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(Instant::now() < deadline, "it does not end");
            thread::sleep(POLL);
        };
        self.exit(status)
    }

    /// Asks it to end with SIGTERM and waits.
    pub(crate) fn terminate(mut self) -> Exit {
        self.signal("TERM");
        self.wait()
    }

    /// Ends it with SIGKILL.
    pub(crate) fn kill(mut self) -> Exit {
        self.child.kill().unwrap();
        let status = self.child.wait().unwrap();
        self.exit(status)
    }

    fn exit(&mut self, status: ExitStatus) -> Exit {
        Exit {
            code: status.code(),
            stdout: self.stdout.complete(),
            stderr: self.stderr.complete(),
        }
    }

    /// Polls until ready; `false` if the program ended.
    fn poll_ready(&mut self, ready: &Ready) -> bool {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            let is_ready = match ready {
                Ready::Answers(path) => self
                    .try_send(&Request::new("GET", path.as_str()))
                    .is_ok_and(|response| response.status == 200),
                Ready::Listens => TcpStream::connect(self.address).is_ok(),
            };
            // Looked at last: another program could answer on the port that this one did not get.
            if self.child.try_wait().unwrap().is_some() {
                return false;
            }
            if is_ready {
                return true;
            }
            thread::sleep(POLL);
        }
        panic!("not ready after {PATIENCE:?}: {ready:?}");
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        // Both fail only if the process is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            eprintln!(
                "--- stderr of {}:\n{}---",
                self.address,
                tail(&self.stderr.complete())
            );
        }
    }
}

impl Captured {
    fn new(mut stream: impl Read + Send + 'static) -> Self {
        let text = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&text);
        let reader = thread::spawn(move || {
            let mut chunk = [0; 4096];
            while let Ok(length @ 1..) = stream.read(&mut chunk) {
                sink.lock().unwrap().extend_from_slice(&chunk[..length]);
            }
        });
        Self {
            text,
            reader: Some(reader),
        }
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.text.lock().unwrap()).into_owned()
    }

    /// The text once the stream has ended.
    fn complete(&mut self) -> String {
        if let Some(reader) = self.reader.take() {
            reader.join().unwrap();
        }
        self.text()
    }
}

/// Waits until something is so that cannot be waited for otherwise.
pub(crate) fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        thread::sleep(POLL);
    }
}

/// A port that nobody listens on and that no other test of this process was given.
pub(crate) fn free_port() -> u16 {
    loop {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let mut taken = TAKEN_PORTS.lock().unwrap();
        if taken.get_or_insert_default().insert(port) {
            return port;
        }
    }
}

/// The end of a long log.
fn tail(log: &str) -> &str {
    let start = log.len().saturating_sub(3000);
    let start = (start..=log.len()).find(|at| log.is_char_boundary(*at));
    &log[start.unwrap_or(log.len())..]
}
