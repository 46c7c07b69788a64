//! What stands between braces in lines of the text format: just enough of a parser to rewrite the lines.

/// A line `{"name",label="value"} 1` in parts.
struct Braces<'a> {
    /// As written; absent if there are labels alone.
    name: Option<&'a str>,
    /// As written, from name to value.
    labels: Vec<&'a str>,
    /// What is behind the closing brace.
    rest: &'a str,
}

/// The body with each metric name that stands within braces before them, where it means the same. A line in
/// braces without a name becomes one without a name outside of them.
pub(super) fn with_names_outside(body: &str) -> String {
    let rewrite = |line: &str| match parse(line) {
        Some(Braces {
            name: Some(name),
            labels,
            rest,
        }) => {
            format!("{name}{{{}}}{rest}", labels.join(","))
        }
        Some(Braces {
            name: None, rest, ..
        }) => format!("-{rest}"),
        None => line.to_owned(),
    };
    body.split_inclusive('\n').map(rewrite).collect()
}

/// The body with a semicolon, which is as bad, instead of each colon in the name of a label.
pub(super) fn without_colons_in_label_names(body: &str) -> String {
    let mut rewritten = String::new();
    let mut rest = body;
    while let Some(start) = rest.find('"') {
        let (before, from) = rest.split_at(start);
        // A quote that is never closed stands for itself.
        let quoted = quoted(from).unwrap_or("\"");
        let after = &from[quoted.len()..];
        let is_label_name = skip_blanks(after).starts_with('=');
        rewritten.push_str(before);
        rewritten += &if is_label_name {
            quoted.replace(':', ";")
        } else {
            quoted.to_owned()
        };
        rest = after;
    }
    rewritten + rest
}

/// The names of the labels in a line of a scrape that has no quoted names.
pub(super) fn label_names(line: &str) -> Vec<&str> {
    let Some((_, mut rest)) = line.split_once('{') else {
        return Vec::new();
    };
    let mut names = Vec::new();
    while let Some((name, from)) = rest.split_once('=')
        && let Some(value) = quoted(from)
    {
        names.push(name.trim_start_matches(','));
        rest = &from[value.len()..];
    }
    names
}

/// The parts of a line that begins with a brace; none if it is damaged.
fn parse(line: &str) -> Option<Braces<'_>> {
    let mut rest = skip_blanks(line).strip_prefix('{')?;
    let mut braces = Braces {
        name: None,
        labels: Vec::new(),
        rest,
    };
    loop {
        rest = skip_blanks(rest);
        if let Some(rest) = rest.strip_prefix('}') {
            return Some(Braces { rest, ..braces });
        }
        let from = rest;
        let token = token(rest)?;
        rest = skip_blanks(&rest[token.len()..]);
        if let Some(value) = rest.strip_prefix('=') {
            let value = skip_blanks(value);
            rest = &value[quoted(value)?.len()..];
            braces.labels.push(&from[..from.len() - rest.len()]);
            rest = skip_blanks(rest);
        } else if braces.name.replace(token).is_some() {
            return None;
        }
        match rest.strip_prefix(',') {
            Some(next) => rest = next,
            None if rest.starts_with('}') => {}
            None => return None,
        }
    }
}

/// The name at the start of the text, with its quotes if it has some.
fn token(text: &str) -> Option<&str> {
    let is_bare = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    let bare = text.bytes().take_while(|byte| is_bare(byte)).count();
    let length = bare + quoted(&text[bare..]).map_or(0, str::len);
    let is_name =
        length > 0 && &text[..length] != "\"\"" && !text.starts_with(|c: char| c.is_ascii_digit());
    is_name.then(|| &text[..length])
}

/// The quoted text at the start, with its quotes.
fn quoted(text: &str) -> Option<&str> {
    let mut is_escaped = false;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'"' if at == 0 => {}
            _ if at == 0 => return None,
            b'\n' => return None,
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'"' => return Some(&text[..=at]),
            _ => {}
        }
    }
    None
}

fn skip_blanks(text: &str) -> &str {
    text.trim_start_matches([' ', '\t'])
}

#[test]
fn names_in_braces_come_before_them() {
    let check = |line: &str, rewritten: &str| assert_eq!(with_names_outside(line), rewritten);
    check("{m} 1\n", "m{} 1\n");
    check(
        "m 1\n {\"a\\\"b}\" ,\tl = \"x\",}2",
        "m 1\n\"a\\\"b}\"{l = \"x\"}2",
    );
    check("{l=\"}\",m,k=\"\"} 1\n", "m{l=\"}\",k=\"\"} 1\n");
    check("{l=\"x\"} 1\n{} 2\n", "- 1\n- 2\n");
    for damaged in [
        "{m,n} 1\n",
        "{m l=\"x\"} 1\n",
        "{l=x} 1\n",
        "{\"\"} 1\n",
        "{m",
        "{1}\n",
        "# {m}\n",
    ] {
        check(damaged, damaged);
    }
}

#[test]
fn colons_are_taken_out_of_label_names_alone() {
    let line = "{\"a:b\",\"c:d\" =\"e:f=\",g=\"h:\"} 1\n";
    assert_eq!(
        without_colons_in_label_names(line),
        line.replace("c:d", "c;d")
    );
}

#[test]
fn label_names_of_a_scrape_are_found() {
    assert_eq!(label_names("m{a=\"b,c=\\\"}\",d=\"\"} 1"), ["a", "d"]);
    assert_eq!(label_names("m 1"), [""; 0]);
}
