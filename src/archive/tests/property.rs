//! Whatever happens to an archive, the pass neither panics nor lets other bytes through.

use proptest::prelude::*;

use super::{Tar, gzip, read};

/// Something that happens to bytes.
#[derive(Clone, Debug)]
enum Mishap {
    Set(prop::sample::Index, u8),
    Cut(prop::sample::Index),
    Insert(prop::sample::Index, Vec<u8>),
    Remove(prop::sample::Index),
}

fn mishap() -> impl Strategy<Value = Mishap> {
    let anywhere = any::<prop::sample::Index>;
    prop_oneof![
        4 => (anywhere(), any::<u8>()).prop_map(|(at, byte)| Mishap::Set(at, byte)),
        1 => anywhere().prop_map(Mishap::Cut),
        1 => (anywhere(), prop::collection::vec(any::<u8>(), 1..600)).prop_map(|(at, bytes)| Mishap::Insert(at, bytes)),
        1 => anywhere().prop_map(Mishap::Remove),
    ]
}

fn befall(bytes: &mut Vec<u8>, mishap: Mishap) {
    if bytes.is_empty() {
        return;
    }
    match mishap {
        Mishap::Set(at, byte) => *at.get_mut(bytes) = byte,
        Mishap::Cut(at) => bytes.truncate(at.index(bytes.len())),
        Mishap::Insert(at, new) => {
            let at = at.index(bytes.len());
            bytes.splice(at..at, new);
        }
        Mishap::Remove(at) => {
            bytes.remove(at.index(bytes.len()));
        }
    }
}

proptest! {
    #[test]
    fn a_mutated_file_fails_or_holds_the_same(mishaps in prop::collection::vec(mishap(), 1..4)) {
        let mut archive = Tar::docker().tgz();
        let (original, kept) = read(&archive).unwrap();
        for mishap in mishaps {
            befall(&mut archive, mishap);
        }
        if let Ok((contents, same)) = read(&archive) {
            prop_assert_eq!(contents.members, original.members);
            prop_assert_eq!(same, kept);
        }
    }

    /// Behind an intact gzip stream there is no checksum on contents, only on headers.
    #[test]
    fn a_mutated_tar_gives_only_members_that_are_listed(mishaps in prop::collection::vec(mishap(), 1..4)) {
        let mut tar = Tar::docker().end();
        for mishap in mishaps {
            befall(&mut tar, mishap);
        }
        if let Ok((contents, kept)) = read(&gzip(&tar)) {
            prop_assert_eq!(contents.members.len(), kept.files.len());
            for (member, bytes) in kept.files {
                prop_assert_eq!(member.size, bytes.len() as u64);
                prop_assert_eq!(member.sha256, crate::digest::Digest::of(&bytes));
                prop_assert!(contents.members.contains(&member));
            }
        }
    }

    #[test]
    fn any_header_and_any_records_are_read_without_panic(noise in prop::collection::vec(any::<u8>(), 512)) {
        let block = noise.as_slice().try_into().unwrap();
        let _ = crate::archive::header::parse(&block);
        let _ = crate::archive::header::pax(&noise);
    }
}
