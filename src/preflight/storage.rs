//! Where binaries, data and state are to be.

use super::kernel::storage_driver;
use super::{Verdict, Verdicts};
use crate::archive::MAX_UNPACKED;
use crate::facts::{Restriction, Role, Survey, Target, Volume};

/// What docker's binaries may take, whoever the archive comes from.
const BINARIES: u64 = MAX_UNPACKED;

/// What docker's data-root must have for a first image.
const DATA: u64 = 1 << 30;

/// Below this many free files, docker's data does not hold a few images.
const FILES: u64 = 50_000;

const ALL: [Role; 5] = [Role::Binaries, Role::Data, Role::Exec, Role::State, Role::System];

/// What is amiss; else that something could not be seen; else that nothing is.
fn or_unseen(survey: &Survey<'_>, amiss: Vec<Verdict>, pass: impl FnOnce() -> String) -> Verdicts {
    match survey.unseen_volume() {
        Some(unseen) if amiss.is_empty() => Verdict::from(unseen).into(),
        _ => Verdicts::or_pass(amiss, pass),
    }
}

/// One finding a file system, not one a directory.
fn once<'s>(
    found: impl Iterator<Item = (&'s Target, &'s Volume)>,
) -> impl Iterator<Item = (&'s Target, &'s Volume)> {
    let mut seen = Vec::new();
    found.filter(move |(_, volume)| {
        let is_new = !seen.contains(&&volume.mount);
        seen.push(&volume.mount);
        is_new
    })
}

pub(super) fn read_only(survey: &Survey<'_>) -> Verdicts {
    let found = once(survey.volumes(&ALL).filter(|(_, volume)| volume.is(Restriction::ReadOnly)));
    let amiss = found.map(|(target, volume)| {
        let found = format!("the file system of {} is mounted read-only", target.path.display());
        let remedy = format!("mount -o remount,rw {}, or choose another directory", volume.mount.display());
        Verdict::fail(found, remedy)
    });
    or_unseen(survey, amiss.collect(), || "all can be written to".to_owned())
}

/// Whoever can change a directory on the way can put programs there that root runs. What only a
/// group can change is often meant so (`/usr/local` of Debian is staff's).
pub(super) fn owners(survey: &Survey<'_>) -> Verdicts {
    let amiss = survey.strangers.iter().map(|(path, stranger)| {
        let found = format!("{stranger}, and leads to {}, which is root's to fill", path.display());
        let judge = if stranger.is_a_group() { Verdict::warn } else { Verdict::fail };
        judge(found, stranger.remedy())
    });
    Verdicts::or_pass(amiss.collect(), || "root alone can change them".to_owned())
}

pub(super) fn no_exec(survey: &Survey<'_>) -> Verdicts {
    let found = survey
        .volumes(&[Role::Binaries])
        .filter(|(_, volume)| volume.is(Restriction::NoExec) && !volume.is(Restriction::ReadOnly));
    let amiss = found.map(|(target, volume)| {
        let found = format!("the file system of {} is mounted noexec", target.path.display());
        let remedy = format!(
            "mount -o remount,exec {}, or choose another directory with --bin-dir",
            volume.mount.display()
        );
        Verdict::fail(found, remedy)
    });
    or_unseen(survey, amiss.collect(), || "binaries may be executed".to_owned())
}

pub(super) fn restricted(survey: &Survey<'_>) -> Verdicts {
    let amiss = survey.volumes(&[Role::Data]).filter_map(|(target, volume)| {
        let options = volume.restrictions.iter().filter(|one| **one != Restriction::ReadOnly);
        let options: Vec<String> = options.map(ToString::to_string).collect();
        (!options.is_empty()).then(|| {
            let (path, options) = (target.path.display(), options.join(", "));
            let found = format!("{path} is mounted {options}, and so are the volumes of containers");
            let remedy = format!("mount -o remount,suid,dev,exec {}", volume.mount.display());
            Verdict::warn(found, remedy)
        })
    });
    or_unseen(survey, amiss.collect(), || "docker's data is not restricted".to_owned())
}

pub(super) fn space(survey: &Survey<'_>) -> Verdicts {
    let wanted = survey.wanted.as_ref().ok();
    if wanted.is_some_and(|wanted| !wanted.installing) {
        return Verdict::skip("nothing is to be unpacked").into();
    }
    let all = needs(survey);
    let amiss = all.iter().filter(|need| need.free < need.bytes).map(|need| {
        let found =
            format!("{} MiB are free for {}, {} are needed", need.free >> 20, need.paths, need.bytes >> 20);
        Verdict::fail(found, "free some, or choose another directory with --bin-dir or --docker-dir")
    });
    let amiss = amiss.collect();
    let least = all.iter().map(|need| need.free >> 20).min().unwrap_or_default();
    or_unseen(survey, amiss, || format!("{least} MiB"))
}

/// What a file system must have, and has.
struct Need {
    id: u64,
    free: u64,
    paths: String,
    bytes: u64,
}

/// One a file system: what is on the same one adds up.
fn needs(survey: &Survey<'_>) -> Vec<Need> {
    let mut all: Vec<Need> = Vec::new();
    // An image has not the size of the disk that it will be on.
    let roles: &[Role] = if survey.is_offline { &[Role::Binaries] } else { &[Role::Binaries, Role::Data] };
    for (target, volume) in survey.volumes(roles) {
        let bytes = if target.role == Role::Binaries { BINARIES } else { DATA };
        if let Some(need) = all.iter_mut().find(|need| need.id == volume.id) {
            need.bytes += bytes;
            need.paths = format!("{} and {}", need.paths, target.path.display());
        } else {
            let paths = target.path.display().to_string();
            all.push(Need { id: volume.id, free: volume.free, paths, bytes });
        }
    }
    all
}

pub(super) fn inodes(survey: &Survey<'_>) -> Verdicts {
    let amiss = survey.volumes(&[Role::Data, Role::Binaries]).filter_map(|(target, volume)| {
        let needed = if target.role == Role::Data { FILES } else { 100 };
        let free = volume.free_files.filter(|free| *free < needed)?;
        let found = format!(
            "{free} more files fit on the file system of {}, {needed} are needed",
            target.path.display()
        );
        let find = format!("find who has so many: df -i {}", volume.mount.display());
        Some(if free < needed / 50 { Verdict::fail(found, find) } else { Verdict::warn(found, find) })
    });
    or_unseen(survey, amiss.collect(), || "enough".to_owned())
}

/// File systems that overlayfs does not take as its upper layer, or that are not local.
const UNFIT: [&str; 10] =
    ["overlay", "nfs", "nfs4", "cifs", "smb3", "9p", "vfat", "exfat", "ecryptfs", "fuse.sshfs"];

pub(super) fn data_filesystem(survey: &Survey<'_>) -> Verdicts {
    let is_told = storage_driver(survey.config).is_some();
    let judge = |(target, volume): (&Target, &Volume)| {
        let (path, kind) = (target.path.display(), volume.kind.as_str());
        if volume.d_type == Some(false) {
            return Some(Verdict::fail(
                format!("{path} is on {kind} without d_type: files that images delete come back"),
                "make it again with d_type (mkfs.xfs -n ftype=1), or choose another directory with --docker-dir",
            ));
        }
        if UNFIT.contains(&kind) && !is_told {
            return Some(Verdict::warn(
                format!(
                    "{path} is on {kind}, which overlay2 does not work on: docker would copy whole images (vfs)"
                ),
                "choose a directory on ext4 or xfs with --docker-dir",
            ));
        }
        (kind == "tmpfs").then(|| {
            let found = format!("{path} is in memory (tmpfs): images and containers are gone after a boot");
            Verdict::warn(found, "choose a directory on a disk with --docker-dir")
        })
    };
    let amiss = survey.volumes(&[Role::Data]).filter_map(judge).collect();
    or_unseen(survey, amiss, || {
        let kinds = survey.volumes(&[Role::Data]).map(|(_, volume)| volume.kind.clone());
        format!("{}, with d_type", kinds.collect::<Vec<_>>().join(", "))
    })
}
