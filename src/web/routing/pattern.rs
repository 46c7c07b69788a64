//! Which paths a route takes, and which it nearly takes.

/// Which decoded paths a route takes.
#[derive(Clone, Debug)]
pub(in crate::web) enum Pattern {
    /// This path.
    Exact(String),
    /// All paths that begin so; ends with a slash.
    Under(String),
    /// A path that ends with `/job`, followed by `/<job>…` or `@base64/<job>…`.
    Group(String),
}

impl Pattern {
    /// What the pattern leaves open of a path that it takes.
    pub(super) fn matches<'a>(&self, path: &'a [u8]) -> Option<&'a [u8]> {
        match self {
            Self::Exact(exact) => (path == exact.as_bytes()).then_some(&[]),
            Self::Under(root) => path.strip_prefix(root.as_bytes()),
            Self::Group(root) => {
                let after_job = path.strip_prefix(root.as_bytes())?;
                let job = after_job.strip_prefix(b"@base64").unwrap_or(after_job);
                (job.starts_with(b"/") && job.len() > 1).then_some(after_job)
            }
        }
    }

    /// The path with one trailing slash more or less that a client surely meant.
    pub(super) fn without_slash_mistake(&self, path: &[u8]) -> Option<Vec<u8>> {
        let lacks_slash = |meant: &str| meant.as_bytes().strip_suffix(b"/") == Some(path);
        let has_slash_too_much = |meant: &str| path.strip_suffix(b"/") == Some(meant.as_bytes());
        match self {
            Self::Exact(meant) if lacks_slash(meant) || has_slash_too_much(meant) => Some(meant),
            Self::Under(meant) if lacks_slash(meant) => Some(meant),
            // Leads to a path that does not exist either, but this is what upstream answers.
            Self::Group(meant) if has_slash_too_much(meant) => Some(meant),
            _ => None,
        }
        .map(|meant| meant.as_bytes().to_vec())
    }

    /// The path that a client meant which got the letter case of the fixed parts wrong.
    pub(super) fn without_case_mistake(&self, path: &[u8]) -> Option<Vec<u8>> {
        let (meant, rest) = match self {
            Self::Exact(meant) => {
                let bare = |path: &[u8]| path.strip_suffix(b"/").unwrap_or(path).to_vec();
                let is_meant = bare(path).eq_ignore_ascii_case(&bare(meant.as_bytes()));
                return is_meant.then(|| meant.as_bytes().to_vec());
            }
            Self::Under(meant) => {
                let bare = &meant.as_bytes()[..meant.len() - 1];
                if path.eq_ignore_ascii_case(bare) {
                    return Some(meant.as_bytes().to_vec());
                }
                (meant, strip_prefix_in_any_case(path, meant.as_bytes())?)
            }
            Self::Group(meant) => (meant, strip_prefix_in_any_case(path, meant.as_bytes())?),
        };
        let mut fixed = meant.as_bytes().to_vec();
        let rest = match strip_prefix_in_any_case(rest, b"@base64/") {
            Some(rest) if matches!(self, Self::Group(_)) => {
                fixed.extend_from_slice(b"@base64/");
                rest
            }
            _ => rest,
        };
        fixed.extend_from_slice(rest);
        self.matches(&fixed).is_some().then_some(fixed)
    }
}

fn strip_prefix_in_any_case<'a>(path: &'a [u8], prefix: &[u8]) -> Option<&'a [u8]> {
    let (start, rest) = path.split_at_checked(prefix.len())?;
    start.eq_ignore_ascii_case(prefix).then_some(rest)
}
