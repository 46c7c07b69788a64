//! Export and import of all groups while the gateway runs.

use std::io::{self, Write};

use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, header};
use axum::response::Response;
use http_body_util::channel::{Channel, Sender};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use tokio::runtime::Handle;
use tokio::task;
use tracing::warn;

use super::error::Error;
use crate::store::{self, Change, Snapshot, log, upstream};

/// Bytes that are sent at once.
const CHUNK: usize = 64 << 10;
/// Chunks that wait for a slow client.
const CHUNKS_AHEAD: usize = 4;

/// In which form groups leave the gateway.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Format {
    /// As a persistence file of this program.
    Native,
    /// As a persistence file of the Go Pushgateway.
    Gob,
}

impl Format {
    /// What the query of a request asks for.
    pub(super) fn of_query(query: Option<&str>) -> Result<Self, Error> {
        match query.unwrap_or_default() {
            "" | "format=native" => Ok(Self::Native),
            "format=gob" => Ok(Self::Gob),
            other => {
                let what =
                    format!("unknown export query {other:?}: use format=native or format=gob");
                Err(Error::BadContent(what))
            }
        }
    }
}

/// Writes groups in a form.
pub(super) fn write(
    out: &mut dyn Write,
    groups: impl Iterator<Item = Change>,
    format: Format,
) -> io::Result<()> {
    match format {
        Format::Native => log::write_snapshot(out, groups),
        Format::Gob => upstream::write(out, groups.filter_map(store::export)),
    }
}

/// The answer that carries all groups of a snapshot, written while it is sent.
pub(super) fn export(snapshot: &Snapshot, format: Format) -> Response {
    let (sender, body) = Channel::<Bytes, io::Error>::new(CHUNKS_AHEAD);
    let groups = snapshot.changes();
    task::spawn_blocking(move || {
        let mut out = Chunks {
            sender,
            handle: Handle::current(),
            chunk: Vec::new(),
        };
        let written = write(&mut out, groups, format).and_then(|()| out.flush());
        if let Err(error) = written {
            // So the client sees that the export is not whole.
            out.sender.abort(error);
        }
    });
    let mut response = Response::new(Body::new(body));
    let (name, headers) = match format {
        Format::Native => ("pushgateway.data", response.headers_mut()),
        Format::Gob => ("pushgateway.gob", response.headers_mut()),
    };
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/octet-stream"),
    );
    if let Ok(disposition) = HeaderValue::from_str(&format!("attachment; filename=\"{name}\"")) {
        headers.insert(header::CONTENT_DISPOSITION, disposition);
    }
    response
}

/// Sends what is written to it, waiting for the client.
struct Chunks {
    sender: Sender<Bytes, io::Error>,
    handle: Handle,
    chunk: Vec<u8>,
}

impl Write for Chunks {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.chunk.extend_from_slice(bytes);
        if self.chunk.len() >= CHUNK {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.chunk.is_empty() {
            return Ok(());
        }
        let chunk = Bytes::from(std::mem::take(&mut self.chunk));
        let sent = self.handle.block_on(self.sender.send_data(chunk));
        sent.map_err(|_| io::Error::new(io::ErrorKind::BrokenPipe, "the client is gone"))
    }
}

/// Reads the groups of an export, in either form. All of it is good, or nothing is taken.
pub(super) async fn read(body: Body, limit: usize) -> Result<Vec<Change>, Error> {
    let collected = Limited::new(body, limit).collect().await.map_err(|error| {
        if error.is::<LengthLimitError>() {
            let flag = "--limit.bodies-in-flight-bytes";
            return Error::OverLimit(format!("the export is larger than {limit} bytes ({flag})"));
        }
        Error::BadContent(format!("the export did not arrive: {error}"))
    })?;
    let bytes = collected.to_bytes();
    let parsed = task::spawn_blocking(move || parse(&bytes)).await;
    parsed
        .map_err(|error| Error::Internal(error.to_string()))?
        .map_err(Error::BadContent)
}

fn parse(bytes: &[u8]) -> Result<Vec<Change>, String> {
    if log::is_snapshot(bytes) {
        return log::read_snapshot(bytes).map_err(|error| error.to_string());
    }
    if !upstream::is_upstream(bytes) {
        return Err(
            "this is neither an export of this program nor a file of the Go Pushgateway".into(),
        );
    }
    let groups = upstream::read(bytes).map_err(|error| error.to_string())?;
    groups
        .into_iter()
        .map(|group| {
            let imported = store::import(group).map_err(|error| error.to_string())?;
            imported
                .dropped
                .iter()
                .for_each(|family| warn!(family, "metric family not imported"));
            Ok(imported.change)
        })
        .collect()
}
