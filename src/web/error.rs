//! How refusals and failures become HTTP answers: one table.

use axum::http::StatusCode;
use axum::http::header::{HeaderValue, RETRY_AFTER};
use axum::response::{IntoResponse, Response};
use thiserror::Error as ThisError;

use super::answer;
use super::body::BodyError;
use super::grouping_path::PathError;

/// After how many seconds a client that met an overload should come back.
const RETRY_AFTER_SECONDS: HeaderValue = HeaderValue::from_static("1");

/// Why a request is not done.
#[derive(Debug, ThisError)]
pub enum Error {
    /// The path of a push is no grouping key.
    #[error(transparent)]
    Path(#[from] PathError),
    /// The body could not be received.
    #[error(transparent)]
    Body(#[from] BodyError),
    /// The content is not acceptable: unparsable or inconsistent.
    #[error("{0}")]
    BadContent(String),
    /// The content is acceptable, but exceeds a limit on what a group or a label may be.
    #[error("{0}")]
    OverLimit(String),
    /// The gateway cannot do it now, but may be able to soon.
    #[error("{0}")]
    Unavailable(String),
    /// The gateway is broken.
    #[error("{0}")]
    Internal(String),
}

impl Error {
    fn status(&self) -> StatusCode {
        match self {
            Self::Path(_) | Self::BadContent(_) => StatusCode::BAD_REQUEST,
            Self::Body(error) => match error {
                BodyError::TooLarge { .. } | BodyError::InflatedTooLarge { .. } => {
                    StatusCode::PAYLOAD_TOO_LARGE
                }
                BodyError::TooManyInFlight { .. } => StatusCode::SERVICE_UNAVAILABLE,
                BodyError::Stalled(_) => StatusCode::REQUEST_TIMEOUT,
                BodyError::BrokenOff | BodyError::Encoding(_) => StatusCode::BAD_REQUEST,
            },
            Self::OverLimit(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let status = self.status();
        let mut response = answer::refusal(status, &self.to_string());
        if status == StatusCode::SERVICE_UNAVAILABLE {
            response
                .headers_mut()
                .insert(RETRY_AFTER, RETRY_AFTER_SECONDS);
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::super::body::EncodingError;
    use super::*;

    fn check(error: Error, status: u16, retry_after: Option<&str>) {
        let response = error.into_response();
        assert_eq!(response.status(), status);
        let found = response.headers().get(RETRY_AFTER);
        assert_eq!(found.map(|value| value.to_str().unwrap()), retry_after);
    }

    #[test]
    fn each_error_has_its_status_and_overload_says_when_to_come_back() {
        let text = String::new;
        check(PathError::NoJob.into(), 400, None);
        check(BodyError::BrokenOff.into(), 400, None);
        check(BodyError::from(EncodingError::GzipHeader).into(), 400, None);
        check(BodyError::Stalled(text()).into(), 408, None);
        check(BodyError::TooLarge { limit: 1 }.into(), 413, None);
        check(BodyError::InflatedTooLarge { limit: 1 }.into(), 413, None);
        check(
            BodyError::TooManyInFlight { limit: 1 }.into(),
            503,
            Some("1"),
        );
        check(Error::BadContent(text()), 400, None);
        check(Error::OverLimit(text()), 422, None);
        check(Error::Unavailable(text()), 503, Some("1"));
        check(Error::Internal(text()), 500, None);
    }
}
