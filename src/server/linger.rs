//! Closing a connection on which the client is still sending, without taking its answer away.
//!
//! A socket that is closed with bytes unread makes the system send a reset, on which the client's system
//! throws away what it had received: the very response that explains why.

use tokio::io::{AsyncRead, AsyncReadExt as _};

use super::Limits;

const BUFFER: usize = 16 << 10;

/// Reads what the client goes on sending until it closes or has had its share.
///
/// The sending half of `socket` must be shut down already.
pub(super) async fn discard<S: AsyncRead + Unpin>(socket: S, limits: &Limits) {
    let read = async {
        let mut socket = socket.take(limits.discard_bytes);
        let mut buffer = vec![0; BUFFER];
        while socket.read(&mut buffer).await.is_ok_and(|bytes| bytes > 0) {}
    };
    // Both ends are fine: the client is done, or was given time enough.
    let _ = tokio::time::timeout(limits.discard_time, read).await;
}
