//! nginx with a folder of files: how fast bytes that are ready can be sent.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Result, ensure};

use crate::client::Connection;
use crate::process::{Process, free_address};
use crate::workload::{self, Encoding};

/// A running nginx that serves one file and, beside it, the same in gzip.
#[derive(Debug)]
pub(crate) struct Nginx {
    _process: Process,
    connection: Connection,
}

impl Nginx {
    /// The program that `tests/parts/fetch nginx` put into `.cache`.
    pub(crate) fn program() -> Result<PathBuf> {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(".cache/nginx/run");
        ensure!(
            file.exists(),
            "there is no nginx in .cache; run tests/parts/fetch nginx"
        );
        Ok(file)
    }

    /// Serves these bytes to who asks for them in these encodings.
    ///
    /// # Errors
    /// If other bytes come back.
    pub(crate) fn start(
        program: &Path,
        folder: &Path,
        identity: &[u8],
        gzip: &[u8],
    ) -> Result<Self> {
        let address = free_address()?;
        fs::write(folder.join("metrics"), identity)?;
        fs::write(folder.join("metrics.gz"), gzip)?;
        fs::write(folder.join("nginx.conf"), configuration(address))?;
        let prefix = folder.display().to_string();
        let arguments = ["-p", &prefix, "-e", "stderr", "-c", "nginx.conf"].map(String::from);
        let mut process = Process::start(program, folder, &arguments, &[])?;
        process.wait_for(address, &workload::get("/metrics"))?;
        let mut nginx = Self {
            _process: process,
            connection: Connection::open(address)?,
        };
        for (encoding, expected) in [(Encoding::Identity, identity), (Encoding::Gzip, gzip)] {
            nginx.scrape(encoding)?;
            ensure!(
                nginx.connection.body()? == expected,
                "nginx sends something else in {}",
                encoding.name()
            );
        }
        Ok(nginx)
    }

    pub(crate) fn scrape(&mut self, encoding: Encoding) -> Result<Duration> {
        self.connection
            .exchange(&workload::scrape("/metrics", encoding))
    }
}

/// One process, no log of requests, connections that stay open, everything in its folder; else as it comes.
fn configuration(address: SocketAddr) -> String {
    let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|what| format!("    {what}_temp_path {what};\n"))
        .concat();
    format!(
        "daemon off;\n\
         master_process off;\n\
         pid nginx.pid;\n\
         events {{}}\n\
         http {{\n\
         {temporary}\
         \x20   access_log off;\n\
         \x20   default_type text/plain;\n\
         \x20   sendfile on;\n\
         \x20   tcp_nopush on;\n\
         \x20   gzip_static on;\n\
         \x20   keepalive_timeout 1h;\n\
         \x20   keepalive_requests 1000000000;\n\
         \x20   server {{\n\
         \x20       listen {address};\n\
         \x20       root .;\n\
         \x20   }}\n\
         }}\n"
    )
}
