//! Who listens on a socket of the file system.

use std::fs;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::FileTypeExt;
use std::path::Path;

use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, SockFlag, SockType, UnixAddr, connect, getsockopt, socket, sockopt::PeerCredentials,
};

use super::root::is_offline;

use crate::read;

/// What is where a socket may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Socket {
    /// Nothing.
    Absent,
    /// A socket that nobody listens on.
    Dead,
    /// A socket that somebody listens on: who, where that can be told.
    Alive(Option<String>),
    /// Something else.
    Obstacle(&'static str),
}

/// Looks, without waiting for whoever listens. In a root that does not run nobody does: what is there
/// would be the machine's.
pub fn socket_at(path: &Path) -> Socket {
    if is_offline() {
        return Socket::Absent;
    }
    let Ok(metadata) = fs::metadata(path) else { return Socket::Absent };
    match metadata.file_type() {
        kind if kind.is_dir() => Socket::Obstacle("a directory"),
        kind if !kind.is_socket() => Socket::Obstacle("a file"),
        _ => match knock(path) {
            Ok(connected) => Socket::Alive(listener(&connected)),
            Err(Errno::ECONNREFUSED | Errno::ENOENT) => Socket::Dead,
            // Too many wait already, or it is not for everybody.
            Err(_) => Socket::Alive(None),
        },
    }
}

fn knock(path: &Path) -> nix::Result<OwnedFd> {
    let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
    let own = socket(AddressFamily::Unix, SockType::Stream, flags, None)?;
    connect(own.as_raw_fd(), &UnixAddr::new(path)?)?;
    Ok(own)
}

/// Its name, process and unit.
fn listener(connected: &OwnedFd) -> Option<String> {
    let pid = getsockopt(connected, PeerCredentials).ok()?.pid();
    let name = read::of_kernel(format!("/proc/{pid}/comm")).ok()?;
    let group = read::of_kernel(format!("/proc/{pid}/cgroup")).unwrap_or_default();
    let unit = unit_in(&group).map(|unit| format!(", {unit}")).unwrap_or_default();
    Some(format!("{}, process {pid}{unit}", name.trim()))
}

/// The service in whose control group a process is.
fn unit_in(cgroup: &str) -> Option<&str> {
    let parts = cgroup.lines().flat_map(|line| line.rsplit('/'));
    parts.map(str::trim).find(|part| part.ends_with(".service"))
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;

    #[test]
    fn who_listens_is_told_and_a_socket_that_was_left_is_dead() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("x.sock");
        assert_eq!(socket_at(&path), Socket::Absent);
        let listening = UnixListener::bind(&path).unwrap();
        let me = format!("process {}", std::process::id());
        assert!(matches!(socket_at(&path), Socket::Alive(Some(who)) if who.contains(&me)));
        drop(listening);
        assert_eq!(socket_at(&path), Socket::Dead);
        assert_eq!(socket_at(scratch.path()), Socket::Obstacle("a directory"));
    }

    #[test]
    fn the_unit_of_a_process_is_in_its_control_group() {
        assert_eq!(unit_in("0::/system.slice/containerd.service\n"), Some("containerd.service"));
        assert_eq!(unit_in("1:name=systemd:/system.slice/a.service/below\n"), Some("a.service"));
        assert_eq!(unit_in("0::/init.scope\n"), None);
    }
}
