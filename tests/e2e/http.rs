//! Requests to Services and pods, whose addresses this process can reach as a pod could.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use crate::tools::{get, until};

/// Longer than a push may take; a request that hangs is a failed one.
const TIMEOUT: Duration = Duration::from_secs(30);
/// For a connection within the node. A pod that has just gone answers nothing at all until the proxy knows.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// Sends one request on a connection of its own: the status and the body of the answer.
pub(crate) fn request(
    address: SocketAddr,
    method: &str,
    path: &str,
    body: &[u8],
) -> Result<(u16, Vec<u8>)> {
    let mut stream = TcpStream::connect_timeout(&address, CONNECT_TIMEOUT)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    // HTTP/1.0: the answer's body is what comes until the connection ends.
    let head = format!(
        "{method} {path} HTTP/1.0\r\nHost: {address}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(&[head.as_bytes(), body].concat())?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let end = answer
        .windows(4)
        .position(|bytes| bytes == b"\r\n\r\n")
        .context("the answer ends within its head")?;
    let head = std::str::from_utf8(&answer[..end])?;
    let status = head.split(' ').nth(1).context("the answer has no status")?;
    Ok((status.parse()?, answer.split_off(end + 4)))
}

/// The text of a successful answer.
pub(crate) fn text(address: SocketAddr, path: &str) -> Result<String> {
    match request(address, "GET", path, b"")? {
        (200, body) => Ok(String::from_utf8(body)?),
        (status, body) => bail!("GET {path}: {status}: {}", String::from_utf8_lossy(&body)),
    }
}

/// Pushes one metric; an error unless it was acknowledged.
pub(crate) fn push(address: SocketAddr, group: &str, body: &str) -> Result<()> {
    match request(
        address,
        "PUT",
        &format!("/metrics/{group}"),
        body.as_bytes(),
    )? {
        (200 | 202, _) => Ok(()),
        (status, answer) => bail!(
            "push to {group}: {status}: {}",
            String::from_utf8_lossy(&answer)
        ),
    }
}

/// The address of a Service, by its name in the namespace `default`, once something answers behind it.
pub(crate) fn service(name: &str) -> Result<SocketAddr> {
    let service = get(&format!("service/{name}"))?;
    let address = service["spec"]["clusterIP"]
        .as_str()
        .context("no cluster address")?;
    let port = service["spec"]["ports"][0]["port"]
        .as_u64()
        .context("no port")?;
    let address = SocketAddr::new(address.parse()?, u16::try_from(port)?);
    until(&format!("an answer of service {name}"), || {
        text(address, "/-/ready").map(Some)
    })?;
    Ok(address)
}

/// The address of a pod.
pub(crate) fn pod(name: &str, port: u16) -> Result<SocketAddr> {
    let pod = get(&format!("pod/{name}"))?;
    let address = pod["status"]["podIP"]
        .as_str()
        .context("the pod has no address")?;
    Ok(SocketAddr::new(address.parse()?, port))
}

/// The result of a PromQL query: a list of series.
pub(crate) fn query(prometheus: SocketAddr, query: &str) -> Result<Vec<Value>> {
    let query = utf8_percent_encode(query, NON_ALPHANUMERIC);
    let answer = text(prometheus, &format!("/api/v1/query?query={query}"))?;
    let mut answer = serde_json::from_str::<Value>(&answer)?;
    match answer["data"]["result"].take() {
        Value::Array(series) => Ok(series),
        other => bail!("{other} in place of series"),
    }
}
