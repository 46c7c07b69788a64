//! A server as a child process: the gateway under test or a Prometheus.

use std::env;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use super::PATIENCE;

/// How much of a server's log a failed test shows.
const LOG_LINES_SHOWN: usize = 8;

/// A running server on a port of its own; killed when dropped.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    address: SocketAddr,
    log: Receiver<String>,
}

/// What a server answered.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) body: String,
}

impl Server {
    /// Starts the gateway under test: `PUSHGATEWAY_BIN`, or the one that cargo built.
    pub(crate) fn gateway(flags: &[&str]) -> Self {
        let program = env::var_os("PUSHGATEWAY_BIN")
            .unwrap_or_else(|| env!("CARGO_BIN_EXE_pushgateway").into());
        Self::start(Command::new(program).args(flags))
    }

    /// Starts a server that logs on standard error which address it is `Listening on`, as the programs of the
    /// Prometheus project do.
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child = command
            .arg("--web.listen-address=127.0.0.1:0")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?} does not start: {error}"));
        let stderr = child.stderr.take().expect("it is piped");
        let (lines, log) = channel();
        thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                // Nobody listens any more once the test is over.
                let _ = lines.send(line);
            }
        });
        let address = listening_address(&log);
        Self {
            child,
            address,
            log,
        }
    }

    /// Host and port.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The body of `GET target`, which must be answered with 200.
    pub(crate) fn get(&self, target: &str) -> String {
        let response = self.request("GET", target, &[], b"");
        assert_eq!(response.status, 200, "GET {target}: {}", response.body);
        response.body
    }

    /// The answer to a request. Without any, the status is 0 and the body says why.
    pub(crate) fn request(
        &self,
        method: &str,
        target: &str,
        headers: &[&str],
        body: &[u8],
    ) -> Response {
        // In HTTP/1.0, so that the answer is neither chunked nor kept alive.
        let mut request = format!(
            "{method} {target} HTTP/1.0\r\nHost: {}\r\nContent-Length: {}\r\n",
            self.address,
            body.len()
        );
        for header in headers {
            request.push_str(header);
            request.push_str("\r\n");
        }
        match self.exchange(&[request.as_bytes(), b"\r\n", body].concat()) {
            Ok(answer) => Response::parse(&answer),
            Err(error) => Response {
                status: 0,
                body: error.to_string(),
            },
        }
    }

    fn exchange(&self, request: &[u8]) -> io::Result<String> {
        let mut stream = TcpStream::connect(self.address)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.write_all(request)?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        Ok(String::from_utf8_lossy(&answer).into_owned())
    }
}

impl Response {
    fn parse(answer: &str) -> Self {
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((answer, ""));
        let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
        Self {
            status: status.unwrap_or(0),
            body: body.to_owned(),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            let log: Vec<String> = self.log.iter().collect();
            let end = log.len().saturating_sub(LOG_LINES_SHOWN);
            eprintln!(
                "{} logged at last:\n{}",
                self.address,
                log[end..].join("\n")
            );
        }
    }
}

fn listening_address(log: &Receiver<String>) -> SocketAddr {
    let mut seen = Vec::new();
    while let Ok(line) = log.recv_timeout(PATIENCE) {
        if line.contains("msg=\"Listening on\"") {
            let address = line
                .split("address=")
                .nth(1)
                .and_then(|rest| rest.split(' ').next());
            return address
                .and_then(|address| address.parse().ok())
                .unwrap_or_else(|| panic!("no address in {line}"));
        }
        seen.push(line);
    }
    panic!("it does not listen; its log:\n{}", seen.join("\n"));
}
