//! For which architecture a program is, by its own head (elf(5)).

use std::io::Read;
use std::path::Path;

use crate::read;

/// How much of a program's head says it.
const HEAD: usize = 20;

/// The architecture that the program at `path` is for, if it is one.
pub fn arch_of(path: &Path) -> Option<String> {
    let mut head = [0; HEAD];
    read::open(path).and_then(|mut file| file.read_exact(&mut head)).ok()?;
    arch_in(&head)
}

/// The same, by the first bytes of a program; named as the kernel names machines.
pub fn arch_in(head: &[u8]) -> Option<String> {
    let bytes: [u8; 2] = head.get(18..20)?.try_into().ok()?;
    let machine = match (head.get(..4)?, head.get(5)?) {
        (b"\x7fELF", 1) => u16::from_le_bytes(bytes),
        (b"\x7fELF", 2) => u16::from_be_bytes(bytes),
        _ => return None,
    };
    Some(match machine {
        3 => "i386".to_owned(),
        21 => "ppc64".to_owned(),
        22 => "s390x".to_owned(),
        40 => "arm".to_owned(),
        62 => "x86_64".to_owned(),
        183 => "aarch64".to_owned(),
        243 => "riscv64".to_owned(),
        other => format!("ELF machine {other}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A head with this order of bytes and this machine.
    fn head(order: u8, machine: [u8; 2]) -> Vec<u8> {
        let mut head = b"\x7fELF\x02".to_vec();
        head.push(order);
        head.resize(18, 0);
        head.extend(machine);
        head
    }

    #[test]
    fn a_program_says_what_it_is_for() {
        for (bytes, arch) in [
            (head(1, [62, 0]), Some("x86_64")),
            (head(1, [183, 0]), Some("aarch64")),
            (head(2, [0, 22]), Some("s390x")),
            (head(1, [0, 1]), Some("ELF machine 256")),
            (head(3, [62, 0]), None),
            (head(1, [62, 0])[..19].to_vec(), None),
            (b"#!/bin/sh\n# and more".to_vec(), None),
        ] {
            assert_eq!(arch_in(&bytes).as_deref(), arch, "{bytes:?}");
        }
    }

    #[test]
    fn this_program_is_for_this_machine() {
        assert_eq!(arch_of(Path::new("/proc/self/exe")).as_deref(), Some(std::env::consts::ARCH));
    }
}
