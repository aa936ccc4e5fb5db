//! `node-setup config`.

use std::path::Path;

use super::session::load;
use crate::Result;
use crate::cli::SettingOptions;
use crate::report::Report;

pub(super) fn show(settings: &SettingOptions, report: &mut Report) -> Result<()> {
    report.settings = load(settings)?.effective().into_iter().map(Into::into).collect();
    Ok(())
}

pub(super) fn check(file: Option<&Path>, settings: &SettingOptions, report: &mut Report) -> Result<()> {
    let mut settings = settings.clone();
    if let Some(file) = file {
        settings.config = Some(file.to_owned());
    }
    load(&settings)?;
    let name =
        settings.config.map_or_else(|| "the configuration".to_owned(), |file| file.display().to_string());
    report.notes.push(format!("{name} is valid"));
    Ok(())
}
