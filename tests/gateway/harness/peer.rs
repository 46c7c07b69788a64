//! The real Pushgateway that this one is compared with.

use super::Program;
use crate::parts;

/// The Pushgateway of Debian sid, or `None` if the calling test is to return, because it is missing here.
pub(crate) fn pushgateway() -> Option<Program> {
    let folder = parts::find("pushgateway-sid")?;
    Some(Program::at(folder.join("pushgateway")).flag("--log.level=error"))
}
