//! `node-setup docker repair`: the guide's repair of a docker0 that has another
//! address than docker is told. Stop docker, delete docker0, start docker.

use super::docker::{conclude, look_again};
use super::session::{Session, begin, load, locked};
use super::undo::ended;
use crate::change::Want;
use crate::cli::SettingOptions;
use crate::desired::{bridge, socket};
use crate::docker::UNIT;
use crate::error::{Id, Refusal};
use crate::event::{Event, Sink, Sinks};
use crate::flannel::settled;
use crate::host::{Container, is_container};
use crate::journal::{Begin, Journal};
use crate::plan::{Goal, plan};
use crate::preflight;
use crate::report::{ChangeReport, Outcome, Report};
use crate::resource::{Bridge, BridgeState, Hanging};
use crate::run::Run;
use crate::{Error, Result};

/// The command, in journals.
pub(super) const REPAIR: &str = "docker repair";

/// What the next run says that finds one which did not end.
pub(super) const PUT_BACK_FIRST: &str = "an earlier repair did not end; it is put back first";

pub(super) fn repair(
    settings: &SettingOptions,
    force: bool,
    dry_run: bool,
    sinks: Sinks,
    report: &mut Report,
) -> Result<()> {
    let config = load(settings)?;
    let look = |interrupt| Session::begin(config, interrupt);
    locked((REPAIR, settings.wait), sinks, report, look, |session, sink, report| {
        ended(&session.receipt)?;
        refuse(session)?;
        let mut bridge = bridge(&session.config, &session.facts);
        let goal = |bridge: &Bridge| Goal::required(Want { on: bridge.clone(), to: BridgeState::AsTold });
        if plan(&session.host, &[goal(&bridge)], &session.receipt)?.is_empty() {
            sink.event(&Event::Note(&format!("{bridge} has the address that docker is told")));
            return Ok(());
        }
        bridge.hanging = containers(session, force)?;
        if !bridge.hanging.is_empty() {
            let names: Vec<&str> = bridge.hanging.iter().map(|one| one.name.as_str()).collect();
            let names = names.join(", ");
            sink.event(&Event::Note(&format!("stopping containers, and starting them again: {names}")));
        }
        carry_out(session, &[goal(&bridge)], dry_run, sink, report)
    })
}

fn carry_out(
    session: &mut Session,
    goals: &[Goal],
    dry_run: bool,
    sink: &mut dyn Sink,
    report: &mut Report,
) -> Result<()> {
    let planned = plan(&session.host, goals, &session.receipt)?;
    if dry_run {
        report.changes = planned.iter().map(|step| ChangeReport::new(step, &session.host)).collect();
        report.outcome = Outcome::Planned;
        return Ok(());
    }
    let begin = Begin {
        docker: session.receipt.docker().cloned(),
        daemon_keys: session.receipt.daemon_keys().into_iter().map(str::to_owned).collect(),
        ..begin(REPAIR)
    };
    let journal = Journal::begin(&session.host.journals(), begin, None, &planned)?;
    let run = Run { host: &session.host, receipt: &session.receipt, journal, sink };
    let ending = run.reach(goals, &planned);
    if conclude(&session.host, ending, sink, report)
        && let Err(error) = look_again(session, sink, report)
    {
        sink.event(&Event::Note(&error.in_one_line()));
    }
    Ok(())
}

/// docker would start from nothing good.
fn refuse(session: &Session) -> Result<()> {
    let facts = &session.facts;
    if facts.docker.load_state != "loaded" {
        return refused(Id::DOCKER, format!("there is no {UNIT} on this node"), "node-setup docker");
    }
    match settled(&facts.flannel_options, &facts.flannel_lease) {
        Err(unsettled) if session.config.network.flannel != crate::config::Flannel::Off => {
            let found = format!("{}: {}", unsettled.path.display(), unsettled.problem);
            refused(
                (&preflight::FLANNEL_OPTIONS).into(),
                found,
                "have flanneld write it again: systemctl restart flanneld",
            )
        }
        _ => Ok(()),
    }
}

fn refused<T>(id: Id, found: String, remedy: &str) -> Result<T> {
    Err(Error::Refused(vec![Refusal { id, found, remedy: remedy.to_owned() }]))
}

/// The containers that have to be out of the way, those that were made last first:
/// one may be in the network of another.
fn containers(session: &Session, force: bool) -> Result<Vec<Hanging>> {
    let alive = session.facts.alive.iter().any(|name| is_container(name));
    let running = match session.host.api(&socket(&session.config)).running() {
        Ok(running) => running,
        Err(_) if !alive => Vec::new(),
        Err(error) => {
            let found = format!("containers run, and their docker does not answer: {error}");
            return refused(Id::CONTAINERS, found, "start docker first: systemctl start docker");
        }
    };
    let bridged: Vec<_> = running.into_iter().filter(|one| !one.is_on_host_network()).collect();
    if !force && !bridged.is_empty() {
        let names: Vec<&str> = bridged.iter().map(Container::name).collect();
        let found = format!("containers run on docker's bridges: {}", names.join(", "));
        let remedy = "drain the node, or stop them; --force stops them, and starts them again afterwards";
        return refused(Id::CONTAINERS, found, remedy);
    }
    Ok(bridged.into_iter().map(Hanging::from).collect())
}
