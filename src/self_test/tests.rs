//! What of an answer counts; the gateway itself is asked in `tests/gateway/self_test.rs`.

use super::*;

#[test]
fn only_the_push_of_this_run_is_found() {
    let lines = [
        "self_test_marker{instance=\"\",job=\"helm-test\"} 41".to_owned(),
        "self_test_marker{instance=\"\",job=\"other\"} 42".to_owned(),
    ];
    assert!(is_shown(&lines, 41));
    assert!(!is_shown(&lines, 42), "another job's");
    assert!(!is_shown(&lines, 4));
    assert!(!is_shown(&[], 41));
}

#[test]
fn a_password_is_never_shown() {
    let user = User::new("batch", "open sesame");
    assert_eq!(user.credentials, "Basic YmF0Y2g6b3BlbiBzZXNhbWU=");
    assert_eq!(format!("{user:?}"), "User");
    assert_eq!(format!("{:?}", user.credentials), "Sensitive");
}
