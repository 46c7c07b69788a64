//! Names and labels.

use super::*;

#[test]
fn reads_metric_names() {
    check(
        Legacy,
        "m:x 1\n_m 1\n",
        "# TYPE m:x untyped\nm:x 1\n# TYPE _m untyped\n_m 1\n",
    );
    check(Legacy, "\"m\" 1\n", "# TYPE m untyped\nm 1\n");
    check(
        Utf8,
        "m 1\nm:x 2\nm 3\nm\"x\" 4\n\"m\" 5\nm{} 6\n",
        "# TYPE m untyped\nm 1\nm 3\nm 5\nm 6\n# TYPE m:x untyped\nm:x 2\n# TYPE mx untyped\nmx 4\n",
    );
    check(
        Utf8,
        "\"m x\" 1\nm x 1\n",
        "line 2: expected float as value, got \"x\"",
    );
    check(Utf8, "\"1\" 1\n1 1\n", "line 2: invalid metric name");
    check(Legacy, "m 1\nm", "line 2: unexpected end of input stream");
    check(Legacy, "1 1\n", "line 1: invalid metric name");
    check(Legacy, "\"\" 1\n", "line 1: invalid metric name");
    check(Legacy, "\u{feff}m 1\n", "line 1: invalid metric name");
    check(
        Legacy,
        "m.x 1\n",
        "line 1: expected float as value, got \".x\"",
    );
    check(Legacy, "\"m.x\" 1\n", "line 1: invalid metric name \"m.x\"");
    check(
        Legacy,
        "ab\"c d\"e 1\n",
        "line 1: invalid metric name \"abc d\"",
    );
    check(
        Legacy,
        "\"m 1\n",
        "line 1: metric name \"m 1\" contains unescaped new-line",
    );
    check(
        Legacy,
        "\"\\x\" 1\n",
        "line 1: invalid escape sequence '\\x'",
    );
    check(
        Utf8,
        "ab\"c d\" 1\n",
        "# TYPE \"abc d\" untyped\n{\"abc d\"} 1\n",
    );
    check(
        Utf8,
        b"\"\xff\" 1\n",
        "line 1: invalid metric name \"\\xff\"",
    );
    check(
        Utf8,
        "\"a\0b\" 1\n",
        "line 1: invalid metric name \"a\\x00b\"",
    );
    check(
        Utf8,
        "\"a\\\"b\\\\c\\nd\" 1\n",
        "# TYPE \"a\\\"b\\\\c\\nd\" untyped\n{\"a\\\"b\\\\c\\nd\"} 1\n",
    );
}

#[test]
fn reads_labels() {
    let check = |labels: &str, outcome: &str| check(Legacy, format!("m{{{labels}}} 1\n"), outcome);
    check("b=\"\",a=\"ü\",", "# TYPE m untyped\nm{b=\"\",a=\"ü\"} 1\n");
    check("\"a\"=\"b\"", "# TYPE m untyped\nm{a=\"b\"} 1\n");
    check(
        "le=\"x\",quantile=\"y\",__x=\"z\"",
        "# TYPE m untyped\nm{le=\"x\",quantile=\"y\",__x=\"z\"} 1\n",
    );
    check(
        "a=\"\\n\\\\\\\"\"",
        "# TYPE m untyped\nm{a=\"\\n\\\\\\\"\"} 1\n",
    );
    check(",", "line 1: invalid label name for metric \"m\"");
    check("a=\"b\",,", "line 1: invalid label name for metric \"m\"");
    check("1a=\"b\"", "line 1: invalid label name for metric \"m\"");
    check("\"\"=\"b\"", "line 1: invalid label name for metric \"m\"");
    check("a", "line 1: expected '=' after label name, found '}'");
    check(
        "a.b=\"b\"",
        "line 1: expected '=' after label name, found '.'",
    );
    check(
        "a:b=\"b\"",
        "line 1: expected '=' after label name, found ':'",
    );
    check(
        "\"a\"x=\"b\"",
        "line 1: expected '=' after label name, found 'x'",
    );
    check(
        "a=b",
        "line 1: expected '\"' at start of label value, found 'b'",
    );
    check(
        "a='b'",
        "line 1: expected '\"' at start of label value, found '\\''",
    );
    check("a=\"b\"c", "line 1: unexpected end of label value \"b\"");
    check(
        "__name__=\"x\"",
        "line 1: label name \"__name__\" is reserved",
    );
    check("\"a.b\"=\"b\"", "line 1: invalid label name \"a.b\"");
    check(
        "a=\"x\",a=\"y\"",
        "line 1: duplicate label names for metric \"m\"",
    );
    check(
        "a=\"x\",\"a\"=y",
        "line 1: duplicate label names for metric \"m\"",
    );
    check("a=\"\\x\"", "line 1: invalid escape sequence '\\x'");
    check("a=\"x\\\n\"", "line 1: invalid escape sequence '\\\n'");
    check(
        "a=\"x\\ny\nz\"",
        "line 1: label value \"x\\ny\" contains unescaped new-line",
    );
    check(
        "\"m\n\"=\"\"",
        "line 1: label name \"m\" contains unescaped new-line",
    );
}

#[test]
fn label_names_and_values_are_utf8_without_nul_in_names() {
    check(
        Utf8,
        "m{\"a b\"=\"c\"} 1\n",
        "# TYPE m untyped\nm{\"a b\"=\"c\"} 1\n",
    );
    check(
        Utf8,
        "m{\"a:b\"=\"c\"} 1\n",
        "# TYPE m untyped\nm{\"a:b\"=\"c\"} 1\n",
    );
    check(
        Utf8,
        b"m{\"\xff\"=\"1\"} 1\n",
        "line 1: invalid label name \"\\xff\"",
    );
    check(
        Utf8,
        "m{\"a\0\"=\"1\"} 1\n",
        "line 1: invalid label name \"a\\x00\"",
    );
    check(
        Legacy,
        b"m{a=\"\xff\"} 1\n",
        "line 1: invalid label value \"\\xff\"",
    );
    check(
        Legacy,
        b"m{a=\"\\n\xff\"} 1\n",
        "line 1: invalid label value \"\\n\\xff\"",
    );
    check(
        Legacy,
        "m{a=\"\0\"} 1\n",
        "# TYPE m untyped\nm{a=\"\0\"} 1\n",
    );
}

#[test]
fn finds_a_duplicate_among_many_labels() {
    let many: Vec<_> = (0..40).map(|at| format!("l{at}=\"v\",")).collect();
    let many = many.concat();
    check(
        Legacy,
        format!("m{{{many}l3=\"v\"}} 1\n"),
        "line 1: duplicate label names for metric \"m\"",
    );
    check(
        Legacy,
        format!("m{{{many}l39=\"v\"}} 1\n"),
        "line 1: duplicate label names for metric \"m\"",
    );
    assert_eq!(
        metrics(&format!("m{{{many}}} 1\nm{{l3=\"v\"}} 1\n")).len(),
        2
    );
}

#[test]
fn borrows_what_has_no_escapes() {
    let metrics = metrics("m{a=\"b\",\"c.d\"=\"e\\n\",f=\"\"} 1\n");
    let is_borrowed = |label: &Label<'_>| {
        let is = |text: &Cow<'_, str>| matches!(text, Cow::Borrowed(_));
        (is(&label.name), is(&label.value))
    };
    let borrowed: Vec<_> = metrics[0].0.iter().map(is_borrowed).collect();
    assert_eq!(borrowed, [(true, true), (true, false), (true, true)]);
}

#[test]
fn reads_metric_names_in_braces() {
    for body in [
        "{\"m\"} 1\n",
        "{\"m\",} 1\n",
        "{\"m\"}1\n",
        "{m} 1\n",
        "{ m , } 1\n",
    ] {
        check(Legacy, body, "# TYPE m untyped\nm 1\n");
    }
    check(
        Legacy,
        "{a=\"b\",\"m\"} 1\n",
        "# TYPE m untyped\nm{a=\"b\"} 1\n",
    );
    check(
        Utf8,
        "{\"a.b\",\"c.d\"=\"e\"} 1\n",
        "# TYPE \"a.b\" untyped\n{\"a.b\",\"c.d\"=\"e\"} 1\n",
    );
    check(
        Legacy,
        "{\"m.x\"} 1\n",
        "line 1: invalid metric name \"m.x\"",
    );
    check(
        Legacy,
        "{\"\"} 1\n",
        "line 1: invalid label name for metric \"\"",
    );
    check(
        Legacy,
        "{\"a\" \"b\"} 1\n",
        "line 1: unexpected end of metric name '\"'",
    );
    check(
        Legacy,
        "{\"m\"\n",
        "line 1: unexpected end of metric name '\\n'",
    );
    check(
        Legacy,
        "{a.b} 1\n",
        "line 1: unexpected end of metric name '.'",
    );
    check(
        Legacy,
        "{a,b} 1\n",
        "line 1: multiple metric names for metric \"a\"",
    );
    check(
        Legacy,
        "{\"__name__\"=\"x\"} 1\n",
        "line 1: label name \"__name__\" is reserved",
    );
    check(
        Utf8,
        "{\"m\n\"} 1\n",
        "line 1: label name \"m\" contains unescaped new-line",
    );
}

#[test]
fn refuses_braces_without_a_metric_name_whatever_line_came_before() {
    for before in ["", "m 1\n", "# TYPE m gauge\n"] {
        for body in ["{} 1\n", "{a=\"b\"} 1\n", "{a=\"b\",}\n"] {
            let line = 1 + before.lines().count();
            let error = format!("line {line}: invalid metric name");
            check(Legacy, format!("{before}{body}"), &error);
        }
    }
}

#[test]
fn a_bucket_position_may_stand_before_the_name_in_braces() {
    let header = "# TYPE h histogram\n";
    let text =
        "# TYPE h histogram\nh_bucket{le=\"1\"} 2\nh_bucket{le=\"+Inf\"} 0\nh_sum 0\nh_count 0\n";
    for body in [
        "{h_bucket,le=\"1\"} 2\n",
        "{le=\"1\",h_bucket} 2\n",
        "{le=\"3\",h_bucket,le=\"1\"} 2\n",
    ] {
        check(Legacy, format!("{header}{body}"), text);
        check(
            Legacy,
            format!("{header}x 1\n{body}"),
            &format!("{text}# TYPE x untyped\nx 1\n"),
        );
    }
    let error = "line 2: expected float as value for 'le' label, got \"x\"";
    check(Legacy, format!("{header}{{le=\"x\",h_bucket}} 2\n"), error);
}

#[test]
fn label_names_of_the_line_before_change_nothing() {
    let outcome = |body: String| match parse(body.as_bytes(), Utf8, LIMITS) {
        Ok(families) => {
            let found = families.iter().find(|family| family.name == "m");
            Ok(format!("{found:?}"))
        }
        Err(ParseError::Syntax { reason, .. }) => Err(reason),
        Err(ParseError::TooLarge(error)) => panic!("{error}"),
    };
    for head in ["", "# TYPE m summary\n", "# TYPE m histogram\n"] {
        for before in [
            "a=\"1\",b=\"2\"",
            "quantile=\"1\",a=\"2\"",
            "le=\"1\",b=\"2\"",
        ] {
            for labels in [
                "",
                ",",
                "a=\"3\",b=\"4\"",
                "a=\"3\",b=\"4\",",
                "a=\"3\" , b=\"4\" ",
                "a =\"3\",b= \"4\"",
                "b=\"3\",a=\"4\"",
                "b=\"3\",b=\"4\"",
                "a=\"3\",a=\"4\"",
                "le=\"3\",le=\"4\"",
                "le=\"x\",b=\"4\"",
                "quantile=\"0.5\",a=\"4\"",
                "quantile=\"0.5",
                "a=\"\\\"\",b=\"\\n\"",
                "a=\"\\x\",b=\"4\"",
                "a=\"3\n\",b=\"4\"",
                "a=\"3\"x,b=\"4\"",
                "a=\"3\"b=\"4\"",
                "a=3,b=\"4\"",
                "ab=\"3\"",
                "a",
                "a,b",
                "\"a\"=\"3\",b=\"4\"",
                "\"le\"=\"3\",b=\"4\"",
            ] {
                let line = format!("m{{{labels}}} 1\n");
                let alone = outcome(format!("{head}{line}"));
                let behind = outcome(format!("{head}before{{{before}}} 0\n{line}"));
                assert_eq!(behind, alone, "{head:?} {before:?} {line:?}");
            }
        }
    }
}

#[test]
fn remembers_few_label_names() {
    let labels: Vec<_> = (0..100).map(|at| format!("l{at}=\"{at}\"")).collect();
    let line = format!("m{{{}}} 1\n", labels.join(","));
    let body = line.repeat(2);
    let metrics = metrics(&body);
    assert_eq!(metrics[0], metrics[1]);
    assert_eq!(metrics[1].0.len(), labels.len());
    let twice = line.replace("l99=", "l98=");
    check(
        Legacy,
        format!("{line}{twice}"),
        "line 2: duplicate label names for metric \"m\"",
    );
}
