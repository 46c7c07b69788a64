//! The response headers of the web configuration file.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::header::Entry;
use http::{HeaderName, HeaderValue};

use crate::web_config::ConfigFile;
use crate::web_config::reload::Reloading;

/// Sets the configured headers, except where the handler has set them itself.
pub async fn set_headers(
    State(web_config): State<Arc<Reloading<ConfigFile>>>,
    request: Request,
    next: Next,
) -> Response {
    let mut response = next.run(request).await;
    for (name, value) in &web_config.current().http_server_config.headers {
        // Both were checked when the file was parsed.
        let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value))
        else {
            continue;
        };
        if let Entry::Vacant(entry) = response.headers_mut().entry(name) {
            entry.insert(value);
        }
    }
    response
}
