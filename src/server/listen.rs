//! Listening sockets: from addresses as Go writes them, or from systemd.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use listenfd::ListenFd;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpListener, lookup_host};

/// Connections that the system holds for us until we accept them.
const BACKLOG: i32 = 1024;

/// Why there is nothing to listen on.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// No `host:port`.
    #[error("listen address {0:?} is invalid: write host:port, [ipv6]:port or :port")]
    Address(String),
    /// A host name that no address belongs to.
    #[error("could not resolve listen address {address:?}: {source}")]
    Resolve {
        /// The address as given.
        address: String,
        /// What the system says.
        source: io::Error,
    },
    /// The system refuses to listen there.
    #[error("could not listen on {address}: {source}")]
    Bind {
        /// The address as given.
        address: String,
        /// What the system says.
        source: io::Error,
    },
    /// `--web.systemd-socket` without systemd, or without a socket unit.
    #[error("no socket activation file descriptors found")]
    NoSystemdSockets,
    /// systemd has passed something that is no TCP socket.
    #[error("could not use socket {index} from systemd: {source}")]
    SystemdSocket {
        /// Which of them, from 0.
        index: usize,
        /// What is wrong with it.
        source: io::Error,
    },
}

/// Listens on `address`. Without a host that is all addresses of the machine, IPv6 and IPv4.
pub async fn listen(address: &str) -> Result<TcpListener, ListenError> {
    let (host, port) = split(address).ok_or_else(|| ListenError::Address(address.to_owned()))?;
    let bound = if host.is_empty() {
        let any_v6 = SocketAddr::from((Ipv6Addr::UNSPECIFIED, port));
        // A kernel without IPv6 refuses the socket itself or its address.
        bind(any_v6).or_else(|error| match error.kind() {
            io::ErrorKind::AddrInUse | io::ErrorKind::PermissionDenied => Err(error),
            _ => bind(SocketAddr::from((Ipv4Addr::UNSPECIFIED, port))),
        })
    } else {
        bind(resolve(address, host, port).await?)
    };
    bound.map_err(|source| ListenError::Bind {
        address: address.to_owned(),
        source,
    })
}

/// The sockets that systemd has opened for this process. Can be asked for once.
pub fn from_systemd() -> Result<Vec<TcpListener>, ListenError> {
    let mut passed = ListenFd::from_env();
    let mut listeners = Vec::new();
    for index in 0..passed.len() {
        let listener = passed
            .take_tcp_listener(index)
            .and_then(|listener| listener.map(adopt).transpose())
            .map_err(|source| ListenError::SystemdSocket { index, source })?;
        listeners.extend(listener);
    }
    if listeners.is_empty() {
        return Err(ListenError::NoSystemdSockets);
    }
    Ok(listeners)
}

fn adopt(listener: std::net::TcpListener) -> io::Result<TcpListener> {
    listener.set_nonblocking(true)?;
    TcpListener::from_std(listener)
}

/// Takes `host:port` apart; the host may be empty, and so may be the port, which means any that is free.
fn split(address: &str) -> Option<(&str, u16)> {
    let (host, port) = address.rsplit_once(':')?;
    let port = if port.is_empty() {
        0
    } else {
        port.parse().ok()?
    };
    let bracketed = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    match bracketed {
        Some(host) => Some((host, port)),
        None if host.contains([':', '[', ']', '/']) => None,
        None => Some((host, port)),
    }
}

/// Go prefers IPv4 where a name has both.
async fn resolve(address: &str, host: &str, port: u16) -> Result<SocketAddr, ListenError> {
    let failed = |source| ListenError::Resolve {
        address: address.to_owned(),
        source,
    };
    let found: Vec<_> = lookup_host((host, port)).await.map_err(failed)?.collect();
    let v4 = found.iter().find(|found| found.is_ipv4());
    v4.or_else(|| found.first())
        .copied()
        .ok_or_else(|| failed(io::ErrorKind::NotFound.into()))
}

fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let domain = Domain::for_address(address);
    let socket = Socket::new(domain, Type::STREAM, Some(Protocol::TCP))?;
    let is_any_v6 = address.is_ipv6() && address.ip().is_unspecified();
    if is_any_v6 {
        socket.set_only_v6(false)?; // Whatever the system's default is.
    }
    socket.set_reuse_address(true)?; // A restart must not wait for old connections to time out.
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    adopt(socket.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_split_as_in_go() {
        let check = |address, expected| assert_eq!(split(address), expected, "{address}");
        check(":9091", Some(("", 9091)));
        check("localhost:80", Some(("localhost", 80)));
        check("[::1]:80", Some(("::1", 80)));
        check("127.0.0.1:", Some(("127.0.0.1", 0)));
        for refused in [
            "",
            "9091",
            "::1:80",
            "host:http2x",
            "host:65536",
            "vsock://:9091",
        ] {
            check(refused, None);
        }
    }

    #[tokio::test]
    async fn no_host_means_all_addresses() {
        let listener = listen(":0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let connected = tokio::net::TcpStream::connect(("127.0.0.1", port)).await;
        assert!(connected.is_ok());
    }

    #[tokio::test]
    async fn an_address_in_use_says_so() {
        let taken = listen("127.0.0.1:0").await.unwrap();
        let address = taken.local_addr().unwrap().to_string();
        let error = listen(&address).await.unwrap_err().to_string();
        assert!(error.contains(&address), "{error}");
        assert!(error.contains("in use"), "{error}");
    }

    #[tokio::test]
    async fn without_systemd_there_are_no_sockets() {
        let error = from_systemd().unwrap_err().to_string();
        assert_eq!(error, "no socket activation file descriptors found");
    }
}
