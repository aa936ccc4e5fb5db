//! Waiting for flannel, and passing its options on to docker.

use std::path::Path;
use std::time::{Duration, Instant};

use super::Host;
use crate::facts::flannel_files;
use crate::flannel::{COMBINED, DockerOptions, FLANNEL_OPTIONS, settled};
use crate::{Error, Result};

/// Where docker.service finds the options when flannel has left only its lease.
pub const DERIVED_OPTIONS: &str = "/run/node-setup/flannel";

/// How often flannel's files are looked at while they are awaited.
const PAUSE: Duration = Duration::from_millis(100);

impl Host {
    /// The options that docker is to be started with, as soon as flannel's files are
    /// whole and say the same; and, if they are `required`, as soon as they are there.
    pub fn await_flannel(&self, required: bool, limit: Duration) -> Result<Option<DockerOptions>> {
        let deadline = Instant::now() + limit;
        loop {
            self.interrupt().check()?;
            let (options, lease) = flannel_files()?;
            let found = settled(&options, &lease);
            match found {
                Ok(options) if options.is_some() || !required => return Ok(options),
                _ if Instant::now() < deadline => self.pause(PAUSE),
                Ok(_) => {
                    return Err(Error::Timeout {
                        what: format!("flannel's lease for docker, in {FLANNEL_OPTIONS},"),
                        after: limit,
                        help:
                            "see: systemctl status flanneld; network.flannel = \"auto\" does not wait for it"
                                .to_owned(),
                    });
                }
                Err(unsettled) => {
                    return Err(Error::Foreign {
                        path: unsettled.path.to_owned(),
                        problem: unsettled.problem,
                        help: "have flanneld write it again: systemctl restart flanneld".to_owned(),
                    });
                }
            }
        }
    }

    /// Leaves options where docker's next start reads them. flannel's own file comes
    /// after this one, and has the last word.
    pub fn leave_options(&self, options: Option<&DockerOptions>) -> Result<()> {
        let line = options.map(|options| format!("{COMBINED}=\"{}\"\n", options.line)).unwrap_or_default();
        self.files().write_state(Path::new(DERIVED_OPTIONS), line.as_bytes())
    }
}
