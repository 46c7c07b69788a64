//! Which image runs, and which release that is.

use super::Invalid;

/// The image of the gateway's release that this operator belongs to.
pub const DEFAULT_IMAGE: &str = concat!(
    "ghcr.io/pushgateway/pushgateway:",
    env!("CARGO_PKG_VERSION")
);

/// What holds where a spec says nothing.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Defaults {
    /// The image of the gateway, as `repository:tag`.
    pub image: String,
}

impl Default for Defaults {
    fn default() -> Self {
        Self {
            image: DEFAULT_IMAGE.to_owned(),
        }
    }
}

/// A reference to an image, and the tag in it.
pub(super) struct Image {
    pub(super) reference: String,
    pub(super) tag: Option<String>,
}

impl Image {
    /// The image of the spec, or the default one, in the version of the spec if that names one.
    pub(super) fn choose(
        image: Option<String>,
        version: Option<String>,
        defaults: &Defaults,
    ) -> Result<Self, Invalid> {
        if let Some(version) = &version
            && !is_tag(version)
        {
            let message = format!("{version:?} is no tag of an image; write one such as 1.2.3");
            return Err(Invalid::new("spec.version", message));
        }
        let reference = match (image, version) {
            (Some(image), _) => image,
            (None, Some(version)) => format!("{}:{version}", repository(&defaults.image)),
            (None, None) => defaults.image.clone(),
        };
        if reference.is_empty() || reference.contains(char::is_whitespace) {
            let message = format!("{reference:?} is no image; write one as registry/name:tag");
            return Err(Invalid::new("spec.image", message));
        }
        let tag = tag(&reference).map(str::to_owned);
        Ok(Self { reference, tag })
    }
}

fn is_tag(text: &str) -> bool {
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    (1..=128).contains(&text.len()) && text.chars().all(is_part) && !text.starts_with(['.', '-'])
}

/// The reference without its tag and digest.
fn repository(reference: &str) -> &str {
    let name = without_digest(reference);
    match tag(reference) {
        Some(tag) => &name[..name.len() - tag.len() - 1],
        None => name,
    }
}

fn tag(reference: &str) -> Option<&str> {
    // A colon before the last slash is that of a registry's port.
    let last = without_digest(reference).rsplit('/').next()?;
    last.split_once(':').map(|(_, tag)| tag)
}

fn without_digest(reference: &str) -> &str {
    reference.split('@').next().unwrap_or(reference)
}

/// The pull policy that Kubernetes gives to an image by default.
pub(in crate::operator) fn default_pull_policy(reference: &str) -> &'static str {
    let has_digest = reference.contains('@');
    match tag(reference) {
        None | Some("latest") if !has_digest => "Always",
        _ => "IfNotPresent",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(image: Option<&str>, version: Option<&str>, reference: &str, tag: Option<&str>) {
        let defaults = Defaults {
            image: "r.example:5000/a/gateway:1.0.0".to_owned(),
        };
        let (image, version) = (image.map(str::to_owned), version.map(str::to_owned));
        let found = Image::choose(image, version, &defaults).unwrap();
        assert_eq!((&*found.reference, found.tag.as_deref()), (reference, tag));
    }

    #[test]
    fn the_image_wins_over_the_version_and_both_over_the_default() {
        let default = "r.example:5000/a/gateway:1.0.0";
        check(None, None, default, Some("1.0.0"));
        check(None, Some("2"), "r.example:5000/a/gateway:2", Some("2"));
        check(Some("mine:3"), Some("2"), "mine:3", Some("3"));
    }

    #[test]
    fn a_port_and_a_digest_are_no_tags() {
        for reference in ["h:5000/gateway", "gateway", "gateway@sha256:abc"] {
            check(Some(reference), None, reference, None);
        }
        check(Some("g:1@sha256:abc"), None, "g:1@sha256:abc", Some("1"));
    }

    #[test]
    fn only_what_can_move_is_pulled_always() {
        for (reference, policy) in [
            ("gateway", "Always"),
            ("h:5000/gateway:latest", "Always"),
            ("gateway:1", "IfNotPresent"),
            ("gateway@sha256:abc", "IfNotPresent"),
        ] {
            assert_eq!(default_pull_policy(reference), policy, "of {reference}");
        }
    }
}
