//! The manual page: every command and flag from the command line's own
//! definition, and the exit codes and files from its help.

use clap::{Arg, Command};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, italic, roman};

use crate::explain::{Kind, Part, pages, parts, plain};

/// node-setup(8).
pub(super) fn page(mut root: Command) -> String {
    root.build();
    let man = Man::new(root.clone()).section("8").manual("System administration").date("");
    let mut page = Vec::new();
    man.render_title(&mut page).unwrap();
    man.render_name_section(&mut page).unwrap();
    let mut rest = Roff::new();
    synopsis(&mut rest, &root);
    rest.control("SH", ["DESCRIPTION"]).text([roman(DESCRIPTION)]);
    rest.control("SH", ["COMMANDS"]);
    commands(&mut rest, &root);
    rest.control("SH", ["OPTIONS OF EVERY COMMAND"]);
    root.get_arguments().filter(|arg| is_shown(arg)).for_each(|arg| option(&mut rest, arg));
    sections(&mut rest, &root.get_after_long_help().unwrap().to_string());
    explanations(&mut rest);
    rest.control("SH", ["SEE ALSO"]).text([
        bold("dockerd"),
        roman("(8), "),
        bold("systemctl"),
        roman("(1), "),
        bold("sysctl.d"),
        roman("(5), "),
        bold("iptables"),
        roman("(8)"),
    ]);
    rest.to_writer(&mut page).unwrap();
    String::from_utf8(page).unwrap()
}

const DESCRIPTION: &str = "node-setup is run as root on the worker itself. It compares the node with what \
    the configuration wants, makes the changes that are needed in a fixed order, and checks the result. A \
    run that fails puts back what it changed. A second run changes nothing.";

/// What `node-setup explain` says, in the same words.
fn explanations(page: &mut Roff) {
    let pages = pages();
    for kind in Kind::ALL {
        page.control("SH", [kind.heading().to_uppercase().as_str()]);
        for explanation in pages.iter().filter(|page| page.kind == *kind) {
            page.control("SS", [format!("{}: {}", explanation.id, explanation.title).as_str()]);
            let mut is_typed = false;
            for part in parts(explanation.text) {
                let was_typed = std::mem::replace(&mut is_typed, matches!(part, Part::Typed(_)));
                match part {
                    Part::Typed(line) => {
                        page.control(if was_typed { "br" } else { "PP" }, []);
                        page.text([bold(format!("    {line}"))]);
                    }
                    Part::Paragraph(label, text) => {
                        page.control("PP", []);
                        let label = label.map(|label| bold(format!("{label}. ")));
                        page.text(label.into_iter().chain([roman(plain(&text))]).collect::<Vec<_>>());
                    }
                }
            }
        }
    }
}

fn synopsis(page: &mut Roff, root: &Command) {
    page.control("SH", ["SYNOPSIS"]);
    for (number, command) in leaves(root).into_iter().enumerate() {
        if number > 0 {
            page.control("br", []);
        }
        let mut line = vec![bold(command.get_bin_name().unwrap())];
        line.extend(command.get_positionals().map(|arg| italic(format!(" {arg}"))));
        line.push(roman(" [OPTION]..."));
        page.text(line);
    }
}

/// Commands that can be run, without those that only programs run.
fn leaves(command: &Command) -> Vec<&Command> {
    let is_group = command.get_subcommands().next().is_some() && command.is_subcommand_required_set();
    let own = (!is_group).then_some(command);
    let shown = command.get_subcommands().filter(|below| !below.is_hide_set() && below.get_name() != "help");
    own.into_iter().chain(shown.flat_map(leaves)).collect()
}

fn commands(page: &mut Roff, root: &Command) {
    for command in leaves(root) {
        page.control("SS", [command.get_bin_name().unwrap()]);
        page.text([roman(sentence(&command.get_about().unwrap().to_string()))]);
        let told_before = |arg: &Arg| {
            let settings = settings(root).filter(|_| command.get_name() != "docker");
            root.get_arguments().chain(settings).any(|other| other.get_id() == arg.get_id())
        };
        let own = command.get_arguments().filter(|arg| is_shown(arg) && !told_before(arg));
        own.for_each(|arg| option(page, arg));
    }
}

/// The flags that set settings: told once, where they are told first.
fn settings(root: &Command) -> impl Iterator<Item = &Arg> {
    let docker = root.find_subcommand("docker").unwrap();
    docker.get_arguments().filter(|arg| arg.is_global_set())
}

fn is_shown(arg: &Arg) -> bool {
    !arg.is_hide_set() && !matches!(arg.get_id().as_str(), "help" | "version")
}

fn option(page: &mut Roff, arg: &Arg) {
    let names =
        [arg.get_short().map(|short| format!("-{short}")), arg.get_long().map(|long| format!("--{long}"))];
    let names: Vec<String> = names.into_iter().flatten().collect();
    let value = arg.get_value_names().filter(|_| arg.get_action().takes_values());
    let value = value.and_then(<[_]>::first).map(ToString::to_string);
    page.control("TP", []);
    if names.is_empty() {
        page.text([italic(value.unwrap_or_default())]);
    } else {
        let value = value.map(|value| italic(format!(" {value}")));
        page.text([Some(bold(names.join(", "))), value].into_iter().flatten().collect::<Vec<_>>());
    }
    let values: Vec<String> =
        arg.get_possible_values().iter().map(|value| value.get_name().to_owned()).collect();
    page.text([roman(sentence(&arg.get_help().unwrap().to_string()))]);
    if !values.is_empty() && arg.get_action().takes_values() {
        page.text([roman(format!("One of {}.", values.join(", ")))]);
    }
}

fn sentence(text: &str) -> String {
    format!("{}.", text.trim_end_matches('.'))
}

/// `Title:` and its indented lines, each a term and what it means.
fn sections(page: &mut Roff, help: &str) {
    for block in help.split("\n\n") {
        let (title, lines) = block.split_once(":\n").unwrap();
        let title = if title == "Exit codes" { "EXIT STATUS".to_owned() } else { title.to_uppercase() };
        page.control("SH", [title.as_str()]);
        for line in lines.lines().map(str::trim) {
            let (term, meaning) = line.split_once("  ").unwrap_or((line, ""));
            page.control("TP", []).text([bold(term)]);
            if !meaning.is_empty() {
                page.text([roman(meaning.trim())]);
            }
        }
    }
}
