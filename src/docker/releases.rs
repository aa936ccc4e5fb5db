//! What each release of docker brings and needs.
//!
//! API versions from docker's own table (docs.docker.com/reference/api/engine, "API version
//! matrix", with 29.5 as its newest). Which releases are maintained from moby's
//! `project/BRANCHES-AND-TAGS.md` of the same time: 29.x, 28.x and 25.0.

use crate::version::Version;

/// The highest version of the API, from the release on that is named.
const API: [(Version, (u16, u16)); 29] = [
    (Version::new(17, 3, 0), (1, 26)),
    (Version::new(17, 3, 1), (1, 27)),
    (Version::new(17, 4, 0), (1, 28)),
    (Version::new(17, 5, 0), (1, 29)),
    (Version::new(17, 6, 0), (1, 30)),
    (Version::new(17, 7, 0), (1, 31)),
    (Version::new(17, 9, 0), (1, 32)),
    (Version::new(17, 10, 0), (1, 33)),
    (Version::new(17, 11, 0), (1, 34)),
    (Version::new(17, 12, 0), (1, 35)),
    (Version::new(18, 2, 0), (1, 36)),
    (Version::new(18, 3, 0), (1, 37)),
    (Version::new(18, 6, 0), (1, 38)),
    (Version::new(18, 9, 0), (1, 39)),
    (Version::new(19, 3, 0), (1, 40)),
    (Version::new(20, 10, 0), (1, 41)),
    (Version::new(23, 0, 0), (1, 42)),
    (Version::new(24, 0, 0), (1, 43)),
    (Version::new(25, 0, 0), (1, 44)),
    (Version::new(26, 0, 0), (1, 45)),
    (Version::new(27, 0, 0), (1, 46)),
    (Version::new(27, 2, 0), (1, 47)),
    (Version::new(28, 0, 0), (1, 48)),
    (Version::new(28, 1, 0), (1, 49)),
    (Version::new(28, 2, 0), (1, 50)),
    (Version::new(28, 3, 0), (1, 51)),
    (Version::new(29, 0, 0), (1, 52)),
    (Version::new(29, 2, 0), (1, 53)),
    (Version::new(29, 3, 0), (1, 54)),
];

/// The highest version of docker's API that this release speaks, such as 1.41.
pub fn api(version: Version) -> Option<String> {
    let (_, (major, minor)) = API.iter().rev().find(|(since, _)| version >= *since)?;
    Some(format!("{major}.{minor}"))
}

/// Whether nobody mends this release any more.
pub fn is_end_of_life(version: Version) -> bool {
    !matches!((version.major, version.minor), (25, 0) | (28.., _))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_speaks_the_api_of_its_table() {
        for (version, expected, is_old) in [
            ("1.13.1", None, true),
            ("17.03.0", Some("1.26"), true),
            ("17.03.2", Some("1.27"), true),
            ("18.06.3", Some("1.38"), true),
            ("20.10.24", Some("1.41"), true),
            ("25.0.4", Some("1.44"), false),
            ("26.1.4", Some("1.45"), true),
            ("27.1.2", Some("1.46"), true),
            ("27.5.1", Some("1.47"), true),
            ("28.0.4", Some("1.48"), false),
            ("28.5.2", Some("1.51"), false),
            ("29.0.0", Some("1.52"), false),
            ("29.4.1", Some("1.54"), false),
        ] {
            let version: Version = version.parse().unwrap();
            assert_eq!(api(version).as_deref(), expected, "{version}");
            assert_eq!(is_end_of_life(version), is_old, "{version}");
        }
    }
}
