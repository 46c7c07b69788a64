//! Escaping for HTML.

use std::fmt::{self, Write};

/// Shows text so that it stands for itself in HTML, between tags and in quoted attributes.
#[derive(Debug)]
pub(super) struct Escaped<T>(pub(super) T);

impl<T: fmt::Display> fmt::Display for Escaped<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(Escaping(f), "{}", self.0)
    }
}

struct Escaping<'a, 'b>(&'a mut fmt::Formatter<'b>);

impl Write for Escaping<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for piece in text.split_inclusive(['&', '<', '>', '"', '\'', '\0']) {
            let (plain, special) = match piece.char_indices().next_back() {
                Some((at, c)) => match entity(c) {
                    Some(entity) => (&piece[..at], entity),
                    None => (piece, ""),
                },
                None => ("", ""),
            };
            self.0.write_str(plain)?;
            self.0.write_str(special)?;
        }
        Ok(())
    }
}

/// The entities are those of Go's `html.EscapeString`; HTML has no NUL.
fn entity(c: char) -> Option<&'static str> {
    Some(match c {
        '&' => "&amp;",
        '<' => "&lt;",
        '>' => "&gt;",
        '"' => "&#34;",
        '\'' => "&#39;",
        '\0' => "\u{fffd}",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_what_means_something_in_html() {
        let check = |text: &str, expected: &str| {
            assert_eq!(Escaped(text).to_string(), expected);
        };
        check("", "");
        check("plain ä", "plain ä");
        check(
            "<a href=\"x\">'&\0",
            "&lt;a href=&#34;x&#34;&gt;&#39;&amp;\u{fffd}",
        );
    }
}
