//! The digests that are known: docker's static archives by version and architecture.
//!
//! They are what makes `--docker-version` enough: an archive from the network must
//! have a digest that did not come from the same place as the archive.

use std::fmt;
use std::str::FromStr;

use crate::digest::Digest;
use crate::version::Version;

/// Version, architecture, sha256 and source in tab-separated columns, and their provenance.
const FIGURES: &str = include_str!("docker-static-sha256.tsv");

/// Where docker publishes its static archives.
const OFFICIAL: &str = "https://download.docker.com/linux/static/stable";

/// The last version whose archives have `-ce` in their names.
const LAST_CE: Version = Version::new(18, 6, u16::MAX);

/// An architecture that docker publishes static archives for and we run on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Arch {
    /// Intel and AMD, 64 bit.
    X86_64,
    /// ARM, 64 bit.
    Aarch64,
}

impl FromStr for Arch {
    type Err = String;

    /// From what `uname -m` says.
    fn from_str(machine: &str) -> Result<Self, String> {
        match machine {
            "x86_64" => Ok(Self::X86_64),
            "aarch64" => Ok(Self::Aarch64),
            _ => Err(format!("there are no archives for the architecture '{machine}'")),
        }
    }
}

impl fmt::Display for Arch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::X86_64 => "x86_64",
            Self::Aarch64 => "aarch64",
        })
    }
}

/// The digest of the archive of `version` for `arch`.
pub fn lookup(version: Version, arch: Arch) -> Option<Digest> {
    figures().find(|figure| figure.version == version && figure.arch == arch)?.sha256.parse().ok()
}

/// The newest version that is known for `arch`.
pub fn newest(arch: Arch) -> Option<Version> {
    figures().filter(|figure| figure.arch == arch).map(|figure| figure.version).max()
}

/// All versions that are known for any architecture, oldest first.
pub fn versions() -> Vec<Version> {
    let mut versions: Vec<_> = figures().map(|figure| figure.version).collect();
    versions.sort();
    versions.dedup();
    versions
}

/// What docker calls the archive of `version`.
pub fn archive_name(version: Version) -> String {
    let edition = if version <= LAST_CE { "-ce" } else { "" };
    format!("docker-{version}{edition}.tgz")
}

/// Where docker publishes the archive of `version` for `arch`.
pub fn official_url(version: Version, arch: Arch) -> String {
    format!("{OFFICIAL}/{arch}/{}", archive_name(version))
}

struct Figure {
    version: Version,
    arch: Arch,
    sha256: &'static str,
}

fn figures() -> impl Iterator<Item = Figure> {
    FIGURES.lines().filter(|line| !line.starts_with('#')).filter_map(figure)
}

fn figure(line: &'static str) -> Option<Figure> {
    let mut columns = line.split('\t');
    let version = columns.next()?.parse().ok()?;
    let arch = columns.next()?.parse().ok()?;
    Some(Figure { version, arch, sha256: columns.next()? })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_line_is_a_figure_of_its_own() {
        let lines = FIGURES.lines().filter(|line| !line.starts_with('#')).count();
        let figures: Vec<_> = figures().collect();
        assert_eq!(figures.len(), lines);
        assert_eq!(lines, 188);
        let mut digests = HashSet::new();
        for Figure { version, arch, sha256 } in figures {
            assert!(sha256.parse::<Digest>().is_ok(), "{version} {arch}");
            assert!(digests.insert(sha256), "{version} {arch}");
            assert_eq!(lookup(version, arch).map(|digest| digest.to_string()).as_deref(), Some(sha256));
        }
    }

    #[test]
    fn known_figures_are_found_and_others_are_not() {
        let known = "ea90cfd12e1eeb12aa1c971741adb8bd4ed88e2a574eaac13f5029a1dbc6300d";
        let found = lookup(Version::new(28, 5, 2), Arch::X86_64);
        assert_eq!(found.map(|digest| digest.to_string()).as_deref(), Some(known));
        assert_eq!(lookup(Version::new(17, 3, 0), Arch::Aarch64), None);
        assert_eq!(lookup(Version::new(1, 13, 1), Arch::X86_64), None);
    }

    #[test]
    fn the_newest_is_the_last_of_all() {
        for arch in [Arch::X86_64, Arch::Aarch64] {
            assert_eq!(newest(arch), Some(Version::new(28, 5, 2)));
        }
        assert_eq!(versions().first(), Some(&Version::new(17, 3, 0)));
        assert_eq!(versions().last(), Some(&Version::new(28, 5, 2)));
    }

    #[test]
    fn official_urls_carry_the_edition_up_to_18_06() {
        for (version, arch, end) in [
            (Version::new(17, 3, 0), Arch::X86_64, "x86_64/docker-17.03.0-ce.tgz"),
            (Version::new(18, 6, 3), Arch::Aarch64, "aarch64/docker-18.06.3-ce.tgz"),
            (Version::new(18, 9, 0), Arch::X86_64, "x86_64/docker-18.09.0.tgz"),
            (Version::new(28, 5, 2), Arch::Aarch64, "aarch64/docker-28.5.2.tgz"),
        ] {
            assert_eq!(official_url(version, arch), format!("{OFFICIAL}/{end}"));
        }
    }
}
