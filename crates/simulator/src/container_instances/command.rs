//! What a container without a script does, if its command makes it obvious.
//!
//! An image whose own command is a shell ends at once without a terminal (`alpine:latest` was recorded by
//! azure-mgmt-containerinstance as Terminated, 0, Completed). Of commands, those are understood that a test of restart
//! policies is made of: `true`, `false`, `exit`, `echo` and `sleep`, one after the other in a shell's `-c` or one alone.
//! Everything else counts as a server, which keeps running.

use super::request;
use super::script::{Exit, Script};
use serde_json::Value;

/// Images that run nothing but a shell, or one greeting.
const SHELLS: &[&str] =
    &["alpine", "amazonlinux", "bash", "busybox", "centos", "debian", "fedora", "hello-world", "ubuntu"];

/// What the container does by its image and command.
pub(super) fn of(container: &Value) -> Script {
    let command = container.pointer("/properties/command").and_then(Value::as_array);
    let words: Option<Vec<&str>> = command.into_iter().flatten().map(Value::as_str).collect();
    let done = match words.unwrap_or_default().as_slice() {
        [] if SHELLS.contains(&bare_name(request::container_image(container))) => Some(Done::default()),
        [] => None,
        [shell, "-c", text] if ["sh", "bash", "ash", "dash"].contains(&last_part(shell)) => in_a_shell(text),
        words => Done::default().then(words),
    };
    let Some(done) = done else { return Script::default() };
    Script {
        exit: Some(Exit { code: done.code, after_seconds: done.seconds }),
        log: Some(done.log),
        ..Script::default()
    }
}

/// `docker.io/library/alpine:3` is `alpine`.
fn bare_name(image: &str) -> &str {
    last_part(image).split([':', '@']).next().unwrap_or_default()
}

fn last_part(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// The result of the commands so far.
#[derive(Debug, Default, PartialEq)]
struct Done {
    code: i32,
    seconds: f64,
    log: Vec<String>,
    is_over: bool,
}

impl Done {
    /// One more command; none if it is not understood.
    fn then(mut self, words: &[&str]) -> Option<Self> {
        if self.is_over {
            return Some(self);
        }
        self.code = 0;
        match words {
            [word, ..] if last_part(word) == "true" => {}
            [word, ..] if last_part(word) == "false" => self.code = 1,
            ["exit"] => self.is_over = true,
            ["exit", code] => (self.code, self.is_over) = (i32::from(code.parse::<u8>().ok()?), true),
            [word, seconds] if last_part(word) == "sleep" => {
                self.seconds += seconds.parse::<f64>().ok()?.clamp(0.0, 1e9)
            }
            [word, said @ ..] if last_part(word) == "echo" => self.log.push(said.join(" ")),
            _ => return None,
        }
        Some(self)
    }
}

/// Commands between `;` and `&&`, without anything that a shell would expand or redirect.
fn in_a_shell(text: &str) -> Option<Done> {
    if text.contains(['$', '`', '|', '>', '<', '*', '(', '\\']) || text.replace("&&", "").contains('&') {
        return None;
    }
    let mut done = Done::default();
    for statement in text.split([';', '\n']).filter(|statement| !statement.trim().is_empty()) {
        for (at, command) in statement.split("&&").enumerate() {
            if at > 0 && done.code != 0 {
                break;
            }
            let words: Vec<&str> = command.split_whitespace().map(|word| word.trim_matches(['"', '\''])).collect();
            done = done.then(&words)?;
        }
    }
    Some(done)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_what_is_plain_ends() {
        let of = |image: &str, command: Value| {
            let script = of(&json!({"name": "a", "properties": {"image": image, "command": command}}));
            script.exit.map(|exit| (exit.code, exit.after_seconds, script.log.unwrap_or_default().join("/")))
        };
        let shell = |text: &str| of("nginx", json!(["/bin/sh", "-c", text]));
        assert_eq!(of("alpine:latest", Value::Null), Some((0, 0.0, String::new())));
        assert_eq!(of("docker.io/library/ubuntu@sha256:0", json!([])), Some((0, 0.0, String::new())));
        assert_eq!(of("mcr.microsoft.com/azuredocs/aci-helloworld", Value::Null), None);
        assert_eq!(of("alpine", json!(["tail", "-f", "/dev/null"])), None);
        assert_eq!(of("alpine", json!(["/bin/sleep", "30"])), Some((0, 30.0, String::new())));
        assert_eq!(shell("echo \"hello there\"; sleep 5 && exit 3; echo never"), Some((3, 5.0, "hello there".into())));
        assert_eq!(shell("false && echo never"), Some((1, 0.0, String::new())));
        assert_eq!(shell("false; true"), Some((0, 0.0, String::new())));
        for text in ["while true; do echo hello; sleep 20; done", "echo $HOME", "python app.py", "exit 999", "sleep x"]
        {
            assert_eq!(shell(text), None, "{text}");
        }
    }
}
