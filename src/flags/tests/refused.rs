//! Command lines that are refused, and in which words.

use super::*;

#[test]
fn errors_are_those_of_the_go_pushgateway() {
    let cases = [
        ("--nope", "unknown long flag '--nope'"),
        ("--nope=1", "unknown long flag '--nope'"),
        ("--no-nope", "unknown long flag '--no-nope'"),
        (
            "--no-persistence.file",
            "unknown long flag '--no-persistence.file'",
        ),
        ("-v", "unknown short flag '-v'"),
        ("-hv", "unknown short flag '-v'"),
        ("-", "unknown short flag '-'"),
        (
            "--persistence.file",
            "expected argument for flag '--persistence.file'",
        ),
        (
            "--persistence.file --log.level=info",
            "expected argument for flag '--persistence.file'",
        ),
        ("--web.enable-lifecycle=true", "unexpected true"),
        ("export2", "unexpected export2"),
        ("--web.enable-lifecycle export", "unexpected export"),
        ("-- --help", "unexpected --help"),
        (
            "--web.route-prefix=a --web.route-prefix=b",
            "flag 'web.route-prefix' cannot be repeated",
        ),
        (
            "--web.enable-lifecycle --no-web.enable-lifecycle",
            "flag 'web.enable-lifecycle' cannot be repeated",
        ),
        (
            "--persistence.interval=xx",
            r#"time: invalid duration "xx""#,
        ),
        ("--log.level=foo", "unrecognized log level foo"),
        ("--log.format=foo", "unrecognized log format foo"),
        (
            "--web.external-url=http://[::1",
            r#"invalid URL: parse "http://[::1": missing ']' in host"#,
        ),
    ];
    for (line, message) in cases {
        check_error(line, &format!("{message}, try --help"));
    }
}

#[test]
fn texts_and_errors_have_the_precedence_that_kingpin_gives_them() {
    let unknown = "unknown long flag '--nope', try --help";
    let repeated = "flag 'log.level' cannot be repeated, try --help";
    check_error("--log.level=foo --nope", unknown);
    check_error("--log.level=foo --log.level=foo --nope", unknown);
    check_error("--log.level=info --log.level=foo", repeated);
    check_error(
        "--log.level=foo --log.level=info",
        "unrecognized log level foo, try --help",
    );
    check_error("--help --nope", unknown);
    check_error("--nope --version", unknown);
    let (help, version) = (printed("--help"), printed("--version"));
    assert_eq!(printed("--log.level=foo --log.level=foo -h --help"), help);
    assert_eq!(printed("--help-long --nope"), help);
    assert_eq!(printed("--help-long --version"), help);
    assert_eq!(printed("--version --help-long"), version);
    assert_eq!(printed("--help --version --nope"), version);
    assert_eq!(printed("--log.level=foo --version"), version);
}

#[test]
fn own_values_are_refused_with_the_name_of_the_flag() {
    check_error(
        "--limit.groups=0",
        "flag 'limit.groups' has an invalid number \"0\": want a whole number greater than 0, try --help",
    );
    check_error(
        "--limit.body-bytes=64MB",
        "flag 'limit.body-bytes' has an invalid size \"64MB\": want a whole number of bytes greater than 0, \
         or one with KiB, MiB or GiB, try --help",
    );
    check_error(
        "--limit.idle-timeout=0s",
        "flag 'limit.idle-timeout' has an invalid duration \"0s\": want one longer than 0s, such as 30s, \
         try --help",
    );
}

#[test]
fn flags_that_contradict_each_other_are_refused_in_one_line() {
    check_error(
        "--web.telemetry-path=/status",
        "--web.telemetry-path=/status would serve scrapes under \"/status\", where the status page is; \
         choose another path",
    );
    check_error(
        "--web.telemetry-path=metrics",
        "--web.telemetry-path=metrics would serve scrapes under \"metrics\", which does not start with a \
         slash; choose another path",
    );
    check_error(
        "--web.basic-auth.username-file=u",
        "--web.basic-auth.username-file is given without --web.basic-auth.password-file: basic auth needs \
         both",
    );
    check_error(
        "--limit.bodies-in-flight-bytes=128MiB",
        "--limit.bodies-in-flight-bytes=128MiB is less than --limit.inflated-body-bytes=256MiB, so that one \
         such request would never fit; lower the latter or raise the former",
    );
}
