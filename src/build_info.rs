//! What this program was built from.

use std::fmt;

/// What `--version`, the metric `pushgateway_build_info` and the JSON API tell about the program.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct BuildInfo {
    /// The version of the package.
    pub version: &'static str,
    /// The commit.
    pub revision: &'static str,
    /// The branch.
    pub branch: &'static str,
    /// Who built it, as `user@host`.
    pub build_user: &'static str,
    /// When the source was last changed, or what `SOURCE_DATE_EPOCH` said: `20260527-15:00:00`.
    pub build_date: &'static str,
    /// The compiler, which stands where other Prometheus programs tell Go's version.
    pub rustc_version: &'static str,
    /// The operating system by its Go name.
    pub os: &'static str,
    /// The processor architecture by its Go name.
    pub arch: &'static str,
    /// Build tags.
    pub tags: &'static str,
}

/// Of this program; `build.rs` finds it out.
pub const BUILD_INFO: BuildInfo = BuildInfo {
    version: env!("CARGO_PKG_VERSION"),
    revision: env!("PUSHGATEWAY_REVISION"),
    branch: env!("PUSHGATEWAY_BRANCH"),
    build_user: env!("PUSHGATEWAY_BUILD_USER"),
    build_date: env!("PUSHGATEWAY_BUILD_DATE"),
    rustc_version: env!("PUSHGATEWAY_RUSTC_VERSION"),
    os: env!("PUSHGATEWAY_OS"),
    arch: env!("PUSHGATEWAY_ARCH"),
    tags: env!("PUSHGATEWAY_BUILD_TAGS"),
};

impl BuildInfo {
    /// `(version=…, branch=…, revision=…)`, for the first line of the log.
    pub fn version_summary(&self) -> String {
        format!(
            "(version={}, branch={}, revision={})",
            self.version, self.branch, self.revision
        )
    }

    /// `(go=…, platform=…, user=…, date=…, tags=…)`, for the second line of the log.
    pub fn build_context(&self) -> String {
        format!(
            "(go={}, platform={}/{}, user={}, date={}, tags={})",
            self.rustc_version, self.os, self.arch, self.build_user, self.build_date, self.tags
        )
    }
}

impl fmt::Display for BuildInfo {
    /// The six lines of `--version`, without a line end after the last.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            version,
            revision,
            branch,
            build_user,
            build_date,
            rustc_version,
            os,
            arch,
            tags,
        } = self;
        writeln!(
            f,
            "pushgateway, version {version} (branch: {branch}, revision: {revision})"
        )?;
        writeln!(f, "  build user:       {build_user}")?;
        writeln!(f, "  build date:       {build_date}")?;
        writeln!(f, "  go version:       {rustc_version}")?;
        writeln!(f, "  platform:         {os}/{arch}")?;
        write!(f, "  tags:             {tags}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INFO: BuildInfo = BuildInfo {
        version: "1.2.3",
        revision: "abc",
        branch: "HEAD",
        build_user: "me@here",
        build_date: "20260527-15:00:00",
        rustc_version: "rustc 1.95.0",
        os: "linux",
        arch: "amd64",
        tags: "unknown",
    };

    #[test]
    fn prints_six_lines() {
        let lines = "pushgateway, version 1.2.3 (branch: HEAD, revision: abc)\n  \
             build user:       me@here\n  \
             build date:       20260527-15:00:00\n  \
             go version:       rustc 1.95.0\n  \
             platform:         linux/amd64\n  \
             tags:             unknown";
        assert_eq!(INFO.to_string(), lines);
    }

    #[test]
    fn summarises_for_the_log() {
        assert_eq!(
            INFO.version_summary(),
            "(version=1.2.3, branch=HEAD, revision=abc)"
        );
        assert_eq!(
            INFO.build_context(),
            "(go=rustc 1.95.0, platform=linux/amd64, user=me@here, date=20260527-15:00:00, tags=unknown)"
        );
    }

    #[test]
    fn knows_the_compiler_and_the_platform() {
        assert!(BUILD_INFO.rustc_version.starts_with("rustc 1."));
        assert_ne!(BUILD_INFO.arch, "unknown");
    }
}
