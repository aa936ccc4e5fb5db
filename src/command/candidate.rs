//! Trying what would be installed before anything of it is in place.
//!
//! dockerd itself is the best judge of its configuration, and from 23 on it says
//! so without starting. It is run from the store, beside the other binaries under
//! their own names, because it looks for them in its PATH.

use std::path::{Path, PathBuf};

use crate::change::Step;
use crate::digest::Digest;
use crate::docker::{DAEMON_JSON, validates};
use crate::error::{Id, Refusal};
use crate::host::{Content, Program};
use crate::journal::Installed;
use crate::preflight;
use crate::version::Version;
use crate::{Error, Result, elf};

use super::session::Session;

/// Refuses binaries that do not run or are not what they are said to be, and a
/// daemon.json that this docker would not start with.
pub(super) fn try_out(session: &Session, docker: &Installed, steps: &[Step]) -> Result<()> {
    let is_new = |path: &Path| new_content(steps, path);
    let bin_dir = &session.config.docker.bin_dir;
    let new_binary = docker.members.iter().any(|member| is_new(&bin_dir.join(&member.name)).is_some());
    let new_daemon_json = is_new(Path::new(DAEMON_JSON));
    if !new_binary && new_daemon_json.is_none() {
        return Ok(());
    }
    let bench = Bench::set_up(session, docker)?;
    let tried = bench.try_out(session, docker.version, new_daemon_json);
    bench.clear(session)?;
    tried
}

/// The same without running anything, for a root that does not run: binaries that are for another
/// architecture are refused.
pub(super) fn suits(session: &Session, docker: &Installed, steps: &[Step]) -> Result<()> {
    let store = session.host.files().store();
    for member in &docker.members {
        let target = session.config.docker.bin_dir.join(&member.name);
        let Some(sha256) = new_content(steps, &target) else { continue };
        let Some(Content::Staged(path) | Content::Kept(path) | Content::Copy(path)) =
            store.content(sha256, &target)
        else {
            continue;
        };
        let arch = elf::arch_of(&path);
        if let Some(arch) = arch.filter(|arch| *arch != session.facts.arch) {
            let found = format!(
                "the archive's {} is for {arch}, and this root is {}",
                member.name, session.facts.arch
            );
            let remedy = "give an archive for the architecture of the root".to_owned();
            return Err(Error::Refused(vec![Refusal { id: Id::ARCHIVE_BINARY, found, remedy }]));
        }
    }
    Ok(())
}

/// The digest of what a step puts at `path`.
fn new_content(steps: &[Step], path: &Path) -> Option<Digest> {
    steps.iter().find_map(|step| match step {
        Step::File(change) if change.on.0 == path => change.to.sha256(),
        _ => None,
    })
}

/// The candidate binaries, side by side under their own names.
struct Bench {
    directory: PathBuf,
}

impl Bench {
    fn set_up(session: &Session, docker: &Installed) -> Result<Self> {
        let bin_dir = &session.config.docker.bin_dir;
        let files = session.host.files();
        let directory = files.store().candidate_directory(bin_dir)?;
        for member in &docker.members {
            let target = bin_dir.join(&member.name);
            let name = directory.join(&member.name);
            match files.store().content(member.sha256, &target) {
                Some(Content::Staged(path) | Content::Kept(path) | Content::Copy(path)) => {
                    files.store().show_content(&path, &name)?;
                }
                Some(Content::Bytes(_)) | None => files.store().show_in_place(&target, &name)?,
            }
        }
        Ok(Self { directory })
    }

    fn try_out(&self, session: &Session, version: Version, daemon_json: Option<Digest>) -> Result<()> {
        let dockerd = || Program::new(self.directory.join("dockerd")).search(&self.directory);
        let said = session
            .host
            .run(dockerd().args(["--version"]))
            .map_err(|error| unfit(Id::ARCHIVE_BINARY, &error))?;
        let is_it =
            said.stdout.split_whitespace().any(|word| word.trim_end_matches(',').parse() == Ok(version));
        if !is_it {
            let found =
                format!("the archive is not docker {version}: its dockerd says {}", said.stdout.trim());
            let remedy = "give the right --docker-version, or another archive".to_owned();
            return Err(Error::Refused(vec![Refusal { id: Id::ARCHIVE_VERSION, found, remedy }]));
        }
        if !validates(version) {
            return Ok(());
        }
        let config = self.daemon_json(session, daemon_json)?;
        let options = session.facts.network_options(&session.config).map(|options| options.line);
        let options: Vec<String> =
            options.iter().flat_map(|line| line.split_whitespace()).map(str::to_owned).collect();
        let validate = ["--validate".to_owned(), format!("--config-file={}", config.display())];
        let validated = session.host.run(dockerd().args(validate.into_iter().chain(options)));
        validated.map(drop).map_err(|error| unfit((&preflight::DAEMON_JSON).into(), &error))
    }

    fn daemon_json(&self, session: &Session, new: Option<Digest>) -> Result<PathBuf> {
        let Some(sha256) = new else { return Ok(DAEMON_JSON.into()) };
        let path = self.directory.join("daemon.json");
        let text = session.host.files().kept_text(sha256)?;
        session.host.files().store().write_candidate(&path, text.as_bytes())?;
        Ok(path)
    }

    fn clear(self, session: &Session) -> Result<()> {
        session.host.files().store().clear_candidate(&self.directory)
    }
}

fn unfit(id: Id, error: &Error) -> Error {
    let remedy = match id {
        Id::ARCHIVE_BINARY => "give an archive for this machine's architecture",
        _ => "correct [docker.daemon] or the node's daemon.json",
    };
    Error::Refused(vec![Refusal { id, found: error.in_one_line(), remedy: remedy.to_owned() }])
}
