//! The repositories that `make repo` makes, and a web server for them in a node.
#![allow(clippy::missing_panics_doc, reason = "a repository that cannot be made or served is a failing test")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::job::Job;
use crate::{Node, base, lab, package, process};

/// What README.md calls the server of the repositories.
const ADDRESS: &str = "https://packages.example.com";

/// What their key is called.
const KEY: &str = "tests@node-setup.example";

/// A key that signs nothing.
const ANOTHER_KEY: &str = "another@node-setup.example";

/// Where a node has them, and its web server listens.
pub const SERVED: &str = "/srv/repository";
const SERVER: &str = "http://127.0.0.1";

/// An apt and a yum repository of the binary under test, signed with a key of their own.
#[derive(Debug)]
pub struct Repository {
    dir: PathBuf,
}

impl Repository {
    /// Those of this process, made once; the next process that makes some removes them.
    #[track_caller]
    #[must_use]
    pub fn get() -> &'static Self {
        static MADE: LazyLock<Result<Repository>> = LazyLock::new(Repository::make);
        match &*MADE {
            Ok(made) => made,
            Err(error) => panic!("{error:#}"),
        }
    }

    fn make() -> Result<Self> {
        let all = lab::dir().join("repositories");
        remove_orphans(&all)?;
        let made = Self { dir: all.join(std::process::id().to_string()) };
        let keys = made.dir.join("keys");
        fs::create_dir_all(&keys).with_context(|| format!("cannot create {}", keys.display()))?;
        fs::set_permissions(&keys, fs::Permissions::from_mode(0o700)).context("cannot close the keys")?;
        made.gpg(&["--quick-gen-key", KEY, "rsa3072", "sign", "never"])?;
        made.gpg(&["--quick-gen-key", ANOTHER_KEY, "rsa3072", "sign", "never"])?;
        let another = made.another_key().display().to_string();
        made.gpg(&["--armor", "--output", &another, "--export", ANOTHER_KEY])?;
        package::make("repo", &made.dir, &[format!("KEY={KEY}")], &[("GNUPGHOME", &keys)])?;
        Ok(made)
    }

    fn gpg(&self, args: &[&str]) -> Result<()> {
        let mut gpg = Command::new("gpg");
        gpg.args(["--batch", "--passphrase", ""]).args(args).env("GNUPGHOME", self.dir.join("keys"));
        let output = Job::start(gpg)?.wait(Duration::from_mins(1))?;
        if !output.success() {
            bail!("gpg {} failed: {}", args.join(" "), output.stderr);
        }
        Ok(())
    }

    /// The public half of a key that is not theirs.
    #[must_use]
    pub fn another_key(&self) -> PathBuf {
        self.dir.join("another-key.asc")
    }

    fn tree(&self) -> PathBuf {
        self.dir.join("repository")
    }
}

fn remove_orphans(all: &Path) -> Result<()> {
    let entries = fs::read_dir(all).into_iter().flatten().flatten();
    for entry in entries {
        let pid = entry.file_name().to_str().and_then(|name| name.parse().ok());
        if pid.and_then(process::alive).is_none() {
            lab::remove(&entry.path())?;
        }
    }
    Ok(())
}

impl Node {
    /// Serves the repositories in the node over HTTP, now and at every boot. They are all it can install from: it has no
    /// way to the mirror that it was made from.
    #[track_caller]
    pub fn serve(&self, repository: &Repository) {
        self.put_tree(repository.tree(), SERVED);
        self.write("/etc/systemd/system/web.service", &web_service());
        self.ok("systemctl daemon-reload && systemctl -q enable --now web && rm -f /etc/apt/sources.list");
        self.wait_for("the web server answers", Duration::from_secs(10), || {
            self.sh(&format!("curl -fsS {SERVER}/node-setup.asc")).success()
        });
    }

    /// What the documents say, with the address at which [`Node::serve`] has the repositories.
    #[must_use]
    pub fn served(text: &str) -> String {
        text.replace(ADDRESS, SERVER)
    }
}

fn web_service() -> String {
    format!(
        "[Unit]\nDescription=The repositories\n\n\
         [Service]\nExecStart=/{}/bin/busybox httpd -f -p 127.0.0.1:80 -h {SERVED}\n\n\
         [Install]\nWantedBy=multi-user.target\n",
        base::IMAGE
    )
}
