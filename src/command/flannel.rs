//! What docker.service and node-setup-flannel.service run: making way and waiting for flannel
//! before docker starts, and putting docker on another subnet when flannel has one.
//!
//! Neither reads any configuration: what they need is on their command lines.

use std::path::Path;
use std::time::Duration;

use crate::change::{Step, Want, Wanted};
use crate::desired::docker_inputs;
use crate::docker::UNIT;
use crate::facts::flannel_files;
use crate::flannel::{DockerOptions, settled};
use crate::host::{Container, Host, Interrupt, Limits};
use crate::lock::Lock;
use crate::report::Journald;
use crate::resource::{Bridge, BridgeState, Readiness, Unit};
use crate::{Error, Result};

use super::session::require_root;

/// How long flannel's files may take from the first write until they are whole.
const WHOLE: Duration = Duration::from_secs(30);

/// Ends what docker would stumble over: containers that run on under a newer docker's shims.
pub(super) fn make_way() -> Result<()> {
    require_root()?;
    end_newer_containers(&Host::new(Limits::default(), Interrupt::default())?);
    Ok(())
}

/// docker starts all the same where that fails.
fn end_newer_containers(host: &Host) {
    let said = match host.end_newer_containers() {
        Ok(0) => return,
        Ok(count) => format!(
            "{count} of the containers that ran on belonged to a newer docker, and this one could not take them over: \
             they are stopped, and those with a restart policy start again"
        ),
        Err(error) => error.in_one_line(),
    };
    if let Some(journald) = Journald::connect() {
        journald.notice(&said);
    }
}

/// Waits, and leaves the options where docker.service reads them next. Makes way before that.
pub(super) fn await_flannel(required: bool, limit: Duration) -> Result<()> {
    require_root()?;
    let interrupt = Interrupt::default();
    interrupt.catch()?;
    let host = Host::new(Limits::default(), interrupt)?;
    end_newer_containers(&host);
    let options = host.await_flannel(required, limit)?;
    host.leave_options(options.as_ref())
}

/// What to do about flannel's options.
#[derive(Debug, PartialEq, Eq)]
enum Move {
    /// docker has them, or there are none, or docker does not run.
    Stay,
    /// Have docker take them.
    Follow,
    /// docker has others, and these containers would lose their network.
    Hold(Vec<String>),
}

fn decide(wanted: Option<&DockerOptions>, running: &Running, bridge: &BridgeState) -> Move {
    let (Some(wanted), Running::With { options, containers }) = (wanted, running) else { return Move::Stay };
    let has_them = options.as_ref().is_some_and(|options| options.means(wanted));
    match containers.as_slice() {
        _ if has_them && *bridge == BridgeState::AsTold => Move::Stay,
        [] => Move::Follow,
        containers => Move::Hold(containers.to_vec()),
    }
}

/// The docker that runs, if one does.
enum Running {
    Nothing,
    With { options: Option<DockerOptions>, containers: Vec<String> },
}

fn look(host: &Host, socket: &Path) -> Result<Running> {
    let Some(arguments) = host.arguments(UNIT)? else { return Ok(Running::Nothing) };
    let options = DockerOptions::of_arguments(arguments.iter().map(String::as_str));
    let running = host.api(socket).running()?;
    let bridged = running.iter().filter(|container| !container.is_on_host_network());
    Ok(Running::With { options, containers: bridged.map(Container::name).map(str::to_owned).collect() })
}

/// Follows flannel until docker has what flannel's files say, or cannot have it.
/// flannel may write again while docker restarts, and no unit tells of that.
pub(super) fn follow(socket: &Path) -> Result<()> {
    require_root()?;
    let interrupt = Interrupt::default();
    interrupt.catch()?;
    let host = Host::new(Limits::default(), interrupt)?;
    let mut last = None;
    loop {
        host.await_flannel(false, WHOLE)?;
        let _lock = Lock::take("docker follow-flannel", true)?;
        // What came while it waited for the lock was only noted.
        host.interrupt().check()?;
        let (options, lease) = flannel_files()?;
        let Ok(wanted) = settled(&options, &lease) else { continue };
        let docker =
            Unit { inputs: docker_inputs(), ready: Readiness::Api(socket.to_owned()), ..Unit::named(UNIT) };
        let bridge = Bridge::new(wanted.as_ref().map(|options| options.bip), docker);
        let state = crate::change::Resource::observe(&bridge, &host)?;
        let told = bridge.net.map(|net| net.to_string()).unwrap_or_default();
        match decide(wanted.as_ref(), &look(&host, socket)?, &state) {
            Move::Stay => return Ok(()),
            Move::Hold(containers) => {
                say(&format!(
                    "flannel's lease is {told}, and docker0 stays {state}: {} would lose their network; \
                     when they may: node-setup docker repair --force",
                    containers.join(", ")
                ));
                return Ok(());
            }
            Move::Follow if last == wanted => return Err(not_taken(&told, &state)),
            Move::Follow => {
                let wanted = Wanted::from(Want { on: bridge, to: BridgeState::AsTold });
                take(&host, &wanted, &told, &state)?;
            }
        }
        last = wanted;
    }
}

/// Also where the bridge has the right address already: docker's other options may
/// be old.
fn take(host: &Host, wanted: &Wanted, told: &str, was: &BridgeState) -> Result<()> {
    match wanted.change(host, &[])? {
        Some(step) => step.apply(host).inspect_err(|_| have_docker_run(host, &step))?,
        None => host.systemd()?.restart(UNIT)?,
    }
    say(&format!("flannel's lease is {told}; docker0 was {was}, and is on it now"));
    Ok(())
}

/// docker is stopped on the way, and whoever is told to end there has it run again.
fn have_docker_run(host: &Host, step: &Step) {
    host.begin_undo();
    if let Err(error) = step.inverse().enforce(host) {
        say(&error.in_one_line());
    }
}

fn not_taken(told: &str, state: &BridgeState) -> Error {
    Error::NotConverged {
        on: "docker".to_owned(),
        wanted: format!("started with flannel's {told}"),
        found: format!("not, and docker0 {state}; a drop-in may set its options"),
    }
}

fn say(message: &str) {
    if let Some(journald) = Journald::connect() {
        journald.notice(message);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(bip: &str) -> DockerOptions {
        let line = format!("--bip={bip} --ip-masq=false --mtu=1450");
        DockerOptions::of_arguments(line.split(' ')).unwrap()
    }

    #[test]
    fn docker_follows_where_nobody_is_hurt() {
        let (old, new) = ("172.30.8.1/21", "172.30.16.1/21");
        let other = || BridgeState::Other(Vec::new());
        for (wanted, running, containers, bridge, wanted_move) in [
            (None, Some(None), 0, BridgeState::AsTold, Move::Stay),
            (Some(new), None, 0, other(), Move::Stay),
            (Some(new), Some(Some(new)), 3, BridgeState::AsTold, Move::Stay),
            (Some(new), Some(Some(new)), 0, other(), Move::Follow),
            (Some(new), Some(Some(old)), 0, other(), Move::Follow),
            (Some(new), Some(None), 0, other(), Move::Follow),
            (Some(new), Some(None), 1, other(), Move::Hold(vec!["pod".to_owned()])),
            (Some(new), Some(Some(old)), 1, BridgeState::AsTold, Move::Hold(vec!["pod".to_owned()])),
        ] {
            let running = match running {
                None => Running::Nothing,
                Some(started) => Running::With {
                    options: started.map(options),
                    containers: vec!["pod".to_owned(); containers],
                },
            };
            assert_eq!(decide(wanted.map(options).as_ref(), &running, &bridge), wanted_move, "{wanted:?}");
        }
    }
}
