//! Masks what must not be seen.
//!
//! daemon.json may hold a proxy's password or a log driver's token, an
//! archive's URL a signature. Whatever is shown to people or written to a
//! report goes through here; what is put on the node does not.

mod scrub;

use serde_json::Value;

pub use scrub::{Scrubbed, Secrets, scrub, scrub_value};

/// What stands in the place of a secret.
pub const MASK: &str = "***";

/// The same as a value of JSON.
const QUOTED_MASK: &str = "\"***\"";

/// `value` as it may be shown, `name` being what it is the value of. Rather
/// masks too much than too little.
pub fn redact(name: &str, value: &Value) -> Value {
    match value {
        Value::Null | Value::Bool(_) => value.clone(),
        _ if is_secret(name) => Value::from(MASK),
        Value::Number(_) => value.clone(),
        Value::String(text) => Value::from(redact_text(text)),
        Value::Array(values) => values.iter().map(|value| redact(name, value)).collect(),
        Value::Object(entries) => {
            entries.iter().map(|(name, value)| (name.clone(), redact(name, value))).collect()
        }
    }
}

/// `text` without the user and password of a URL, its query, or the value of
/// a `NAME=value` whose name is a secret's.
pub fn redact_text(text: &str) -> String {
    let text = without_query(&without_user(text));
    match text.split_once('=') {
        Some((name, _)) if !name.contains("://") && is_secret(name) => {
            format!("{}={MASK}", without_user(name))
        }
        _ => text,
    }
}

/// Text of any length, such as a diff, an error or a log, with each word in it
/// redacted, and the value of each JSON member whose name is a secret's, a list
/// over several lines among them.
pub fn redact_prose(text: &str) -> String {
    let mut is_in_list = false;
    text.split_inclusive('\n').map(|line| redact_line(&mask_members(line, &mut is_in_list))).collect()
}

fn redact_line(line: &str) -> String {
    let word = |piece: &str| {
        let body = piece.trim_end_matches(BETWEEN_WORDS);
        let end = piece.get(body.len()..).unwrap_or_default();
        format!("{}{end}", redact_text(body))
    };
    line.split_inclusive(BETWEEN_WORDS).map(word).collect()
}

const BETWEEN_WORDS: [char; 5] = [' ', '\t', '\n', '"', '\''];

/// `+  "splunk-token": "abc",` as `+  "splunk-token": "***",`. Whether a list of secrets has begun
/// and not ended is for the next line to know.
fn mask_members(line: &str, is_in_list: &mut bool) -> String {
    let mut masked = String::new();
    let mut rest = line;
    if *is_in_list {
        let (list, behind) = mask_list(rest);
        *is_in_list = behind.is_none();
        masked.push_str(&list);
        rest = behind.unwrap_or_default();
    }
    while let Some((before, name, value)) = member(rest) {
        masked.push_str(before);
        rest = value;
        if !is_secret(name) || value.starts_with('{') {
            continue;
        }
        if let Some(list) = value.strip_prefix('[') {
            let (list, behind) = mask_list(list);
            *is_in_list = behind.is_none();
            masked.push('[');
            masked.push_str(&list);
            rest = behind.unwrap_or_default();
        } else {
            masked.push_str(QUOTED_MASK);
            rest = value.get(scalar(value)..).unwrap_or_default();
        }
    }
    masked + rest
}

/// The next member of JSON: all up to its value, its name, and what begins with its value.
fn member(text: &str) -> Option<(&str, &str, &str)> {
    let mut from = 0;
    loop {
        let begin = from + text.get(from..)?.find('"')? + 1;
        let length = string(text.get(begin..)?);
        let name = text.get(begin..begin + length)?;
        let behind = text.get(begin + length..)?.strip_prefix('"')?;
        if let Some(value) = behind.trim_start().strip_prefix(':') {
            let value = value.trim_start_matches([' ', '\t']);
            return Some((text.get(..text.len() - value.len())?, name, value));
        }
        from = text.len() - behind.len();
    }
}

/// How long a string is up to its closing quote, or up to the line's end without one.
fn string(text: &str) -> usize {
    let mut is_escaped = false;
    let end = |char: char| {
        let ends = (char == '"' && !is_escaped) || char == '\n';
        is_escaped = char == '\\' && !is_escaped;
        ends
    };
    text.find(end).unwrap_or(text.len())
}

/// How long a string with its quotes is, or a number, or whatever else stands in their place.
fn scalar(text: &str) -> usize {
    match text.strip_prefix('"') {
        Some(rest) => {
            let length = 1 + string(rest);
            length + usize::from(text.get(length..).is_some_and(|end| end.starts_with('"')))
        }
        None => text.find([',', '}', ']', '\n']).unwrap_or(text.len()),
    }
}

/// A list of secrets up to its end, and what follows it, if it ends here.
fn mask_list(text: &str) -> (String, Option<&str>) {
    let (mut masked, mut rest) = (String::new(), text);
    while let Some(char) = rest.chars().next() {
        let length = match char {
            ']' => return (masked, Some(rest)),
            '"' => {
                masked.push_str(QUOTED_MASK);
                scalar(rest)
            }
            _ => {
                masked.push(char);
                char.len_utf8()
            }
        };
        rest = rest.get(length..).unwrap_or_default();
    }
    (masked, None)
}

/// Whether a setting, a variable or a daemon.json key of this name holds a
/// secret, as far as its name says so.
pub fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let secret = ["password", "passwd", "passphrase", "secret", "token", "credential", "apikey"];
    secret.iter().any(|word| name.contains(word))
        || name == "auth"
        || ["-key", "_key", "-auth", "_auth"].iter().any(|end| name.ends_with(end))
}

/// A password may hold `/` and `@` unescaped: everything up to the last `@` goes.
fn without_user(text: &str) -> String {
    let (scheme, rest) = match text.split_once("://") {
        Some((scheme, rest)) => (format!("{scheme}://"), rest),
        None => (String::new(), text),
    };
    match rest.rsplit_once('@') {
        Some((user, host)) if !scheme.is_empty() || user.contains(':') => format!("{scheme}{MASK}@{host}"),
        _ => text.to_owned(),
    }
}

fn without_query(text: &str) -> String {
    match text.split_once('?') {
        Some((address, _)) if address.contains("://") => format!("{address}?{MASK}"),
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_diff_is_masked_word_by_word() {
        let diff = "@@ -1,2 +1,3 @@\n-Documentation=http://docs.docker.io\n+Documentation=https://docs.docker.com\n\
                    +  \"http-proxy\": \"http://u:p@proxy:3128\",\n+  \"splunk-token\": \"abc\",\n@@ -9 +9 @@\n";
        let masked = "@@ -1,2 +1,3 @@\n-Documentation=http://docs.docker.io\n+Documentation=https://docs.docker.com\n\
                      +  \"http-proxy\": \"http://***@proxy:3128\",\n+  \"splunk-token\": \"***\",\n@@ -9 +9 @@\n";
        assert_eq!(redact_prose(diff), masked);
    }

    #[test]
    fn members_are_masked_however_the_json_is_laid_out() {
        for (text, masked) in [
            (r#"{"a":"x","password":"p","b":1}"#, r#"{"a":"x","password":"***","b":1}"#),
            (r#"{"token":"t\"u","c":"d"}"#, r#"{"token":"***","c":"d"}"#),
            (r#"{"token" : 17, "c":"d"}"#, r#"{"token" : "***", "c":"d"}"#),
            (r#"{"log-opts":{"splunk-token":"t"}}"#, r#"{"log-opts":{"splunk-token":"***"}}"#),
            (r#"{"secret":{"url":"http://u:p@h"}}"#, r#"{"secret":{"url":"http://***@h"}}"#),
            (r#""tokens":["a","b"],"c":"d""#, r#""tokens":["***","***"],"c":"d""#),
            (
                "+ \"tokens\": [\n+   \"a\",\n+   \"b\"\n+ ],\n+ \"c\": \"d\"\n",
                "+ \"tokens\": [\n+   \"***\",\n+   \"***\"\n+ ],\n+ \"c\": \"d\"\n",
            ),
            (r#""token": "never closed"#, r#""token": "***""#),
            (r#"no json, "quoted" words: fine"#, r#"no json, "quoted" words: fine"#),
        ] {
            assert_eq!(redact_prose(text), masked, "{text}");
        }
    }

    #[test]
    fn secrets_are_masked_and_the_rest_is_left() {
        for (name, value, shown) in [
            ("http-proxy", json!("http://u:p@proxy:3128"), json!("http://***@proxy:3128")),
            ("http-proxy", json!("http://u:p/a@s@proxy:3128/"), json!("http://***@proxy:3128/")),
            ("http-proxy", json!("http://user@proxy"), json!("http://***@proxy")),
            ("http-proxy", json!("u:p@proxy:3128"), json!("***@proxy:3128")),
            ("http-proxy", json!("http://proxy:3128"), json!("http://proxy:3128")),
            ("no-proxy", json!("localhost,10.0.0.0/8"), json!("localhost,10.0.0.0/8")),
            ("docker.archive", json!("https://s3/d.tgz?X-Amz-Signature=ab"), json!("https://s3/d.tgz?***")),
            (
                "log-opts",
                json!({"splunk-token": "t", "tag": "x"}),
                json!({"splunk-token": "***", "tag": "x"}),
            ),
            (
                "registry",
                json!({"auths": {"hub": {"auth": "dTpw"}}}),
                json!({"auths": {"hub": {"auth": "***"}}}),
            ),
            ("labels", json!(["rack=7", "api-token=abc"]), json!(["rack=7", "api-token=***"])),
            ("access-key", json!(12345), json!("***")),
            ("registry-mirrors", json!(["https://u:p@m"]), json!(["https://***@m"])),
            ("http-proxy", json!("u:p@token=x"), json!("***@token=***")),
            ("http-proxy", json!("u:p@token=://v:w@h"), json!("***@token=***")),
            ("tlskey", json!("/etc/docker/key.pem"), json!("/etc/docker/key.pem")),
            ("authorization-plugins", json!(["opa"]), json!(["opa"])),
            ("live-restore", json!(true), json!(true)),
        ] {
            assert_eq!(redact(name, &value), shown, "{name}: {value}");
        }
    }
}
