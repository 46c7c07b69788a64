//! The clauses of an `Accept` header, cut as the Pushgateway cuts them: at commas, semicolons and equals signs,
//! minding no quotes.

/// A media range with its parameters.
pub(super) struct Clause<'h> {
    kind: &'h [u8],
    subkind: &'h [u8],
    /// What follows the media range.
    parameters: &'h [u8],
}

/// The clauses, the preferred ones first: by quality, then those without wildcards first, then as they were sent.
pub(super) fn by_preference(accept: &[u8]) -> Vec<Clause<'_>> {
    let clauses = accept.split(|&byte| byte == b',');
    let mut clauses: Vec<_> = clauses.filter_map(Clause::parse).collect();
    clauses.sort_by(|a, b| {
        let by_quality = b.quality().total_cmp(&a.quality());
        by_quality.then(a.wildcards().cmp(&b.wildcards()))
    });
    clauses
}

impl<'h> Clause<'h> {
    fn parse(clause: &'h [u8]) -> Option<Self> {
        let (range, parameters) = cut(clause, b';');
        let (kind, subkind) = cut(range, b'/');
        let subkind = match cut(subkind, b'/') {
            (b"", b"") if trim(kind) == b"*" => b"*",
            (b"", b"") => return None,
            (subkind, b"") => subkind,
            (_, _) => return None,
        };
        Some(Self {
            kind: trim(kind),
            subkind: trim(subkind),
            parameters,
        })
    }

    /// Whether it is this media range.
    pub(super) fn is(&self, kind: &str, subkind: &str) -> bool {
        self.kind == kind.as_bytes() && self.subkind == subkind.as_bytes()
    }

    /// The value of a parameter; the last one counts.
    pub(super) fn parameter(&self, name: &str) -> Option<&'h [u8]> {
        self.raw_parameter(name).map(trim)
    }

    fn raw_parameter(&self, name: &str) -> Option<&'h [u8]> {
        let mut parameters = self.parameters.rsplit(|&byte| byte == b';');
        parameters.find_map(|parameter| {
            let (found, value) = cut(parameter, b'=');
            let (value, rest) = cut(value, b'=');
            let is_it = trim(found) == name.as_bytes() && !value.is_empty() && rest.is_empty();
            is_it.then_some(value)
        })
    }

    /// The quality: 1 if there is none, 0 if it is no number.
    fn quality(&self) -> f32 {
        let Some(quality) = self.raw_parameter("q") else {
            return 1.0;
        };
        let quality = std::str::from_utf8(quality)
            .ok()
            .and_then(|text| text.parse().ok());
        quality
            .filter(|quality: &f32| !quality.is_nan())
            .unwrap_or(0.0)
    }

    fn wildcards(&self) -> usize {
        usize::from(self.kind == b"*") + usize::from(self.subkind == b"*")
    }
}

/// What is before and what is behind the first separator.
fn cut(bytes: &[u8], separator: u8) -> (&[u8], &[u8]) {
    match memchr::memchr(separator, bytes) {
        Some(at) => (&bytes[..at], &bytes[at + 1..]),
        None => (bytes, &[]),
    }
}

fn trim(mut bytes: &[u8]) -> &[u8] {
    while let [b' ', rest @ ..] | [rest @ .., b' '] = bytes {
        bytes = rest;
    }
    bytes
}
