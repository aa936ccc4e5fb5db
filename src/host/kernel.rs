//! The running kernel: its modules and parameters.
#![expect(clippy::disallowed_methods, reason = "a kernel parameter is set by writing its file")]

use std::collections::BTreeMap;
use std::ffi::CString;
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::kmod::{DeleteModuleFlags, delete_module};

use super::exec::Program;
use super::files::is_nothing;
use super::root::live;
use crate::read;
use crate::sysctl::dotted;
use crate::{Error, Result};

/// The door to `/proc/sys`, `/sys/module`, `modprobe` and the calls that take modules out.
#[derive(Debug)]
pub struct Kernel<'a> {
    pub(super) runtime: &'a tokio::runtime::Runtime,
}

/// How this kernel has a module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Availability {
    /// Part of the kernel's image.
    BuiltIn,
    /// A file that can be loaded, or that was.
    Loadable,
    /// Not at all.
    Missing,
}

/// What depmod says of modules that can be loaded, and the kernel's build of those in its image.
const INDEXES: [&str; 2] = ["modules.dep", "modules.builtin"];

/// Where kernels have their modules, one directory a release.
const MODULES: &str = "/lib/modules";

/// What shows that a module is there when `/sys/module` does not: built-in
/// modules without parameters have no directory, and a container may have no `/sys`.
const EVIDENCE: &[(&str, &str)] = &[
    ("br_netfilter", "/proc/sys/net/bridge/bridge-nf-call-iptables"),
    ("nf_conntrack", "/proc/sys/net/netfilter/nf_conntrack_max"),
    ("ip_vs", "/proc/net/ip_vs"),
];

impl Kernel<'_> {
    /// Whether the module is in the kernel now.
    pub fn has_module(&self, name: &str) -> Result<bool> {
        let evidence = EVIDENCE.iter().filter(|(module, _)| *module == name).map(|(_, path)| path.into());
        let paths = std::iter::once(Path::new("/sys/module").join(name)).chain(evidence);
        Ok(any_is_there(paths)? || (name == "overlay" && knows_filesystem("overlay")?))
    }

    /// How the kernel has each of `names`, from the index that depmod made.
    pub fn availability(&self, names: &[&str]) -> Result<BTreeMap<String, Availability>> {
        let Indexes { loadable, built_in } = indexes(&module_directory())?.unwrap_or_default();
        let judge = |name: &str| {
            Ok(if lists(&loadable, name) {
                Availability::Loadable
            } else if lists(&built_in, name) || self.has_module(name)? {
                Availability::BuiltIn
            } else {
                Availability::Missing
            })
        };
        names.iter().map(|name| Ok(((*name).to_owned(), judge(name)?))).collect()
    }

    /// Whether it is known which modules the running kernel has.
    pub fn has_index(&self) -> Result<bool> {
        any_is_there(INDEXES.map(|file| module_directory().join(file)))
    }

    /// How the kernels that are installed have each of `names`: by the best of them, for one of them
    /// will be booted. None where none is installed.
    pub fn installed_availability(&self, names: &[&str]) -> Result<Option<BTreeMap<String, Availability>>> {
        let all = installed(Path::new(MODULES))?;
        let best = || names.iter().map(|name| ((*name).to_owned(), best_of(&all, name))).collect();
        Ok((!all.is_empty()).then(best))
    }

    /// Loads a module and what it depends on.
    pub fn load_module(&self, name: &str) -> Result<()> {
        live("the kernel's modules")?;
        Program::new("modprobe").args(["--", name]).run(self.runtime).map(drop)
    }

    /// Whether a module that is in the kernel cannot be taken out: something uses it, another module or a rule
    /// of somebody's, or it is part of the image.
    pub fn is_module_used(&self, name: &str) -> Result<bool> {
        is_used(Path::new("/sys/module"), name)
    }

    /// Takes a module out, and nothing else: what it depends on may have been there before it. One that
    /// something uses by now stays.
    pub fn unload_module(&self, name: &str) -> Result<()> {
        live("the kernel's modules")?;
        let path = || Path::new("/sys/module").join(name);
        let c_name = CString::new(name).map_err(|error| Error::io("unload", path())(error.into()))?;
        match delete_module(&c_name, DeleteModuleFlags::O_NONBLOCK) {
            // What uses it is told of EWOULDBLOCK (delete_module(2)).
            Ok(()) | Err(Errno::ENOENT | Errno::EWOULDBLOCK) => Ok(()),
            Err(errno) => Err(Error::io("unload", path())(errno.into())),
        }
    }

    /// The value of a parameter, `None` if this kernel has no such key.
    pub fn sysctl(&self, key: &str) -> Result<Option<String>> {
        live("a sysctl value")?;
        let path = sysctl_path(key);
        match read::of_kernel(&path) {
            Ok(value) => Ok(Some(value)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::io("read", path)(error)),
        }
    }

    /// Whether nobody may set it: the kernel shows some parameters of its own to containers so.
    pub fn is_fixed(&self, key: &str) -> bool {
        fs::metadata(sysctl_path(key)).is_ok_and(|file| file.mode() & 0o222 == 0)
    }

    /// Sets a parameter until the next boot.
    pub fn set_sysctl(&self, key: &str, value: &str) -> Result<()> {
        live("a sysctl value")?;
        let path = sysctl_path(key);
        fs::OpenOptions::new()
            .write(true)
            .open(&path)
            .and_then(|mut file| file.write_all(value.as_bytes()))
            .map_err(Error::io("set", path))
    }
}

/// By the count of its users, which only modules have that can be taken out.
fn is_used(modules: &Path, name: &str) -> Result<bool> {
    let path = modules.join(name).join("refcnt");
    match read::of_kernel(&path) {
        Ok(count) => Ok(count.trim() != "0"),
        Err(error) if is_nothing(&error) => Ok(true),
        Err(error) => Err(Error::io("read", path)(error)),
    }
}

/// In a key, dots separate and a slash is a dot of a name (sysctl.d(5)).
fn sysctl_path(key: &str) -> PathBuf {
    let swap = |c| match c {
        '.' => '/',
        '/' => '.',
        c => c,
    };
    Path::new("/proc/sys").join(dotted(key).chars().map(swap).collect::<String>())
}

fn knows_filesystem(name: &str) -> Result<bool> {
    let text = read::of_kernel(FILESYSTEMS).map_err(Error::io("read", FILESYSTEMS))?;
    Ok(text.split_whitespace().any(|word| word == name))
}

/// The file systems that the kernel knows now.
const FILESYSTEMS: &str = "/proc/filesystems";

fn module_directory() -> PathBuf {
    let release = nix::sys::utsname::uname().map(|names| names.release().to_owned()).unwrap_or_default();
    Path::new(MODULES).join(release)
}

/// What depmod and the kernel's build say of its modules.
#[derive(Debug, Default)]
struct Indexes {
    loadable: String,
    built_in: String,
}

fn best_of(all: &[Indexes], name: &str) -> Availability {
    if all.iter().any(|indexes| lists(&indexes.loadable, name)) {
        Availability::Loadable
    } else if all.iter().any(|indexes| lists(&indexes.built_in, name)) {
        Availability::BuiltIn
    } else {
        Availability::Missing
    }
}

/// Whether there is anything at one of these paths.
fn any_is_there(paths: impl IntoIterator<Item = PathBuf>) -> Result<bool> {
    for path in paths {
        match path.try_exists() {
            Ok(true) => return Ok(true),
            Err(error) if !is_nothing(&error) => return Err(Error::io("look at", path)(error)),
            _ => {}
        }
    }
    Ok(false)
}

/// What is said of every kernel that has a directory below this one.
fn installed(modules: &Path) -> Result<Vec<Indexes>> {
    let releases = match fs::read_dir(modules) {
        Err(error) if is_nothing(&error) => return Ok(Vec::new()),
        releases => releases.map_err(Error::io("read the directory", modules))?,
    };
    let look = |release: io::Result<fs::DirEntry>| {
        indexes(&release.map_err(Error::io("read the directory", modules))?.path())
    };
    releases.filter_map(|release| look(release).transpose()).collect()
}

/// None where neither is there.
fn indexes(directory: &Path) -> Result<Option<Indexes>> {
    let [loadable, built_in] = INDEXES.map(|file| index(directory.join(file)));
    let (loadable, built_in) = (loadable?, built_in?);
    let is_there = loadable.is_some() || built_in.is_some();
    let indexes =
        || Indexes { loadable: loadable.unwrap_or_default(), built_in: built_in.unwrap_or_default() };
    Ok(is_there.then(indexes))
}

fn index(path: PathBuf) -> Result<Option<String>> {
    match read::text(&path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if is_nothing(&error) => Ok(None),
        Err(error) => Err(Error::io("read", path)(error)),
    }
}

/// Whether an index of module files has `name`: file names may use `-` for `_`.
fn lists(index: &str, name: &str) -> bool {
    index.lines().any(|line| {
        let path = line.split(':').next().unwrap_or(line);
        let file = path.rsplit('/').next().unwrap_or(path);
        file.split_once(".ko").is_some_and(|(stem, _)| stem.replace('-', "_") == name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_paths_as_sysctl_d_has_them() {
        for (key, path) in [
            ("net.ipv4.ip_forward", "/proc/sys/net/ipv4/ip_forward"),
            ("net/ipv4/ip_forward", "/proc/sys/net/ipv4/ip_forward"),
            ("net/ipv4/conf/eth0.1/forwarding", "/proc/sys/net/ipv4/conf/eth0.1/forwarding"),
            ("net.ipv4.conf.eth0/1.forwarding", "/proc/sys/net/ipv4/conf/eth0.1/forwarding"),
        ] {
            assert_eq!(sysctl_path(key), Path::new(path), "{key}");
        }
    }

    #[test]
    fn a_module_is_as_the_best_of_the_kernels_has_it() {
        let kernel = |loadable: &str, built_in: &str| Indexes {
            loadable: loadable.to_owned(),
            built_in: built_in.to_owned(),
        };
        let all = [kernel("a/overlay.ko:\n", "b/ip_vs.ko\n"), kernel("", "a/overlay.ko\nb/ip_vs.ko\n")];
        for (name, best) in [
            ("overlay", Availability::Loadable),
            ("ip_vs", Availability::BuiltIn),
            ("br_netfilter", Availability::Missing),
        ] {
            assert_eq!(best_of(&all, name), best, "{name}");
        }
    }

    #[test]
    fn a_module_is_used_that_has_users_or_that_cannot_be_taken_out() {
        let scratch = tempfile::tempdir().unwrap();
        for (name, count, used) in [
            ("nf_conntrack", Some("4\n"), true),
            ("br_netfilter", Some("0\n"), false),
            ("overlay", None, true),
        ] {
            let module = scratch.path().join(name);
            fs::create_dir(&module).unwrap();
            if let Some(count) = count {
                fs::write(module.join("refcnt"), count).unwrap();
            }
            assert_eq!(is_used(scratch.path(), name).unwrap(), used, "{name}");
        }
        // It cannot be read by anybody.
        fs::create_dir_all(scratch.path().join("ip_vs/refcnt")).unwrap();
        assert!(is_used(scratch.path(), "ip_vs").is_err());
    }

    #[test]
    fn an_index_that_cannot_be_read_is_not_one_that_is_not_there() {
        let scratch = tempfile::tempdir().unwrap();
        let modules = scratch.path().join("modules");
        let directory = modules.join("6.1.0");
        assert!(installed(&modules).unwrap().is_empty(), "no kernel is installed");
        fs::create_dir_all(&directory).unwrap();
        fs::write(modules.join("README"), "").unwrap();
        assert!(installed(&modules).unwrap().is_empty(), "what is there is no kernel's");
        let [loadable, built_in] = INDEXES.map(|file| directory.join(file));
        fs::write(&built_in, "kernel/fs/overlayfs/overlay.ko\n").unwrap();
        let found = installed(&modules).unwrap();
        assert_eq!(best_of(&found, "overlay"), Availability::BuiltIn);
        // It cannot be read by anybody.
        fs::create_dir(&loadable).unwrap();
        for (looked, what) in [(indexes(&directory).map(drop), "one"), (installed(&modules).map(drop), "all")]
        {
            let error = looked.unwrap_err();
            assert_eq!(error.to_string(), format!("cannot read {}", loadable.display()), "{what}");
        }
    }

    #[test]
    fn an_index_lists_a_module_under_either_spelling() {
        let index = "kernel/net/bridge/br_netfilter.ko.xz: kernel/net/bridge/bridge.ko.xz\n\
                     kernel/net/netfilter/ipvs/ip-vs.ko:\nkernel/fs/overlayfs/overlay.ko.zst:\n";
        for (name, listed) in
            [("br_netfilter", true), ("ip_vs", true), ("overlay", true), ("bridge", false), ("over", false)]
        {
            assert_eq!(lists(index, name), listed, "{name}");
        }
    }
}
