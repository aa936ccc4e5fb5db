//! `node-setup explain`: a page, or a list of all pages.

use crate::explain::{Explanation, find, nearest, pages};
use crate::report::{PageReport, Report};
use crate::{Error, Result};

/// Enters the page of `id`, or all of them.
pub(super) fn explain(id: Option<&str>, report: &mut Report) -> Result<()> {
    let entered = |page: &Explanation| PageReport {
        id: page.id.to_owned(),
        kind: page.kind.name().to_owned(),
        title: page.title.to_owned(),
        text: id.map(|_| page.text.to_owned()),
    };
    report.pages = match id {
        None => pages().iter().map(entered).collect(),
        Some(id) => vec![entered(&find(id).ok_or_else(|| unknown(id))?)],
    };
    Ok(())
}

fn unknown(id: &str) -> Error {
    Error::Config {
        origin: "explain".to_owned(),
        problem: format!("there is no page on {id}"),
        help: nearest(id).map_or_else(
            || "node-setup explain lists all pages".to_owned(),
            |near| format!("did you mean {near}?"),
        ),
    }
}
