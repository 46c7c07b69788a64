//! The real parts that tests run against, and how to run a server of them or the gateway itself.

use std::thread;
use std::time::{Duration, Instant};

#[path = "../parts/find.rs"]
mod found;
pub(crate) mod samples;
pub(crate) mod server;

pub(crate) use found::{find, skip};

/// How long a test waits for what must happen; nothing takes this long unless it is broken.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Asks again and again until the answer is `Ok`, or gives the last `Err` when patience ends.
pub(crate) fn until<T>(mut ask: impl FnMut() -> Result<T, String>) -> Result<T, String> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match ask() {
            Err(_) if Instant::now() < deadline => {}
            Err(why) => return Err(format!("still not after {PATIENCE:?}: {why}")),
            answer => return answer,
        }
        thread::sleep(Duration::from_millis(20)); // Between two questions, instead of a busy loop.
    }
}
