//! `SELinux` labels of files.
//!
//! A label is part of what was found at a path, and comes back with it. What is wanted has none of its
//! own: which label belongs to a path the node's policy says (`host/labels.rs`).

use std::fmt;

use serde::{Deserialize, Serialize};

/// A security context, such as `system_u:object_r:bin_t:s0`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Label(pub String);

/// What a policy tells apart at a path, by its own words for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Link,
}

impl Label {
    /// The part by which a policy allows and denies: the third. User, role and range are of who made the
    /// file; restorecon(8) leaves them too.
    pub fn kind(&self) -> &str {
        self.0.split(':').nth(2).unwrap_or(&self.0)
    }
}

impl Class {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::File, Self::Directory, Self::Link];

    /// The policy's word.
    pub fn word(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Directory => "dir",
            Self::Link => "lnk_file",
        }
    }
}

/// Whether two labels are the same as far as both are known.
pub(super) fn agree(one: Option<&Label>, other: Option<&Label>) -> bool {
    one.zip(other).is_none_or(|(one, other)| one.kind() == other.kind())
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_told_apart_by_their_types() {
        let label = |text: &str| Some(Label(text.to_owned()));
        for (one, other, expected) in [
            (label("system_u:object_r:bin_t:s0"), label("system_u:object_r:bin_t:s0"), true),
            (label("system_u:object_r:bin_t:s0"), label("unconfined_u:object_r:bin_t:s0:c1,c2"), true),
            (label("system_u:object_r:bin_t"), label("system_u:object_r:bin_t:s0"), true),
            (label("system_u:object_r:bin_t:s0"), label("system_u:object_r:user_tmp_t:s0"), false),
            (label("_"), label("*"), false),
            (label("system_u:object_r:bin_t:s0"), None, true),
            (None, None, true),
        ] {
            assert_eq!(agree(one.as_ref(), other.as_ref()), expected, "{one:?} {other:?}");
            assert_eq!(agree(other.as_ref(), one.as_ref()), expected, "{other:?} {one:?}");
        }
    }
}
