//! The catalogue against the source: what people may read is in it, and nothing else is.

use std::collections::BTreeSet;

use clap::{Command, CommandFactory};

use super::catalogue::entries;
use super::help::{complaint, translated};
use super::source::{Text, texts};
use super::*;
use crate::cli::Cli;

/// Files whose texts are in English for everybody.
const ENGLISH: &[(&str, &str)] = &[
    ("cli.rs", "the command line is compared as clap has it, below"),
    ("metrics.rs", "metrics are for Prometheus"),
    ("render.rs", "files on the node are in English"),
    ("redact/scrub.rs", "these are marks in what others wrote"),
    ("report/journald.rs", "the journal is in English"),
    ("lang/", "this room itself"),
];

/// Texts that are no language, or that nobody reads: commands, rules, parts of other programs' output.
const NO_TEXT: &[&str] = &[
    "{} {}",
    "{} {} HTTP/1.0\r\nHost: docker\r\nContent-Length: 0",
    "{}: {}",
    "{}  API {} cgroup {}",
    "{} s",
    "apt-get install iptables, or yum install iptables",
    "-i flannel.1 -o docker0 -j ACCEPT",
    "-i flannel.1 -o docker0",
    "{} -j MARK --set-xmark {}",
    "--mark {}",
    "--bip={} --ip-masq={} --mtu={}",
    "--docker-version {}",
    "chmod go-w {}",
    "chown root {} && {}",
    "mount -o remount,suid,dev,exec {}",
    "ip link set {} mtu {}",
    "docker {}",
    "sysctl {}",
    "hairpin {}",
    "' is incompatible",
    "nft --json list ruleset",
    "JSON support not compiled-in",
    "unrecognized option '--json'",
    "cache initialization failed: Invalid argument",
    "No such file",
    "No files found",
    "[cut here]",
    "{}\n[failed with {}: {}]",
    "firewalld.service, ufw.service, netfilter-persistent.service, iptables.service, ip6tables.service",
];

/// Whether it reads like words, and is not a command to type.
fn is_for_people(text: &Text) -> bool {
    let words = text.text.replace("{}", " ");
    let mut words = words.split(|char: char| !char.is_alphabetic() && char != '\'');
    let has_word =
        words.any(|word| word.len() > 1 && word.chars().all(|char| char.is_lowercase() || char == '\''));
    let is_elsewhere = ENGLISH.iter().any(|(file, _)| text.file.starts_with(file));
    let is_doc = text.file == "config/settings.rs" && text.text.ends_with('.');
    let is_listed = NO_TEXT.contains(&text.text.as_str());
    text.text.contains(' ') && has_word && !is_elsewhere && !is_doc && !is_listed && !is_command(&text.text)
}

/// A line to type, or the name of a command, without a word to whoever types it.
fn is_command(text: &str) -> bool {
    let programs = ["node-setup", "systemctl", "journalctl", "docker", "config"];
    let mut words = text.split(' ');
    let is_name = |word: &str| {
        word.chars().all(|char| char.is_ascii_lowercase() || "-{}".contains(char)) || word == "DIR"
    };
    let is_docker = !text.starts_with("docker ")
        || Cli::command().find_subcommand("docker").is_some_and(|docker| {
            let name = text.trim_start_matches("docker ");
            docker.find_subcommand(name).is_some()
        });
    words.next().is_some_and(|word| programs.contains(&word)) && words.all(is_name) && is_docker
}

/// Whoever adds a text adds it to `src/lang/zh.txt`; whoever changes one changes it there, too.
#[test]
fn every_text_is_in_the_catalogue() {
    let known: BTreeSet<&str> = entries().map(|(from, _)| from).collect();
    let made_of = MADE_OF_OTHERS.iter().copied().collect::<BTreeSet<_>>();
    let missing: BTreeSet<String> = texts()
        .into_iter()
        .filter(is_for_people)
        .filter(|text| !known.contains(text.text.as_str()) && !made_of.contains(text.text.as_str()))
        .map(|text| format!("{}: {}", text.file, text.text))
        .collect();
    assert!(missing.is_empty(), "not in src/lang/zh.txt:\n{}", Vec::from_iter(missing).join("\n"));
}

/// A state is often a single word.
#[test]
fn every_word_of_a_state_is_in_the_catalogue() {
    let known: BTreeSet<&str> = entries().map(|(from, _)| from).collect();
    let is_state = |file: &str| {
        ["resource/", "report/page", "report/looked", "journal.rs"].iter().any(|of| file.starts_with(of))
    };
    let is_word = |text: &str| text.len() > 1 && text.chars().all(|char| char.is_ascii_lowercase());
    let missing: BTreeSet<String> = texts()
        .into_iter()
        .filter(|Text { file, text }| is_state(file) && is_word(text))
        .map(|Text { text, .. }| text)
        .filter(|text| !known.contains(text.as_str()) && !NAMES.contains(&text.as_str()))
        .filter(|text| !COUNTED.contains(&text.as_str()))
        .collect();
    assert!(missing.is_empty(), "not in src/lang/zh.txt: {missing:?}");
    let is_counted = |word: &&&str| {
        ["{} WORD", "{} WORDs"].iter().any(|form| known.contains(form.replace("WORD", word).as_str()))
    };
    assert_eq!(COUNTED.iter().filter(is_counted).count(), COUNTED.len());
}

/// Words that are names.
const NAMES: &[&str] =
    &["dir", "docker", "explain", "filter", "firewalld", "flannel", "metrics", "nat", "sysctl", "ufw"];

/// Words that never stand alone: with a number before them they are in the catalogue.
const COUNTED: &[&str] =
    &["change", "day", "failed", "hour", "minute", "passed", "reason", "second", "skipped", "thing"];

/// What is listed as no text is one that there is.
#[test]
fn nothing_is_listed_that_is_not_there() {
    let texts: BTreeSet<String> = texts().into_iter().map(|text| text.text).collect();
    let listed = NO_TEXT.iter().chain(NAMES).chain(COUNTED).chain(MADE_OF_OTHERS);
    let idle: Vec<_> = listed.filter(|text| !texts.contains(**text)).collect();
    assert!(idle.is_empty(), "{idle:?}");
}

/// Their parts are in the catalogue, each by itself.
const MADE_OF_OTHERS: &[&str] = &[", and by", ", {} could not be had", ", docker {}", "to look at"];

/// An entry is a text of the source or of the command line; or all its words are in those.
#[test]
fn every_entry_is_of_a_text_that_there_is() {
    let mut all: Vec<String> = texts().into_iter().map(|text| text.text).collect();
    all.extend(told(Cli::command()));
    let words = |text: &str| -> Vec<String> {
        let text = text.replace("{}", " ").to_ascii_lowercase();
        let words = text.split(|char: char| !char.is_ascii_alphanumeric());
        words.filter(|word| word.len() > 1).map(|word| word.trim_end_matches('s').to_owned()).collect()
    };
    let of_source: BTreeSet<String> = all.iter().flat_map(|text| words(text)).collect();
    let of_others = |text: &str| OTHERS.iter().any(|part| text.contains(part));
    let dead: Vec<&str> = entries()
        .map(|(from, _)| from)
        .filter(|from| !all.iter().any(|text| text == from) && !of_others(from))
        .filter(|from| from.len() > 60 || words(from).iter().any(|word| !of_source.contains(word)))
        .collect();
    assert!(dead.is_empty(), "in src/lang/zh.txt, and nowhere else:\n{}", dead.join("\n"));
}

/// What is in the texts of clap, and in those of the system, which are their own.
const OTHERS: &[&str] = &[
    "error: ",
    "tip: ",
    "Print ",
    "[possible",
    "[default",
    "[subcommands",
    "Usage:",
    "For more information",
    "Commands",
    "Arguments",
    "Options",
    "(os error {})",
];

#[test]
fn an_entry_has_its_slots_in_both_languages() {
    let mut seen = BTreeSet::new();
    for (from, to) in entries() {
        assert!(!from.starts_with(' ') && !to.is_empty(), "{from}: not a pair");
        assert!(seen.insert(from), "{from}: twice");
        let to = to.replace("=}", "}").replace("#}", "}");
        let slots = from.matches("{}").count();
        let named = (0..slots).filter(|slot| to.contains(&format!("{{{slot}}}"))).count();
        let free = to.matches("{}").count();
        assert!(named == slots && free == 0 || free == slots && named == 0, "{from}: {to}");
        assert!(to.chars().any(super::catalogue::is_chinese) || *to == *from, "{from}: {to} is not Chinese");
        for mark in [", ", "; ", "? "] {
            let is_quoted = to.contains('"') || from.starts_with("a list");
            assert!(is_quoted || !to.contains(mark), "{from}: half-width punctuation in {to}");
        }
    }
}

/// Whatever stands for its slots, an entry is what its own text is taken for.
#[test]
fn no_entry_stands_before_another() {
    let catalogue = Catalogue::chinese();
    let fill = |text: &str| -> String {
        let mut number = 0..;
        let mut filled = String::new();
        let mut rest = text;
        while let Some((before, behind)) = rest.split_once('{') {
            let (slot, behind) = behind.split_once('}').unwrap();
            let slot = slot.trim_end_matches(['=', '#']);
            let slot: usize = slot.parse().unwrap_or_else(|_| number.next().unwrap());
            filled = format!("{filled}{before}7/{slot}/");
            rest = behind;
        }
        filled + rest
    };
    let wrong: Vec<String> = entries()
        .map(|(from, to)| (fill(from), fill(to.trim_start_matches("| "))))
        .filter(|(text, said)| catalogue.say(text) != *said)
        .map(|(text, _)| format!("{text}: {}", catalogue.say(&text)))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What others have named, and what is typed, is said as it is, whatever word it is.
#[test]
fn a_name_is_no_word() {
    let words = ["on", "off", "none", "node", "file", "restart", "remove", "source", "help", "running"];
    let pages = crate::explain::pages();
    let ids = pages.iter().map(|page| page.id);
    for name in words.into_iter().chain(ids) {
        for text in [
            "node-setup explain {} says more",
            "error: unrecognized subcommand '{}'",
            "tip: a similar subcommand exists: '{}'",
            "'{}' is not auto, required or off",
            "did you mean {}?",
            "there is no page on {}",
            "there is no setting {}",
            "there is no preflight check {}",
            "/opt/k8s belongs to {}",
            "stopping the containers {}",
            "in use by {} (process 412), which would lose its rules",
            "nftables chain {} {} {}",
            "the host name is {}, which no two nodes of a cluster can share",
            "Kubernetes does not accept {} as a node's name",
        ] {
            let text = text.replace("{}", name);
            let said = Language::Chinese.say(&text);
            assert!(said != text && said.contains(name), "{text}: {said}");
        }
    }
    for (text, said) in [
        ("cannot read /data/我的 数据/docker.tgz", "无法读取 /data/我的 数据/docker.tgz"),
        ("Job for docker.service failed", "Job for docker.service failed"),
        ("17 passed", "17 项通过"),
        ("a path and another path", "a path and another path"),
    ] {
        assert_eq!(Language::Chinese.say(text), said);
    }
}

/// Every text of the help.
fn told(mut command: Command) -> Vec<String> {
    command.build();
    let mut texts: Vec<String> = Vec::new();
    texts.extend(command.get_about().map(ToString::to_string));
    texts.extend(
        command
            .get_after_long_help()
            .into_iter()
            .flat_map(|text| text.to_string().lines().map(|line| line.trim().to_owned()).collect::<Vec<_>>()),
    );
    for arg in command.get_arguments() {
        texts.extend(arg.get_help().map(ToString::to_string));
        texts.extend(arg.get_help_heading().map(ToString::to_string));
    }
    // The help of `help` is that of the commands once more.
    let below = command.get_subcommands().filter(|below| below.get_name() != "help");
    texts.extend(below.cloned().flat_map(told));
    texts.retain(|text| !text.is_empty());
    texts
}

#[test]
fn the_help_is_in_chinese() {
    let missing: BTreeSet<String> = told(Cli::command())
        .into_iter()
        .filter(|text| Language::Chinese.say(text) == *text && !text.starts_with("/etc/"))
        .collect();
    assert!(missing.is_empty(), "not in src/lang/zh.txt:\n{}", Vec::from_iter(missing).join("\n"));
    let mut command = translated(Cli::command(), Language::Chinese, 100);
    let help = command.find_subcommand_mut("docker").unwrap().render_long_help().to_string();
    for words in ["用法：node-setup docker [OPTIONS]", "\n命令:\n", "\n设置:\n", "[默认值：auto]", "显示帮助"]
    {
        assert!(help.contains(words), "{words}:\n{help}");
    }
    let short = command.find_subcommand_mut("metrics").unwrap().render_help().to_string();
    let wide = |line: &&str| super::columns::columns(line) > 100;
    assert_eq!(help.lines().chain(short.lines()).filter(wide).collect::<Vec<_>>(), Vec::<&str>::new());
    let english = help.lines().filter(|line| is_english(line)).collect::<Vec<_>>();
    assert!(english.is_empty(), "{english:?}");
}

/// Three small words one after the other are a sentence.
fn is_english(line: &str) -> bool {
    let is_small = |word: &str| word.len() > 1 && word.chars().all(|char| char.is_ascii_lowercase());
    let words: Vec<bool> = line.split(' ').map(is_small).collect();
    words.windows(3).any(|words| words.iter().all(|is| *is))
}

#[test]
fn what_is_wrong_with_a_command_line_is_said_in_chinese() {
    for (line, said) in [
        ("docker --frce", "错误：不认识的参数 '--frce'"),
        ("docker plann", "错误：不认识的子命令 'plann'"),
        ("--lang de explain", "错误：'--lang <LANGUAGE>' 的值 'de' 无效"),
        ("docker -q -v", "错误：参数 '--quiet' 不能与 '--verbose' 一起使用"),
        ("docker --timeout", "错误：'--timeout <DURATION>' 需要一个值"),
        ("completions", "错误：缺少下列必需的参数："),
        ("docker --wait --wait", "错误：参数 '--wait' 只能给出一次"),
        ("explain a b", "错误：不认识的参数 'b'"),
        ("config", "把本机变成"),
    ] {
        let words = ["node-setup"].into_iter().chain(line.split(' '));
        let command = translated(Cli::command(), Language::Chinese, 100);
        let error = command.try_get_matches_from(words).unwrap_err();
        let text = complaint(&error.to_string(), Language::Chinese);
        assert!(text.starts_with(said) || line == "config", "{line}: {text}");
        let english: Vec<&str> = text.lines().filter(|line| is_english(line)).collect();
        assert!(english.is_empty(), "{line}: {english:?}");
    }
}

#[test]
fn a_flag_goes_before_the_locale() {
    let line = |text: &str| asked(text.split(' ').map(OsString::from));
    assert_eq!(line("node-setup docker --lang zh"), Some(Language::Chinese));
    assert_eq!(line("node-setup --lang=zh docker --lang=en"), Some(Language::English));
    assert_eq!(line("node-setup docker --lang"), None);
    assert_eq!(line("node-setup docker --lang de"), None);
    assert_eq!(line("node-setup docker --language zh"), None);
}

#[test]
fn the_locale_says_which_language() {
    for (variables, language) in [
        (&[("LANG", "zh_CN.UTF-8")][..], Language::Chinese),
        (&[("LANG", "zh_CN.utf8")], Language::Chinese),
        (&[("LANG", "zh_SG.UTF-8")], Language::Chinese),
        (&[("LANG", "zh-Hans-CN.UTF-8")], Language::Chinese),
        (&[("LANG", "zh.UTF-8")], Language::Chinese),
        (&[("LANG", "zh_TW.UTF-8")], Language::English),
        (&[("LANG", "zh_HK.UTF-8")], Language::English),
        (&[("LANG", "zh_CN.GB18030")], Language::English),
        (&[("LANG", "zh_CN")], Language::English),
        (&[("LANG", "de_DE.UTF-8")], Language::English),
        (&[("LANG", "zh_CN.UTF-8"), ("LC_ALL", "C")], Language::English),
        (&[("LANG", "zh_CN.UTF-8"), ("LC_MESSAGES", "en_US.UTF-8")], Language::English),
        (&[("LANG", "en_US.UTF-8"), ("LC_MESSAGES", "zh_CN.UTF-8")], Language::Chinese),
        (&[("LANG", "zh_CN.UTF-8"), ("LC_CTYPE", "C")], Language::English),
        (&[], Language::English),
    ] {
        let variable =
            |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        assert_eq!(Language::of_locale(variable), language, "{variables:?}");
    }
}
