//! Why a reconcile failed, and what to do about it.

use std::time::Duration;

use kube::core::Status;

use super::kind::Kind;

/// A failure that is tried again. What the user has to mend is no error but a condition.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    /// Reading what is there failed.
    #[error("could not read {what}: {source}")]
    Observe {
        /// What was read.
        what: String,
        /// What the API server says.
        source: Box<kube::Error>,
    },
    /// Applying a child failed for a reason that may pass.
    #[error("could not apply {} {name}: {source}", kind.name())]
    Apply {
        /// Its kind.
        kind: Kind,
        /// Its name.
        name: String,
        /// What the API server says.
        source: Box<kube::Error>,
    },
    /// Deleting a child failed.
    #[error("could not delete {} {name}: {source}", kind.name())]
    Delete {
        /// Its kind.
        kind: Kind,
        /// Its name.
        name: String,
        /// What the API server says.
        source: Box<kube::Error>,
    },
    /// Asking for a larger volume failed for a reason that may pass.
    #[error("could not resize the claim {name}: {source}")]
    Resize {
        /// The claim.
        name: String,
        /// What the API server says.
        source: Box<kube::Error>,
    },
    /// Keeping a claim from being deleted with its StatefulSet failed.
    #[error("could not keep the claim {name}: {source}")]
    Disown {
        /// The claim.
        name: String,
        /// What the API server says.
        source: Box<kube::Error>,
    },
    /// Writing the status failed.
    #[error("could not write the status: {0}")]
    Status(Box<kube::Error>),
}

/// Whether what was asked for is not there, be it an object or a whole API, which answers in plain text.
pub(super) fn is_not_found(status: &Status) -> bool {
    status.code == 404
}

/// Whether nothing can be made because the namespace is going.
pub(super) fn is_of_ending_namespace(status: &Status) -> bool {
    let causes = status
        .details
        .iter()
        .flat_map(|details| details.causes.iter());
    let mut reasons = causes.map(|cause| cause.reason.as_str());
    status.is_forbidden() && reasons.any(|reason| reason == "NamespaceTerminating")
}

impl Error {
    /// Whether the namespace is going, and with it what this was about.
    pub(super) fn is_of_ending_namespace(&self) -> bool {
        matches!(self.source(), kube::Error::Api(status) if is_of_ending_namespace(status))
    }

    /// The step of the pipeline, as a label of the metrics.
    pub(super) fn step(&self) -> &'static str {
        match self {
            Self::Observe { .. } => "observe",
            Self::Apply { .. }
            | Self::Delete { .. }
            | Self::Resize { .. }
            | Self::Disown { .. } => "apply",
            Self::Status(_) => "status",
        }
    }

    fn source(&self) -> &kube::Error {
        match self {
            Self::Observe { source, .. }
            | Self::Apply { source, .. }
            | Self::Delete { source, .. }
            | Self::Resize { source, .. }
            | Self::Disown { source, .. }
            | Self::Status(source) => source,
        }
    }

    /// How long to wait after `failures` failures in a row, the last of them this one; `jitter` is in 0..1.
    pub(super) fn delay(&self, failures: u32, jitter: f64) -> Duration {
        let is_conflict = matches!(self.source(), kube::Error::Api(status) if status.is_conflict());
        if is_conflict && failures == 1 {
            // Somebody else wrote at the same moment; what they wrote is there to be read now.
            return Duration::ZERO;
        }
        let doubled = FIRST_DELAY.saturating_mul(1 << failures.saturating_sub(1).min(16));
        doubled.min(LONGEST_DELAY).mul_f64(1.0 + jitter / 4.0)
    }
}

const FIRST_DELAY: Duration = Duration::from_secs(1);
const LONGEST_DELAY: Duration = Duration::from_mins(5);

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(code: u16, reason: &str) -> Error {
        let status = kube::core::Status::failure("refused", reason).with_code(code);
        Error::Status(Box::new(kube::Error::Api(Box::new(status))))
    }

    #[test]
    fn delays_double_up_to_five_minutes() {
        let error = failure(500, "InternalError");
        let seconds = |failures| error.delay(failures, 0.0).as_secs();
        assert_eq!(
            [1, 2, 3, 9, 10, 1000].map(seconds),
            [1, 2, 4, 256, 300, 300]
        );
    }

    #[test]
    fn a_first_conflict_is_tried_again_at_once() {
        let error = failure(409, "Conflict");
        assert_eq!(error.delay(1, 0.5), Duration::ZERO);
        assert!(error.delay(2, 0.5) > Duration::ZERO);
    }
}
