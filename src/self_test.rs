//! Pushes a metric to a running gateway, reads it back and deletes it, as a client would.
//!
//! `pushgateway self-test` is for images without a shell: a test of a Helm release can run it. Each request has a connection of its
//! own, so that a Service may lead each to another place.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONNECTION, HOST};
use http::{HeaderValue, Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::{InvalidDnsNameError, ServerName};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

#[cfg(test)]
mod tests;
mod tls;

pub use tls::{ServerIdentity, Tls};

/// The group that is pushed to.
const JOB: &str = "helm-test";
/// The one metric in it.
const METRIC: &str = "self_test_marker";
/// Between two tries to reach the gateway.
const POLL: Duration = Duration::from_millis(200);
/// How much of a line is looked at, and how much of an answer is told.
const LINE_LENGTH: usize = 4096;

/// A gateway to ask.
#[derive(Clone, Debug)]
pub struct Target {
    /// Where pushes go: scheme, host and perhaps a port and a prefix.
    pub url: Uri,
    /// Path of scrapes below it.
    pub telemetry_path: String,
    /// Name and password of a user.
    pub user: Option<User>,
    /// Whom to believe and what to show, where the URL asks for TLS.
    pub tls: Tls,
    /// How long all of it may take.
    pub timeout: Duration,
}

/// A user who may send requests.
#[derive(Clone)]
pub struct User {
    credentials: HeaderValue,
}

/// Why a gateway has not passed.
#[derive(Debug, thiserror::Error)]
pub enum SelfTestError {
    /// A file that a flag names can't be read.
    #[error("could not read {}: {source}", .file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A file has not in it what it should.
    #[error("{} is of no use: {reason}", .file.display())]
    Content {
        /// The file.
        file: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The host of the URL is no name that a certificate could have.
    #[error("{host:?} can be no name in a certificate: {source}")]
    Host {
        /// The host.
        host: String,
        /// Why not.
        source: InvalidDnsNameError,
    },
    /// TLS could not be agreed on.
    #[error("no TLS with {address}: {source}")]
    Tls {
        /// Host and port.
        address: String,
        /// Why not.
        source: io::Error,
    },
    /// A connection broke, or something else than HTTP came back.
    #[error("{method} {url}: {source}")]
    Http {
        /// The request.
        method: Method,
        /// Where it went.
        url: String,
        /// What happened.
        source: hyper::Error,
    },
    /// The gateway said something else than expected.
    #[error("{method} {url} was answered with {status}: {answer}")]
    Status {
        /// The request.
        method: Method,
        /// Where it went.
        url: String,
        /// The answer's status.
        status: StatusCode,
        /// The beginning of the answer.
        answer: String,
    },
    /// The push was acknowledged and is not shown.
    #[error("what was pushed is not shown by GET {url}")]
    NotShown {
        /// Where it was looked for.
        url: String,
    },
    /// The deletion was acknowledged, and the group is still shown.
    #[error("what was deleted is still shown by GET {url}")]
    StillShown {
        /// Where it was looked for.
        url: String,
    },
    /// It took too long.
    #[error("not done after {after:?}{}", .unreachable.as_ref().map(|why| format!(", could not reach {why}")).unwrap_or_default())]
    Timeout {
        /// How long.
        after: Duration,
        /// The address that could not be reached, and why not.
        unreachable: Option<String>,
    },
}

/// Pushes, reads back, deletes and looks again. `marker` tells this run from others; it should be small enough for a float to be
/// shown with all its digits.
pub async fn run(target: &Target, marker: u32) -> Result<(), SelfTestError> {
    let mut client = Client::new(target)?;
    let done = tokio::time::timeout(target.timeout, client.check(marker)).await;
    done.unwrap_or_else(|_| {
        Err(SelfTestError::Timeout {
            after: target.timeout,
            unreachable: client.unreachable.take(),
        })
    })
}

impl User {
    /// A user by name and password.
    #[expect(clippy::missing_panics_doc, reason = "base64 is a valid header")]
    pub fn new(name: &str, password: &str) -> Self {
        let pair = BASE64_STANDARD.encode(format!("{name}:{password}"));
        let mut credentials =
            HeaderValue::try_from(format!("Basic {pair}")).expect("base64 is plain");
        credentials.set_sensitive(true);
        Self { credentials }
    }

    /// A user from two files, each perhaps with a newline at its end.
    pub fn read(name: &Path, password: &Path) -> Result<Self, SelfTestError> {
        let [name, password] = [name, password].map(|file| {
            let text = std::fs::read_to_string(file).map_err(|source| SelfTestError::File {
                file: file.to_owned(),
                source,
            })?;
            let text = text.strip_suffix('\n').unwrap_or(&text);
            Ok(text.strip_suffix('\r').unwrap_or(text).to_owned())
        });
        Ok(Self::new(&name?, &password?))
    }
}

impl std::fmt::Debug for User {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("User")
    }
}

struct Client<'a> {
    target: &'a Target,
    tls: Option<(TlsConnector, ServerName<'static>)>,
    host: String,
    port: u16,
    /// Why the last try to connect failed.
    unreachable: Option<String>,
}

impl<'a> Client<'a> {
    fn new(target: &'a Target) -> Result<Self, SelfTestError> {
        let host = target.url.host().unwrap_or_default();
        let host = host
            .trim_start_matches('[')
            .trim_end_matches(']')
            .to_owned();
        let is_https = target.url.scheme_str() == Some("https");
        let tls = if is_https {
            let name =
                ServerName::try_from(host.clone()).map_err(|source| SelfTestError::Host {
                    host: host.clone(),
                    source,
                })?;
            let config: ClientConfig = target.tls.config()?;
            Some((TlsConnector::from(Arc::new(config)), name))
        } else {
            None
        };
        let default_port = if is_https { 443 } else { 80 };
        Ok(Self {
            target,
            tls,
            port: target.url.port_u16().unwrap_or(default_port),
            host,
            unreachable: None,
        })
    }

    async fn check(&mut self, marker: u32) -> Result<(), SelfTestError> {
        let group = format!("/metrics/job/{JOB}");
        let telemetry = self.target.telemetry_path.clone();
        let pushed = format!("# TYPE {METRIC} gauge\n{METRIC} {marker}\n");
        let accepted = [StatusCode::OK, StatusCode::ACCEPTED];
        self.ask(Method::PUT, &group, pushed, &accepted).await?;
        let shown = self.ask(Method::GET, &telemetry, String::new(), &[StatusCode::OK]);
        let shown = is_shown(&shown.await?, marker);
        // Also if it was not shown: nothing is to be left behind.
        self.ask(Method::DELETE, &group, String::new(), &accepted)
            .await?;
        let url = format!("{}{telemetry}", self.base());
        if !shown {
            return Err(SelfTestError::NotShown { url });
        }
        let left = self.ask(Method::GET, &telemetry, String::new(), &[StatusCode::OK]);
        if is_shown(&left.await?, marker) {
            return Err(SelfTestError::StillShown { url });
        }
        Ok(())
    }

    /// The URL without a slash at its end.
    fn base(&self) -> String {
        self.target.url.to_string().trim_end_matches('/').to_owned()
    }

    /// Sends a request, and gives the lines of the answer that are about the metric.
    async fn ask(
        &mut self,
        method: Method,
        path: &str,
        body: String,
        expected: &[StatusCode],
    ) -> Result<Vec<String>, SelfTestError> {
        let url = format!("{}{path}", self.base());
        let prefix = self.target.url.path().trim_end_matches('/');
        let mut request = Request::builder()
            .method(&method)
            .uri(format!("{prefix}{path}"))
            .header(
                HOST,
                self.target
                    .url
                    .authority()
                    .map_or("", |authority| authority.as_str()),
            )
            .header(ACCEPT, "text/plain; version=0.0.4")
            .header(CONNECTION, "close");
        if let Some(user) = &self.target.user {
            request = request.header(AUTHORIZATION, &user.credentials);
        }
        let request = request
            .body(Full::new(Bytes::from(body)))
            .expect("its parts were parsed before");
        let stream = self.connect().await;
        let answer = match &self.tls {
            None => exchange(stream, request).await,
            Some((connector, name)) => {
                let stream = connector.connect(name.clone(), stream).await;
                let stream = stream.map_err(|source| SelfTestError::Tls {
                    address: format!("{}:{}", self.host, self.port),
                    source,
                })?;
                exchange(stream, request).await
            }
        };
        let Answer {
            status,
            beginning,
            lines,
        } = answer.map_err(|source| SelfTestError::Http {
            method: method.clone(),
            url: url.clone(),
            source,
        })?;
        if expected.contains(&status) {
            return Ok(lines);
        }
        Err(SelfTestError::Status {
            method,
            url,
            status,
            answer: beginning,
        })
    }

    /// Tries until the gateway can be reached: where it has just started, its Service may not lead anywhere yet.
    async fn connect(&mut self) -> TcpStream {
        loop {
            match TcpStream::connect((&*self.host, self.port)).await {
                Ok(stream) => {
                    self.unreachable = None;
                    return stream;
                }
                Err(why) => self.unreachable = Some(format!("{}:{}: {why}", self.host, self.port)),
            }
            tokio::time::sleep(POLL).await;
        }
    }
}

struct Answer {
    status: StatusCode,
    /// The beginning of the body.
    beginning: String,
    /// The lines of the body that are about the metric.
    lines: Vec<String>,
}

/// One request on a connection, which ends with it.
async fn exchange(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    request: Request<Full<Bytes>>,
) -> Result<Answer, hyper::Error> {
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let asked = async move {
        let response = sender.send_request(request).await?;
        let status = response.status();
        let (beginning, lines) = read(response.into_body()).await?;
        Ok(Answer {
            status,
            beginning,
            lines,
        })
    };
    // What goes wrong with the connection, the request tells of.
    let (answer, _) = tokio::join!(asked, connection);
    answer
}

/// The beginning of a body, and the lines of it that are about the metric. A scrape may be large, and is not kept.
async fn read(mut body: Incoming) -> Result<(String, Vec<String>), hyper::Error> {
    let (mut beginning, mut line, mut lines) = (Vec::new(), Vec::new(), Vec::new());
    while let Some(frame) = body.frame().await {
        for &byte in frame?.data_ref().into_iter().flatten() {
            if beginning.len() < LINE_LENGTH {
                beginning.push(byte);
            }
            if byte != b'\n' {
                if line.len() < LINE_LENGTH {
                    line.push(byte);
                }
                continue;
            }
            if line.starts_with(METRIC.as_bytes()) {
                lines.push(String::from_utf8_lossy(&line).into_owned());
            }
            line.clear();
        }
    }
    let beginning = String::from_utf8_lossy(&beginning).trim().to_owned();
    Ok((beginning, lines))
}

/// Whether a line shows this run's push.
fn is_shown(lines: &[String], marker: u32) -> bool {
    lines.iter().any(|line| {
        let value = line
            .rsplit(' ')
            .next()
            .and_then(|value| value.parse::<f64>().ok());
        line.contains(&format!("job=\"{JOB}\"")) && value == Some(f64::from(marker))
    })
}
