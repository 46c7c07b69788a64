//! What the Go Pushgateway 1.11.3 was seen to answer to these paths, and where this gateway is stricter.

use proptest::prelude::*;

use super::*;
use crate::web::url_path;

/// Each path follows `/metrics/job` on the request line; each expectation is the key or the refusal.
fn check(scheme: NameScheme, cases: &[(&str, &str)]) {
    for (path, expected) in cases {
        let decoded = url_path::decode(path).unwrap();
        let found = match parse(&decoded, scheme) {
            Ok(key) => key.to_string(),
            Err(refusal) => refusal.to_string(),
        };
        assert_eq!(&found, expected, "{path}");
    }
}

#[test]
fn a_path_is_read_as_upstream_reads_it() {
    check(
        NameScheme::Legacy,
        &[
            ("/foo", r#"{job="foo"}"#),
            ("/foo/", r#"{job="foo"}"#),
            ("/foo/a/1/a/2", r#"{a="2",job="foo"}"#),
            ("/foo/a/", r#"{a="",job="foo"}"#),
            ("/foo/a/b", r#"{a="b",job="foo"}"#),
            ("/foo/job/bar", r#"{job="foo"}"#),
            ("/foo%2Fa%2Fb", r#"{a="b",job="foo"}"#),
            ("/foo%20bar/a/b%3Fc", r#"{a="b?c",job="foo bar"}"#),
            ("/foo+bar", r#"{job="foo+bar"}"#),
            ("/a%20b", r#"{job="a b"}"#),
            ("/a;b", r#"{job="a;b"}"#),
            ("/a%3Bb", r#"{job="a;b"}"#),
            ("/foo/_a/c", r#"{_a="c",job="foo"}"#),
            ("/foo/U__a_2e_b/c", r#"{U__a_2e_b="c",job="foo"}"#),
            ("/foo/le/c", r#"{job="foo",le="c"}"#),
            ("/foo/quantile/c", r#"{job="foo",quantile="c"}"#),
            ("/foo/instance/c", r#"{instance="c",job="foo"}"#),
            ("/foo/a/%E2%98%83", r#"{a="☃",job="foo"}"#),
            ("/foo/a/☃", r#"{a="☃",job="foo"}"#),
            ("/foo/a/b%0ac", r#"{a="b\nc",job="foo"}"#),
            ("/foo/a/%00", r#"{a="\0",job="foo"}"#),
            ("/%20/a/b", r#"{a="b",job=" "}"#),
            ("/foo/%6Cabel/b", r#"{job="foo",label="b"}"#),
            ("/*", r#"{job="*"}"#),
            ("/foo/path/%2Fvar%2Ftmp", r#"{job="foo",path="",var="tmp"}"#),
            ("/foo%2F", r#"{job="foo"}"#),
            ("/x/a/%2E", r#"{a=".",job="x"}"#),
            ("/foo/a/%2E%2E", r#"{a="..",job="foo"}"#),
            ("/%2e", r#"{job="."}"#),
            ("/%2e%2e/a/b", r#"{a="b",job=".."}"#),
        ],
    );
}

#[test]
fn base64_is_read_as_upstream_reads_it() {
    check(
        NameScheme::Legacy,
        &[
            ("@base64/Zm9v", r#"{job="foo"}"#),
            ("@base64/Zm9vYg", r#"{job="foob"}"#),
            ("@base64/Zm9vYg==", r#"{job="foob"}"#),
            ("@base64/Zm9vYh", r#"{job="foob"}"#),
            ("@base64/Zm9v%0A", r#"{job="foo"}"#),
            ("@base64/Pz8_", r#"{job="???"}"#),
            ("@base64/Pz8%2F", r#"{job="??"}"#),
            ("@base64/L3Zhci90bXA", r#"{job="/var/tmp"}"#),
            ("@base64/Zm9v/a/b", r#"{a="b",job="foo"}"#),
            ("%40base64/Zm9v", r#"{job="foo"}"#),
            ("/foo/a@base64/=", r#"{a="",job="foo"}"#),
            ("/foo/a@base64/==", r#"{a="",job="foo"}"#),
            ("/foo/a@base64/", r#"{a="",job="foo"}"#),
            ("/foo/a@base64/%3D", r#"{a="",job="foo"}"#),
            ("/foo/a%40base64/%3D", r#"{a="",job="foo"}"#),
            (
                "/foo/instance@base64/dGVzdA",
                r#"{instance="test",job="foo"}"#,
            ),
            ("@base64/=", "job name is required"),
            (
                "@base64/foo.bar",
                r#"invalid base64 encoding in job name "": illegal base64 data at input byte 3"#,
            ),
            (
                "@base64/Z",
                r#"invalid base64 encoding in job name "": illegal base64 data at input byte 0"#,
            ),
            (
                "@base64/Zm+v",
                r#"invalid base64 encoding in job name "": illegal base64 data at input byte 2"#,
            ),
            (
                "@base64/Zm9vYmFyZm9v!",
                r#"invalid base64 encoding in job name "foobarfoo": illegal base64 data at input byte 12"#,
            ),
            (
                "/foo/a@base64/!",
                r#"invalid base64 encoding for label a="!": illegal base64 data at input byte 0"#,
            ),
        ],
    );
}

#[test]
fn a_bad_path_is_refused_in_upstreams_words() {
    check(
        NameScheme::Legacy,
        &[
            ("/foo/a", r#"odd number of components in label string "/a""#),
            (
                "/foo/a/b/",
                r#"odd number of components in label string "/a/b/""#,
            ),
            (
                "/foo/instance@base64",
                r#"odd number of components in label string "/instance@base64""#,
            ),
            (
                "/foo%2Fbar",
                r#"odd number of components in label string "/bar""#,
            ),
            (
                "/foo/a/x%2Fy",
                r#"odd number of components in label string "/a/x/y""#,
            ),
            (
                "/foo/a%2Fb/c",
                r#"odd number of components in label string "/a/b/c""#,
            ),
            (
                "/foo;a/b",
                r#"odd number of components in label string "/b""#,
            ),
            ("/%2Fa", r#"odd number of components in label string "/a""#),
            ("/%2F", "job name is required"),
            ("/foo/%2F", r#"improper label name """#),
            ("/foo/@base64/Zm9v", r#"improper label name """#),
            (
                "/foo/a@base64@base64/Zm9v",
                r#"improper label name "a@base64""#,
            ),
            ("/foo/__a/c", r#"improper label name "__a""#),
            ("/foo/a=b/c", r#"improper label name "a=b""#),
            ("/foo/1a/c", r#"improper label name "1a""#),
            ("/foo/a.b/c", r#"improper label name "a.b""#),
            ("/foo/a-b/c", r#"improper label name "a-b""#),
            ("/foo/%C3%A4/b", r#"improper label name "ä""#),
            ("/foo/a%00b/c", r#"improper label name "a\x00b""#),
        ],
    );
}

#[test]
fn utf8_names_are_unescaped_if_they_are_on() {
    check(
        NameScheme::Utf8,
        &[
            ("/foo/U__/c", r#"improper label name "U__""#),
            ("/foo/U____/c", r#"{_="c",job="foo"}"#),
            ("/foo/U__a_2e_b/c", r#"{a.b="c",job="foo"}"#),
            ("/foo/U__a_2E_b/c", r#"{a.b="c",job="foo"}"#),
            ("/foo/a.b/c", r#"{a.b="c",job="foo"}"#),
            ("/foo/U___55_____/c", r#"{U__="c",job="foo"}"#),
            ("/foo/U__a_1F60A_/c", r#"{a😊="c",job="foo"}"#),
            ("/foo/U__a_110000_/c", r#"{U__a_110000_="c",job="foo"}"#),
            ("/foo/U__a_d800_/c", r#"{U__a_d800_="c",job="foo"}"#),
            ("/foo/U__a_0000041_/c", r#"{U__a_0000041_="c",job="foo"}"#),
            ("/foo/U__a_41/c", r#"{U__a_41="c",job="foo"}"#),
            ("/foo/U__a__b/c", r#"{a_b="c",job="foo"}"#),
            ("/foo/U____name____/c", r#"{_name__="c",job="foo"}"#),
            ("/foo/__foo/c", r#"improper label name "__foo""#),
            ("/foo/U__ä_2e_/c", r#"{job="foo",ä.="c"}"#),
            ("/foo/U__a__/c", r#"{a_="c",job="foo"}"#),
            ("/foo/U___2f_/c", r#"{/="c",job="foo"}"#),
            ("/foo/a%22b/c", r#"{a"b="c",job="foo"}"#),
            ("/foo/a%0Ab/c", "{a\nb=\"c\",job=\"foo\"}"),
            ("/foo/%FF/c", r#"improper label name "\xff""#),
            ("/foo/U__a_2e_b@base64/YmF6", r#"{a.b="baz",job="foo"}"#),
            (
                "/foo/U__a_2e_b@base64/!",
                r#"invalid base64 encoding for label U__a_2e_b="!": illegal base64 data at input byte 0"#,
            ),
        ],
    );
}

#[test]
fn what_cannot_be_exposed_is_refused_in_our_own_words() {
    let both = &[
        ("/%ff", r#"job name "\xff" is not valid UTF-8"#),
        ("@base64/_w", r#"job name "\xff" is not valid UTF-8"#),
        (
            "/foo/a/%ff",
            r#"value "\xff" of label "a" is not valid UTF-8"#,
        ),
        (
            "/foo/a@base64/_w",
            r#"value "\xff" of label "a" is not valid UTF-8"#,
        ),
    ];
    check(NameScheme::Legacy, both);
    check(NameScheme::Utf8, both);
    check(
        NameScheme::Utf8,
        &[
            (
                "/foo/U______foo/c",
                r#"label name "__foo" is reserved (sent as "U______foo")"#,
            ),
            (
                "/foo/U__a_0_b/c",
                r#"label name "a\x00b" holds a NUL character"#,
            ),
            (
                "/foo/a%00b/c",
                r#"label name "a\x00b" holds a NUL character"#,
            ),
        ],
    );
}

#[test]
fn a_key_becomes_the_path_that_leads_to_it() {
    let key = GroupingKey::new([("job", "a/b"), ("instance", ""), ("ä.b", "x y")]).unwrap();
    assert_eq!(
        to_path(&key, NameScheme::Utf8),
        "job@base64/YS9i/instance@base64/=/U___e4__2e_b@base64/eCB5="
    );
    let key = GroupingKey::new([("job", "j"), ("U__a", "x")]).unwrap();
    assert_eq!(
        to_path(&key, NameScheme::Legacy),
        "job@base64/ag/U__a@base64/eA="
    );
    assert_eq!(
        to_path(&key, NameScheme::Utf8),
        "job@base64/ag/U__U____a@base64/eA="
    );
}

proptest! {
    #[test]
    fn any_key_survives_the_way_through_a_path(
        job in ".+",
        labels in proptest::collection::vec(("[^_\u{0}\u{100000}-\u{10ffff}][^\u{0}\u{100000}-\u{10ffff}]*", ".*"), 0..4),
    ) {
        let labels = labels.into_iter().chain([("job".to_owned(), job)]);
        let key = GroupingKey::new(labels).unwrap();
        let path = to_path(&key, NameScheme::Utf8);
        prop_assert_eq!(url_path::clean(format!("/{path}").as_bytes()), format!("/{path}").into_bytes());
        let decoded = url_path::decode(&path).unwrap();
        let after_job = decoded.strip_prefix(b"job").unwrap();
        prop_assert_eq!(parse(after_job, NameScheme::Utf8), Ok(key));
    }

    #[test]
    fn no_path_makes_the_parser_panic(path in proptest::collection::vec(any::<u8>(), 0..64)) {
        for scheme in [NameScheme::Legacy, NameScheme::Utf8] {
            let _parsed = parse(&path, scheme);
        }
    }
}
