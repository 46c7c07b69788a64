use super::*;

const PROTO: &str =
    "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited";

#[track_caller]
fn check_push(content_type: &str, format: PushFormat) {
    let found = PushFormat::of_content_type(Some(content_type.as_bytes()));
    assert_eq!(found, format, "{content_type}");
}

#[track_caller]
fn check_scrape(accept: &str, content_type: &str) {
    let found = ScrapeFormat::negotiate(Some(accept.as_bytes()));
    assert_eq!(found.content_type(), content_type, "{accept}");
}

#[track_caller]
fn check_compression(lines: &[&str], compression: Compression) {
    let found = Compression::negotiate(lines.iter().map(|line| line.as_bytes()));
    assert_eq!(found, compression, "{lines:?}");
}

#[test]
fn a_push_is_protobuf_if_it_says_so_in_full() {
    for content_type in [
        PROTO,
        "APPLICATION/VND.GOOGLE.PROTOBUF; Proto=io.prometheus.client.MetricFamily; Encoding=delimited",
        "application/vnd.google.protobuf ; encoding = \"delimited\" ;\tproto=io.prometheus.client.MetricFamily;",
        &format!("{PROTO};escaping=allow-utf-8;a=\"b\\\"\\c;\";a=\"b\\\"\\c;\";d=\"\""),
    ] {
        check_push(content_type, PushFormat::Protobuf);
    }
}

#[test]
fn any_other_push_is_text() {
    assert_eq!(PushFormat::of_content_type(None), PushFormat::Text);
    for content_type in [
        "",
        "text/plain",
        "application/openmetrics-text; version=1.0.0",
        "application/x-www-form-urlencoded",
        "application/vnd.google.protobuf",
        "application/vnd.google.protobuf; encoding=delimited",
        "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=text",
        "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=DELIMITED",
        &PROTO.replace("delimited", "\"deli\\mited\""),
        &format!("{PROTO}; bad"),
        &format!("{PROTO}; a=b; a=c"),
        &format!("{PROTO}; a="),
        &format!("{PROTO}; a=\"b"),
        &format!("{PROTO}, text/plain"),
        &format!("{PROTO}{}", "; a=b".repeat(100)),
    ] {
        check_push(content_type, PushFormat::Text);
    }
}

#[test]
fn a_scrape_gets_text_with_underscores_unless_it_asks_for_more() {
    let text = "text/plain; version=0.0.4; charset=utf-8; escaping=underscores";
    assert_eq!(ScrapeFormat::negotiate(None).content_type(), text);
    for accept in [
        "",
        "*/*",
        "*",
        "text/plain",
        "text/plain;version=0.0.4",
        "text/plain;version=1.0.0",
        "application/json",
        "application/openmetrics-text;version=1.0.0",
        "text",
        "text/plain/x",
        ";,/;=",
        "text/plain;escaping=x",
        "application/vnd.google.protobuf",
        "Application/vnd.google.protobuf",
        &PROTO.replace("delimited", "text"),
        &PROTO.replace("delimited", "compact-text"),
        &PROTO.replace("delimited", "\"delimited\""),
    ] {
        check_scrape(accept, text);
    }
}

#[test]
fn a_scrape_gets_the_form_it_prefers() {
    let proto = "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; \
                 encoding=delimited; escaping=underscores";
    let text = "text/plain; version=0.0.4; charset=utf-8; escaping=underscores";
    check_scrape(PROTO, proto);
    check_scrape(&format!("text/html, {PROTO}; q = 1"), proto);
    check_scrape(&format!("{PROTO}, text/plain"), proto);
    check_scrape(&format!("text/plain, {PROTO}"), text);
    check_scrape(&format!("{PROTO};q=0.4, text/plain;q=0.5"), text);
    check_scrape(&format!("{PROTO};q=x, text/plain;q=0.5"), text);
    check_scrape(&format!("{PROTO};q=0"), proto);
}

#[test]
fn the_last_escaping_on_the_way_to_the_form_counts() {
    let text = |escaping| format!("text/plain; version=0.0.4; charset=utf-8; escaping={escaping}");
    for escaping in Escaping::ALL.map(Escaping::as_str) {
        check_scrape(&format!("text/plain;escaping={escaping}"), &text(escaping));
        check_scrape(
            &format!("application/json; escaping = {escaping}"),
            &text(escaping),
        );
    }
    check_scrape(
        "text/plain;escaping=dots,*/*;escaping=values",
        &text("dots"),
    );
    check_scrape(
        "*/*;escaping=values,text/plain;escaping=dots",
        &text("dots"),
    );
    check_scrape("a/b;escaping=dots;q=0.2,text/plain;q=0.1", &text("dots"));
    check_scrape(
        "a/b;escaping=dots;q=0.1,text/plain;q=0.2",
        &text("underscores"),
    );
    check_scrape("a/b;escaping=dots,c/d;escaping=values", &text("values"));
    check_scrape("a/b;escaping=dots;escaping=values", &text("values"));
}

#[test]
fn what_prometheus_sends_is_understood() {
    let accept = format!(
        "{PROTO};q=0.6,application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,\
         application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,\
         text/plain;version=0.0.4;q=0.2,*/*;q=0.1"
    );
    let proto = "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; \
                 encoding=delimited; escaping=underscores";
    check_scrape(&accept, proto);
    let (_, without_proto) = accept.split_once(',').unwrap();
    check_scrape(
        without_proto,
        "text/plain; version=0.0.4; charset=utf-8; escaping=allow-utf-8",
    );
}

#[test]
fn gzip_must_be_preferred_to_nothing() {
    for lines in [
        &["gzip"][..],
        &["gzip, deflate, br"],
        &["br", "gzip"],
        &["identity;q=0.5,gzip;q=1.0"],
        &["*;q=0.5, gzip"],
        &["gzip;q=0.001"],
        &["gzip ; q=0.5 , x;y=1, identity"],
    ] {
        check_compression(lines, Compression::Gzip);
    }
    for lines in [
        &[][..],
        &[""],
        &["*"],
        &["identity"],
        &["gzip, identity"],
        &["gzip;q=0.5, identity;q=0.5"],
        &["gzip;q=0"],
        &["*;q=0"],
        &["zstd, br, deflate, x-gzip"],
        &["GZIP"],
        &["gzip;x=1"],
        &["gzip;q=2"],
        &["gzip;q="],
        &["x;y=1, gzip"],
        &["gzip/1"],
    ] {
        check_compression(lines, Compression::Identity);
    }
}
