//! The codings of an `Accept-Encoding` line, read as the Pushgateway reads them: up to the first mistake.

use super::media_type::is_in_token;

/// Codings and qualities. A coding with a parameter that is no quality ends the line.
pub(super) fn codings(line: &[u8]) -> impl Iterator<Item = (&[u8], f64)> {
    let mut rest = Some(line);
    std::iter::from_fn(move || {
        let line = rest.take()?;
        let end = line.iter().take_while(|&&byte| is_in_coding(byte)).count();
        let (coding, after) = line.split_at(end);
        if coding.is_empty() {
            return None;
        }
        let after = skip_blanks(after);
        let (quality, after) = match after.strip_prefix(b";") {
            None => (1.0, after),
            Some(parameter) => quality(skip_blanks(parameter).strip_prefix(b"q=")?)?,
        };
        rest = skip_blanks(after).strip_prefix(b",").map(skip_blanks);
        Some((coding, quality))
    })
}

fn quality(value: &[u8]) -> Option<(f64, &[u8])> {
    let (whole, rest) = match value {
        [b'0', rest @ ..] => (0.0, rest),
        [b'1', rest @ ..] => (1.0, rest),
        _ => return None,
    };
    let Some(mut rest) = rest.strip_prefix(b".") else {
        return Some((whole, rest));
    };
    let (mut quality, mut place) = (whole, 0.1);
    while let [digit @ b'0'..=b'9', after @ ..] = rest {
        quality += f64::from(digit - b'0') * place;
        place /= 10.0;
        rest = after;
    }
    Some((quality, rest))
}

fn is_in_coding(byte: u8) -> bool {
    byte == b'/' || (is_in_token(byte) && !matches!(byte, b'{' | b'}'))
}

fn skip_blanks(bytes: &[u8]) -> &[u8] {
    bytes.trim_ascii_start()
}
