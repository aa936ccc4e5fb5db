//! What an upgrade does to the containers that run, said before it is done.
//!
//! docker itself promises live-restore between patch releases only. What was seen
//! is in `docs/upgrade.md`, with figures.

use crate::version::Version;

/// The oldest and the newest between which containers were seen to run on.
const SEEN: (Version, Version) = (Version::new(20, 10, 0), Version::new(28, 5, 2));

/// Until here containers belong to shims that docker 23 and later cannot talk to.
const SHIM_V2: Version = Version::new(20, 10, 0);

/// What becomes of running containers when docker of one version takes over from another's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// They run on.
    RunOn,
    /// They run on, but for those under shims of a newer containerd, which start again.
    Divided,
    /// They should run on; nobody has looked.
    Unseen,
    /// The old docker stops them, and the new one starts those that have a restart policy.
    Restarted,
    /// The new docker does not know them any more.
    Orphaned,
}

/// Of the containers of `from`, when it has `live_restore`.
pub fn fate(from: Version, to: Version, live_restore: bool) -> Fate {
    if !live_restore {
        Fate::Restarted
    } else if from < SHIM_V2 && to >= Version::new(23, 0, 0) {
        Fate::Orphaned
    } else if from >= SEEN.0 && to <= SEEN.1 && from <= to {
        Fate::RunOn
    } else if from > to && to >= SEEN.0 && from <= SEEN.1 {
        Fate::Divided
    } else {
        Fate::Unseen
    }
}

/// What is said before docker of one version takes over these containers from another's.
pub fn announcement(from: Version, to: Version, live_restore: bool, containers: &[String]) -> String {
    let number = match containers.len() {
        1 => "1 container".to_owned(),
        number => format!("{number} containers"),
    };
    let change = format!("docker {from} is replaced by {to} under {number}");
    match fate(from, to, live_restore) {
        Fate::RunOn => {
            format!("{change}: they run on, and keep their addresses; docker itself is away for seconds")
        }
        Fate::Divided => format!(
            "{change}: those that run under a newer containerd are stopped, and start again if they have a \
             restart policy; the others run on"
        ),
        Fate::Unseen => format!(
            "{change}: live-restore should keep them running, but between these versions nobody has looked; \
             to be sure, drain the node first"
        ),
        Fate::Restarted => format!(
            "{change}: live-restore is off, so they are stopped, and those with a restart policy start again"
        ),
        Fate::Orphaned => {
            format!("{change}: {to} cannot take them over from {from}; drain the node first, or stop them")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_becomes_of_containers() {
        for (from, to, live_restore, wanted) in [
            ("20.10.24", "26.1.5", true, Fate::RunOn),
            ("26.1.5", "28.5.2", true, Fate::RunOn),
            ("20.10.5", "28.5.2", true, Fate::RunOn),
            ("28.5.2", "29.0.0", true, Fate::Unseen),
            ("28.5.2", "26.1.5", true, Fate::Divided),
            ("19.03.15", "20.10.24", true, Fate::Unseen),
            ("19.03.15", "23.0.0", true, Fate::Orphaned),
            ("20.10.24", "26.1.5", false, Fate::Restarted),
        ] {
            let found = fate(from.parse().unwrap(), to.parse().unwrap(), live_restore);
            assert_eq!(found, wanted, "{from} {to} {live_restore}");
        }
    }
}
