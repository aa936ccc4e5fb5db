//! Chinese, as a node with a Chinese locale has it; and that what programs read is the same in both languages.
#![allow(missing_docs, clippy::expect_used, reason = "a test's name says it, and a test may panic")]

use node_tests::{Node, Output, Suite};
use serde_json::Value;

const SUITE: Suite = Suite::Bookworm;

fn say(node: &Node, args: &[&str], columns: &str) -> Output {
    let env = [("LC_ALL", ""), ("LANG", "zh_CN.UTF-8"), ("COLUMNS", columns)];
    node.sh_env(&format!("node-setup {}", args.join(" ")), &env)
}

/// Three small words one after the other are an English sentence. What others say is theirs: behind a bar, in the
/// difference of a file, and what the parser of JSON says of one.
fn english(output: &Output) -> Vec<&str> {
    let is_small = |word: &str| word.len() > 1 && word.chars().all(|char| char.is_ascii_lowercase());
    let others = ["  | ", "      +", "      -", "      @"];
    let is_ours = |line: &&str| {
        !others.iter().any(|start| line.starts_with(start)) && !line.contains("EOF while parsing")
    };
    let is_sentence = |line: &&str| {
        let words: Vec<bool> = line.split(' ').map(is_small).collect();
        words.windows(3).any(|words| words.iter().all(|is| *is))
    };
    output.stdout.lines().chain(output.stderr.lines()).filter(is_ours).filter(is_sentence).collect()
}

/// A Chinese character takes two columns.
fn columns(line: &str) -> usize {
    let is_wide = |char: char| matches!(char, '\u{2e80}'..='\u{a4cf}' | '\u{ff00}'..='\u{ff60}');
    line.chars().map(|char| if is_wide(char) { 2 } else { 1 }).sum()
}

#[track_caller]
fn must_be_chinese(output: &Output, code: i32, words: &str) {
    assert_eq!(output.code, code, "{output:?}");
    assert!(english(output).is_empty(), "{:?}", english(output));
    let text = format!("{}{}", output.stdout, output.stderr);
    assert!(text.contains(words), "{words}:\n{text}");
}

#[test]
fn a_node_with_a_chinese_locale() {
    let node = Node::worker(SUITE);
    let archive = Node::archive(SUITE);
    must_be_chinese(&say(&node, &["docker", "preflight"], "80"), 0, "运行可以开始");
    must_be_chinese(&say(&node, &["docker", "plan", "--archive", &archive], "80"), 0, "尚未更改");
    let run = say(&node, &["docker", "--archive", &archive], "80");
    must_be_chinese(&run, 0, "已完成");
    let wide: Vec<&str> = run.stdout.lines().filter(|line| columns(line) > 80).collect();
    assert!(wide.is_empty(), "wider than 80 columns: {wide:?}");
    must_be_chinese(&say(&node, &["docker"], "80"), 0, "无事可做");
    let verify = say(&node, &["docker", "verify"], "60");
    must_be_chinese(&verify, 0, "检查：");
    let wide: Vec<&str> = verify.stdout.lines().filter(|line| columns(line) > 60).collect();
    assert!(wide.is_empty(), "wider than 60 columns: {wide:?}");
    must_be_chinese(&say(&node, &["docker", "status", "-v"], "80"), 0, "已启用，运行中");
    must_be_chinese(&say(&node, &["docker", "history", "-v"], "80"), 0, "已完成");
    must_be_chinese(&say(&node, &["explain", "forward-policy"], "80"), 0, "原因");
    must_be_chinese(&say(&node, &["explain"], "80"), 0, "退出码");

    node.ok("sysctl -qw net.ipv4.conf.all.forwarding=1 && iptables -P FORWARD DROP && systemctl stop docker");
    must_be_chinese(&say(&node, &["docker", "verify"], "80"), 5, "的策略是 DROP");
    must_be_chinese(&say(&node, &["docker"], "80"), 0, "已停止 → 已启用，运行中");
    node.ok("cp /etc/docker/daemon.json /root/ && echo '{' >/etc/docker/daemon.json");
    must_be_chinese(&say(&node, &["docker"], "80"), 3, "已拒绝：本节点没有被改动");
    node.ok("cp /root/daemon.json /etc/docker/daemon.json");
    must_be_chinese(
        &say(&node, &["docker", "--archive", "/nowhere.tgz"], "80"),
        3,
        "错误：归档 /nowhere.tgz：无法读取",
    );
    must_be_chinese(&say(&node, &["docker", "--frce"], "80"), 2, "错误：不认识的参数 '--frce'");
    must_be_chinese(&say(&node, &["docker", "--help"], "80"), 0, "用法：");
    must_be_chinese(&say(&node, &["docker", "remove"], "80"), 0, "docker 的数据保留");
}

/// What differs from one time to the next.
fn timeless(text: &str) -> Value {
    let mut report: Value = serde_json::from_str(text).expect("it is JSON");
    report["duration_ms"] = Value::Null;
    // How much room is left, others on the machine have a say in.
    let found = report.get_mut("preflight").and_then(Value::as_array_mut);
    if let Some(found) = found {
        found.retain(|finding| finding["id"] != "space");
    }
    report
}

#[test]
fn programs_read_the_same_in_every_language() {
    let node = Node::installed(SUITE);
    for args in [
        &["docker", "verify"][..],
        &["docker", "preflight"],
        &["docker", "plan"],
        &["docker", "status"],
        &["config", "show"],
        &["explain", "swap"],
        &["docker", "--archive", "/nowhere.tgz"],
    ] {
        let json = [args, &["--output", "json"]].concat();
        let chinese = say(&node, &[&json[..], &["--lang", "zh"]].concat(), "80");
        let english = node.node_setup(&json);
        assert_eq!(timeless(&chinese.stdout), timeless(&english.stdout), "{args:?}");
        assert!(chinese.stdout.is_ascii(), "{args:?}: {chinese:?}");
    }
    let metrics = say(&node, &["metrics", "-"], "80");
    assert!(metrics.stdout.is_ascii(), "{metrics:?}");
    // The journal is in English, also what a unit of this locale says.
    say(&node, &["docker", "verify"], "80");
    node.ok(
        "systemd-run --quiet --wait --setenv=LANG=zh_CN.UTF-8 --unit=zh /usr/bin/node-setup docker verify",
    );
    let journal = node.ok("journalctl --unit=zh --output=cat");
    assert!(journal.contains("runs, as installed"), "{journal}");
}

#[test]
fn a_flag_goes_before_the_locale() {
    let node = Node::worker(SUITE);
    let env = |locale| [("LC_ALL", locale)];
    let line = "node-setup explain exit-3";
    for (locale, flag, words) in [
        ("zh_CN.UTF-8", "", "拒绝；什么都没有改动"),
        ("zh_CN.UTF-8", " --lang en", "refused; nothing was touched"),
        ("C", " --lang zh", "拒绝；什么都没有改动"),
        ("zh_TW.UTF-8", "", "refused; nothing was touched"),
        ("zh_CN.GB18030", "", "refused; nothing was touched"),
    ] {
        let output = node.sh_env(&format!("{line}{flag}"), &env(locale));
        assert!(output.stdout.contains(words), "{locale}{flag}: {output:?}");
    }
    let wrong = node.sh("node-setup --lang de explain");
    assert!(wrong.code == 2 && wrong.stderr.contains("'de'"), "{wrong:?}");
}
