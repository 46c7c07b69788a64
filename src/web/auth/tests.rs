use std::fs;
use std::path::PathBuf;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::routing::get;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use tempfile::TempDir;
use tower::ServiceExt as _;

use super::*;
use crate::web::guard::guard;
use crate::web_config::reload::Refresh as _;

/// The files of one gateway.
struct Files {
    directory: TempDir,
}

impl Files {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        Self { directory }
    }

    fn write(&self, name: &str, content: &str) -> PathBuf {
        let path = self.directory.path().join(name);
        fs::write(&path, content).unwrap();
        path
    }

    fn web_config(&self, content: &str) -> Arc<Reloading<ConfigFile>> {
        let file = ConfigFile::new(self.write("web.yml", content));
        Arc::new(Reloading::open(file).unwrap())
    }

    fn secret(&self, username: &str, password: &str) -> Arc<Reloading<SecretFiles>> {
        let username = self.write("username", username);
        let password = self.write("password", password);
        let files = SecretFiles::new(Some(username), Some(password));
        Arc::new(Reloading::open(files.unwrap().unwrap()).unwrap())
    }
}

fn user(name: &str, password: &str) -> String {
    let hash = bcrypt::hash(password, 4).unwrap();
    format!("basic_auth_users:\n  {name}: {hash}\n")
}

fn guarded(
    web_config: Option<&Arc<Reloading<ConfigFile>>>,
    secret: Option<&Arc<Reloading<SecretFiles>>>,
) -> Router {
    let router = Router::new().route("/", get(async || "in"));
    let authenticator = Authenticator::new(web_config.cloned(), secret.cloned());
    guard(router, web_config, authenticator)
}

/// Asks as `user:password`, or as nobody.
async fn ask(router: &Router, path: &str, credentials: &str) -> Response {
    let mut request = http::Request::get(path);
    if !credentials.is_empty() {
        let encoded = BASE64_STANDARD.encode(credentials);
        request = request.header(AUTHORIZATION, format!("Basic {encoded}"));
    }
    let request = request.body(Body::empty()).unwrap();
    router.clone().oneshot(request).await.unwrap()
}

async fn check(router: &Router, credentials: &str, expected: StatusCode) {
    let response = ask(router, "/", credentials).await;
    assert_eq!(response.status(), expected, "{credentials}");
}

#[tokio::test]
async fn without_users_everybody_is_in() {
    check(&guarded(None, None), "", StatusCode::OK).await;
    let files = Files::new();
    let config = files.web_config("basic_auth_users:\n");
    check(&guarded(Some(&config), None), "", StatusCode::OK).await;
}

#[tokio::test]
async fn a_refusal_is_that_of_the_exporter_toolkit() {
    let files = Files::new();
    let config = files.web_config(&user("alice", "secret"));
    let router = guarded(Some(&config), None);
    for path in ["/", "/-/healthy", "/nowhere"] {
        let response = ask(&router, path, "").await;
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED, "{path}");
        assert_eq!(response.headers()[WWW_AUTHENTICATE], "Basic");
        let body = to_bytes(response.into_body(), 100).await.unwrap();
        assert_eq!(body, "Unauthorized\n");
    }
}

#[tokio::test]
async fn users_of_the_file_are_in() {
    let files = Files::new();
    let config = files.web_config(&user("alice", "secret"));
    let router = guarded(Some(&config), None);
    check(&router, "alice:secret", StatusCode::OK).await;
    check(&router, "alice:wrong", StatusCode::UNAUTHORIZED).await;
    check(&router, "bob:secret", StatusCode::UNAUTHORIZED).await;
}

#[tokio::test]
async fn users_follow_the_file() {
    let files = Files::new();
    let config = files.web_config(&user("alice", "secret"));
    let router = guarded(Some(&config), None);
    check(&router, "alice:secret", StatusCode::OK).await;
    files.write("web.yml", &user("bob", "word"));
    config.refresh();
    check(&router, "alice:secret", StatusCode::UNAUTHORIZED).await;
    check(&router, "bob:word", StatusCode::OK).await;
}

#[tokio::test]
async fn a_secret_is_in_without_its_newline() {
    for (username, password) in [
        ("eve", "pass"),
        ("eve\n", "pass\n"),
        ("eve\r\n", "pass\r\n"),
    ] {
        let files = Files::new();
        let secret = files.secret(username, password);
        let router = guarded(None, Some(&secret));
        check(&router, "eve:pass", StatusCode::OK).await;
        check(&router, "eve:pass\n", StatusCode::UNAUTHORIZED).await;
        check(&router, "eve:", StatusCode::UNAUTHORIZED).await;
        check(&router, "", StatusCode::UNAUTHORIZED).await;
    }
}

#[tokio::test]
async fn a_user_of_either_place_is_in() {
    let files = Files::new();
    let config = files.web_config(&user("alice", "secret"));
    let secret = files.secret("eve", "pass");
    let router = guarded(Some(&config), Some(&secret));
    check(&router, "alice:secret", StatusCode::OK).await;
    check(&router, "eve:pass", StatusCode::OK).await;
    check(&router, "eve:secret", StatusCode::UNAUTHORIZED).await;
}

#[cfg(unix)]
#[tokio::test]
async fn a_secret_follows_the_link_that_kubernetes_swaps() {
    use std::os::unix::fs::symlink;

    let files = Files::new();
    let root = files.directory.path();
    for (version, password) in [("v1", "old"), ("v2", "new")] {
        fs::create_dir(root.join(version)).unwrap();
        fs::write(root.join(version).join("username"), "eve").unwrap();
        fs::write(root.join(version).join("password"), password).unwrap();
    }
    symlink("v1", root.join("..data")).unwrap();
    symlink("..data/username", root.join("username")).unwrap();
    symlink("..data/password", root.join("password")).unwrap();
    let paths = ["username", "password"].map(|name| Some(root.join(name)));
    let [username, password] = paths;
    let source = SecretFiles::new(username, password).unwrap().unwrap();
    let secret = Arc::new(Reloading::open(source).unwrap());
    let router = guarded(None, Some(&secret));
    check(&router, "eve:old", StatusCode::OK).await;

    symlink("v2", root.join("..new")).unwrap();
    fs::rename(root.join("..new"), root.join("..data")).unwrap();
    secret.refresh();
    check(&router, "eve:old", StatusCode::UNAUTHORIZED).await;
    check(&router, "eve:new", StatusCode::OK).await;
}

#[tokio::test]
async fn a_secret_that_is_emptied_lets_nobody_new_in() {
    let files = Files::new();
    let secret = files.secret("eve", "pass");
    let router = guarded(None, Some(&secret));
    files.write("password", "\n");
    secret.refresh();
    assert!(secret.is_stale());
    check(&router, "eve:", StatusCode::UNAUTHORIZED).await;
    check(&router, "eve:pass", StatusCode::OK).await;
}

#[test]
fn secret_files_that_can_not_be_used_are_refused() {
    let one = Some(PathBuf::from("x"));
    for (username, password) in [(one.clone(), None), (None, one)] {
        let error = SecretFiles::new(username, password).unwrap_err();
        assert!(matches!(error, SecretFilesError::OnlyOne));
    }
    let files = Files::new();
    let check = |username: &str, password: &str, expected: &str| {
        let paths = [("username", username), ("password", password)];
        let [username, password] = paths.map(|(name, content)| Some(files.write(name, content)));
        let source = SecretFiles::new(username, password).unwrap().unwrap();
        let error = Reloading::open(source).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    };
    check("", "pass", "username is empty");
    check("eve", "\n", "password is empty");
    check("e:ve", "pass", "has a colon");
}

#[tokio::test]
async fn headers_are_on_every_response_and_follow_the_file() {
    let files = Files::new();
    let headers = "http_server_config:\n  headers:\n    X-Frame-Options: ";
    let config = files.web_config(&format!("{}{headers}deny\n", user("alice", "secret")));
    let router = guarded(Some(&config), None);
    for credentials in ["", "alice:secret"] {
        let response = ask(&router, "/", credentials).await;
        assert_eq!(response.headers()["x-frame-options"], "deny");
    }
    files.write("web.yml", &format!("{headers}sameorigin\n"));
    config.refresh();
    let response = ask(&router, "/nowhere", "").await;
    assert_eq!(response.status(), StatusCode::NOT_FOUND);
    assert_eq!(response.headers()["x-frame-options"], "sameorigin");
}

#[tokio::test]
async fn the_rate_limit_comes_first_and_bare() {
    let files = Files::new();
    let config = files.web_config(&format!(
        "{}http_server_config:\n  headers:\n    X-Frame-Options: deny\n\
         rate_limit:\n  interval: 1h\n  burst: 2\n",
        user("alice", "secret")
    ));
    let router = guarded(Some(&config), None);
    check(&router, "alice:wrong", StatusCode::UNAUTHORIZED).await;
    check(&router, "alice:secret", StatusCode::OK).await;
    let response = ask(&router, "/", "alice:secret").await;
    assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
    assert!(!response.headers().contains_key("x-frame-options"));
    let body = to_bytes(response.into_body(), 100).await.unwrap();
    assert_eq!(body, "Too Many Requests\n");
}
