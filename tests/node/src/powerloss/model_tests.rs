//! The model, asked what the power may leave of short runs. What it is for is to notice a missing flush.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::disk::{Attributes, Disk, Kind};
use super::states::{self, Changes};
use super::{trace, tree};
use crate::lab;

const ROOT: Attributes = Attributes { mode: 0o755, uid: 0, gid: 0 };

/// A disk with the directories /etc and /etc/old.d, and the file /etc/old.
fn disk(lines: &[&str]) -> Disk {
    let tree = [("/etc", Kind::Directory), ("/etc/old.d", Kind::Directory), ("/etc/old", Kind::File)];
    let mut disk = Disk::new(tree.map(|(path, kind)| (PathBuf::from(path), kind, ROOT))).unwrap();
    let timed: Vec<String> =
        lines.iter().enumerate().map(|(at, line)| format!("1 0.{at:06} {line}")).collect();
    for call in trace::parse(&[&timed.join("\n")]).unwrap() {
        disk.play(&call).unwrap();
    }
    disk
}

/// What a state has at a path: `-` for nothing that was not there before, and else how much was written, lost, and
/// left as zeros.
fn at(changes: &Changes, path: &str) -> String {
    match changes.get(Path::new(path)) {
        None => "-".to_owned(),
        Some(None) => "gone".to_owned(),
        Some(Some(entry)) => {
            let old = if entry.origin.is_some() { "old" } else { "new" };
            let zeros = if entry.zeros > 0 { format!("+{}x0", entry.zeros) } else { String::new() };
            format!("{old}+{}{zeros}", entry.appended)
        }
    }
}

/// Everything that may be at a path.
fn may_be(disk: &Disk, path: &str) -> BTreeSet<String> {
    states::states(disk).unwrap().iter().map(|state| at(&state.changes, path)).collect()
}

fn set(words: &[&str]) -> BTreeSet<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}

const CREATE: &str = r#"openat(AT_FDCWD</>, "/etc/.new", O_WRONLY|O_CREAT|O_EXCL, 0600) = 3</etc/.new>"#;
const WRITE: &str = r#"write(3</etc/.new>, "four", 4) = 4"#;
const FLUSH: &str = "fsync(3</etc/.new>) = 0";
const REPLACE: &str = r#"rename("/etc/.new", "/etc/old") = 0"#;
const FLUSH_DIRECTORY: &str = "fsync(4</etc>) = 0";

#[test]
fn a_file_replaced_without_a_flush_may_be_empty_torn_or_zeros() {
    let careless = disk(&[CREATE, WRITE, REPLACE, FLUSH_DIRECTORY]);
    assert_eq!(may_be(&careless, "/etc/old"), set(&["-", "new+0", "new+2", "new+0+4x0"]));
}

#[test]
fn a_file_replaced_with_care_is_the_old_or_the_new_one() {
    let careful = disk(&[CREATE, WRITE, FLUSH, REPLACE, FLUSH_DIRECTORY]);
    assert_eq!(may_be(&careful, "/etc/old"), set(&["-", "new+4"]));
}

#[test]
fn only_what_the_directory_s_flush_covers_is_settled() {
    let unflushed = |lines: &[&str]| -> Vec<String> {
        states::unflushed(&disk(lines)).unwrap().iter().map(|path| path.display().to_string()).collect()
    };
    assert_eq!(unflushed(&[CREATE, WRITE, FLUSH, REPLACE, FLUSH_DIRECTORY]), [""; 0]);
    assert_eq!(unflushed(&[CREATE, WRITE, FLUSH, REPLACE]), ["/etc/old"]);
    assert_eq!(unflushed(&[CREATE, WRITE, REPLACE, FLUSH_DIRECTORY]), ["/etc/old"]);
    assert_eq!(unflushed(&[CREATE, WRITE, FLUSH, REPLACE, "syncfs(3</etc/old>) = 0"]), [""; 0]);
    let data_only = [CREATE, WRITE, "fchmod(3</etc/.new>, 0644) = 0", "fdatasync(3</etc/.new>) = 0"];
    assert_eq!(unflushed(&[&data_only[..], &[REPLACE, FLUSH_DIRECTORY]].concat()), ["/etc/old"]);
}

#[test]
fn a_flush_does_not_cover_what_came_after_it_was_entered() {
    let overtaken = |second: &str| {
        let lines = format!(
            "1 0.000001 {CREATE}\n1 0.000002 {WRITE}\n2 0.000003 fsync(3</etc/.new> <unfinished ...>\n\
             1 0.000004 {second}\n2 0.000005 <... fsync resumed>) = 0\n1 0.000006 {FLUSH_DIRECTORY}\n"
        );
        let mut disk = disk(&[]);
        for call in trace::parse(&[&lines]).unwrap() {
            disk.play(&call).unwrap();
        }
        states::unflushed(&disk).unwrap().len()
    };
    assert_eq!(overtaken("fchmod(3</etc/.new>, 0644) = 0"), 1);
    assert_eq!(overtaken("fsync(3</etc/.new>) = 0"), 0);
}

#[test]
fn a_file_in_a_directory_that_was_not_flushed_is_lost_with_it() {
    let lines = [
        r#"mkdir("/etc/new.d", 0700) = 0"#,
        r#"openat(AT_FDCWD</>, "/etc/new.d/a", O_WRONLY|O_CREAT, 0600) = 3</etc/new.d/a>"#,
        r#"write(3</etc/new.d/a>, "four", 4) = 4"#,
        "fsync(3</etc/new.d/a>) = 0",
        "fsync(4</etc/new.d>) = 0",
    ];
    let last = |lines: &[&str]| {
        let disk = disk(lines);
        states::unflushed(&disk).unwrap().len()
    };
    assert_eq!(last(&lines), 2);
    assert_eq!(last(&[&lines[..], &[FLUSH_DIRECTORY]].concat()), 0);
}

#[test]
fn names_come_through_one_by_one() {
    let lines = [
        r#"symlink("/b", "/etc/one") = 0"#,
        r#"link("/etc/old", "/etc/two") = 0"#,
        r#"unlink("/etc/old") = 0"#,
    ];
    let found: BTreeSet<String> = states::states(&disk(&lines))
        .unwrap()
        .iter()
        .map(|state| ["/etc/one", "/etc/two", "/etc/old"].map(|path| at(&state.changes, path)).join(" "))
        .collect();
    let wanted = [
        // In order.
        "- - -",
        "new+0 - -",
        "new+0 old+0 -",
        "new+0 old+0 gone",
        // One ahead.
        "- old+0 -",
        "- - gone",
        // One behind.
        "- old+0 gone",
        "new+0 - gone",
    ];
    assert_eq!(found, set(&wanted));
}

#[test]
fn a_directory_that_moves_takes_its_files_along() {
    let lines = [
        r#"openat(AT_FDCWD</>, "/etc/old.d/a", O_WRONLY|O_CREAT, 0600) = 3</etc/old.d/a>"#,
        r#"renameat2(AT_FDCWD</>, "/etc/old.d", AT_FDCWD</>, "/etc/new.d", RENAME_NOREPLACE) = 0"#,
        r#"write(3</etc/new.d/a>, "four", 4) = 4"#,
        "fsync(3</etc/new.d/a>) = 0",
    ];
    let whole = states::whole(&disk(&lines)).unwrap();
    let found = ["/etc/old.d", "/etc/new.d", "/etc/new.d/a"].map(|path| at(&whole, path));
    assert_eq!(found, ["gone", "old+0", "new+4"]);
}

#[test]
fn a_run_s_bytes_are_known_as_far_as_the_trace_has_them() {
    let disk = disk(&[CREATE, r#"write(3</etc/.new>, "fo"..., 4) = 4"#, WRITE, REPLACE]);
    assert_eq!(disk.unknown().into_values().collect::<Vec<_>>(), [PathBuf::from("/etc/old")]);
}

#[test]
fn memory_is_no_disk() {
    let lines = [
        r#"mkdir("/run/a", 0755) = 0"#,
        r#"openat(AT_FDCWD</>, "/run/a/b", O_WRONLY|O_CREAT, 0600) = 3</run/a/b>"#,
        r#"write(3</run/a/b>, "x", 1) = 1"#,
        r#"rename("/run/a/b", "/run/a/c") = 0"#,
        "fsync(3</run/a/c>) = 0",
        r#"write(9</memfd:x>(deleted), "x", 1) = 1"#,
    ];
    assert_eq!(disk(&lines).steps(), []);
}

#[test]
fn what_the_model_does_not_understand_is_an_error() {
    for line in [
        r#"openat(AT_FDCWD</>, "/etc/old", O_WRONLY|O_TRUNC) = 3</etc/old>"#,
        "ftruncate(3</etc/old>, 0) = 0",
        "pwrite64(3</etc/old>, \"x\", 1, 7) = 1",
        r#"mkdir("here", 0755) = 0"#,
        r#"mkdir("/nowhere/here", 0755) = 0"#,
        "fsync(3</etc/never-made>) = 0",
    ] {
        let [call] = trace::parse(&[&format!("1 0.000001 {line}")]).unwrap().try_into().unwrap();
        assert!(disk(&[]).play(&call).is_err(), "{line}");
    }
}

/// What `find` says of a tree: mode, size, links and path.
fn listing(root: &Path) -> String {
    crate::job::host("find", &[root.as_os_str(), "-printf".as_ref(), "%m %y %s %n /%P\n".as_ref()])
        .map(|text| {
            let mut lines: Vec<&str> = text.lines().filter(|line| !line.contains(" d ")).collect();
            lines.sort_by_key(|line| line.rsplit(' ').next());
            lines.join("\n")
        })
        .unwrap()
}

#[test]
fn a_state_laid_is_the_tree_that_the_model_means() {
    let scratch = std::env::temp_dir().join(format!("powerloss-{}", lab::unique()));
    let (pristine, root) = (scratch.join("pristine"), scratch.join("root"));
    for directory in ["etc/d/below", "etc/gone"] {
        fs::create_dir_all(pristine.join(directory)).unwrap();
    }
    for (path, text) in
        [("etc/a", "abc"), ("etc/d/stays", "12345"), ("etc/b", "1"), ("etc/gone/c", "12"), ("usr", "7")]
    {
        fs::write(pristine.join(path), text).unwrap();
    }
    let mut disk = Disk::new(tree::read(&pristine).unwrap()).unwrap();
    let lines = [
        "chmod(\"/etc/d\", 0700) = 0",
        "link(\"/etc/a\", \"/etc/second\") = 0",
        "openat(AT_FDCWD</>, \"/etc/a\", O_WRONLY|O_APPEND) = 3</etc/a>",
        "write(3</etc/a>, \"d\\n\", 2) = 2",
        "unlink(\"/etc/b\") = 0",
        "mkdir(\"/etc/new\", 0755) = 0",
        "openat(AT_FDCWD</>, \"/etc/new/.x\", O_WRONLY|O_CREAT|O_EXCL, 0600) = 3</etc/new/.x>",
        "write(3</etc/new/.x>, \"four\"..., 9) = 9",
        "rename(\"/etc/new/.x\", \"/etc/new/x\") = 0",
        "symlink(\"/nowhere\", \"/etc/d/link\") = 0",
        "link(\"/etc/gone/c\", \"/etc/survives\") = 0",
        "unlink(\"/etc/gone/c\") = 0",
        "rmdir(\"/etc/gone\") = 0",
    ];
    for (at, line) in lines.iter().enumerate() {
        for call in trace::parse(&[&format!("1 0.{at:06} {line}")]).unwrap() {
            disk.play(&call).unwrap();
        }
    }
    fs::create_dir_all(scratch.join("run/etc/new")).unwrap();
    fs::write(scratch.join("run/etc/new/x"), "nine byte").unwrap();
    let contents = scratch.join("contents");
    let source = tree::Source { disk: &disk, pristine: &pristine, contents: &contents };
    source.keep(&scratch.join("run")).unwrap();
    tree::copy(&pristine, &root).unwrap();
    let whole = states::whole(&disk).unwrap();
    source.change(&root, &whole).unwrap();
    source.must_agree(&root, &whole).unwrap();
    let wanted = [
        "644 f 5 2 /etc/a",
        "777 l 8 1 /etc/d/link",
        "644 f 5 1 /etc/d/stays",
        "600 f 9 1 /etc/new/x",
        "644 f 5 2 /etc/second",
        "644 f 2 1 /etc/survives",
        "644 f 1 2 /usr",
    ];
    assert_eq!(listing(&root), wanted.join("\n"));
    assert_eq!(fs::read_to_string(root.join("etc/second")).unwrap(), "abcd\n");
    assert_eq!(fs::read_to_string(pristine.join("etc/a")).unwrap(), "abc");
    assert!(root.join("etc/d/below").is_dir());
    fs::remove_dir_all(&scratch).unwrap();
}
