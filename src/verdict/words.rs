//! The words that sentences are made of, and what can be read from the cluster's own.

use crate::event::ContainerRole;
use crate::snapshot::{ObjectRef, Terminated};

/// How a container is spoken of: init container `migrate`.
pub fn container(role: ContainerRole, name: &str) -> String {
    format!("{} `{name}`", noun(role))
}

pub fn noun(role: ContainerRole) -> &'static str {
    match role {
        ContainerRole::Init => "init container",
        ContainerRole::Sidecar => "sidecar",
        ContainerRole::Main | ContainerRole::Hook => "container",
    }
}

/// `once`, `twice`, `3 times`.
pub fn times(count: u32) -> String {
    match count {
        1 => "once".to_owned(),
        2 => "twice".to_owned(),
        n => format!("{n} times"),
    }
}

/// `exit code 3`, `exit code 143 (SIGTERM)`, or the signal where the runtime tells it.
pub fn exit(end: &Terminated) -> String {
    let code = end.exit_code;
    if end.signal != 0 {
        return format!("signal {}", end.signal);
    }
    // Shells and runtimes report a death by signal as 128 and its number.
    match code {
        134 => format!("exit code {code} (SIGABRT)"),
        137 => format!("exit code {code} (SIGKILL)"),
        139 => format!("exit code {code} (SIGSEGV)"),
        143 => format!("exit code {code} (SIGTERM)"),
        _ => format!("exit code {code}"),
    }
}

/// The first line, shortened to what fits into a sentence.
pub fn brief(text: &str) -> String {
    const LIMIT: usize = 160;
    let line = text.lines().next().unwrap_or("").trim();
    let line = line.trim_end_matches('.');
    match line.char_indices().nth(LIMIT) {
        Some((end, _)) => format!("{}...", line[..end].trim_end()),
        None => line.to_owned(),
    }
}

/// The scheduler's first sentence tells about nodes, its second repeats it for preemption.
pub fn first_sentence(text: &str) -> String {
    brief(text.split(". ").next().unwrap_or(text))
}

/// What follows the last `: `: in errors that wrap errors, the one that started it.
pub fn innermost(error: &str) -> String {
    brief(error.rsplit(": ").next().unwrap_or(error))
}

/// What an error message says is missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// `Secret`, `ConfigMap`, `ServiceAccount` or `PersistentVolumeClaim`.
    pub kind: &'static str,
    pub name: String,
    /// The object is there, but not this key of it.
    pub key: Option<String>,
}

impl Missing {
    /// Reads the messages of the kubelet (`pkg/kubelet/kuberuntime`, `pkg/volume`), the scheduler
    /// and the controllers.
    pub fn in_message(message: &str) -> Option<Missing> {
        const KINDS: [(&str, &str); 4] = [
            ("secret", "Secret"),
            ("configmap", "ConfigMap"),
            ("serviceaccount", "ServiceAccount"),
            ("persistentvolumeclaim", "PersistentVolumeClaim"),
        ];
        if let Some((_, rest)) = message.split_once("couldn't find key ") {
            let (key, rest) = rest.split_once(" in ")?;
            let (word, path) = rest.split_once(' ')?;
            let (_, kind) = KINDS
                .iter()
                .find(|(text, _)| word.eq_ignore_ascii_case(text))?;
            let path = path.split([' ', ',']).next().unwrap_or(path);
            let name = path.rsplit('/').next().unwrap_or(path);
            return Some(Missing {
                kind,
                name: name.to_owned(),
                key: Some(key.to_owned()),
            });
        }
        KINDS.iter().find_map(|(text, kind)| {
            let (_, rest) = message.split_once(&format!("{text} \""))?;
            let (name, rest) = rest.split_once('"')?;
            rest.starts_with(" not found").then(|| Missing {
                kind,
                name: name.to_owned(),
                key: None,
            })
        })
    }

    /// "Secret `db` is missing".
    pub fn sentence(&self) -> String {
        let Missing { kind, name, key } = self;
        match key {
            Some(key) => format!("{kind} `{name}` has no key `{key}`"),
            None => format!("{kind} `{name}` is missing"),
        }
    }

    /// The object whose coming would heal it. A key that lacks is brought by its object's change.
    pub fn object(&self, namespace: &str) -> ObjectRef {
        ObjectRef {
            api_version: "v1".to_owned(),
            kind: self.kind.to_owned(),
            namespace: Some(namespace.to_owned()),
            name: self.name.clone(),
        }
    }

    pub fn hint(&self, namespace: &str) -> String {
        let Missing { kind, name, key } = self;
        match key {
            Some(key) => format!("add `{key}` to {kind} `{name}` in namespace `{namespace}`"),
            None => format!(
                "create {kind} `{name}` in namespace `{namespace}`, or add the release that \
                 brings it to this one's `needs`"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn missing(message: &str) -> Option<String> {
        Missing::in_message(message).map(|m| m.sentence())
    }

    #[test]
    fn missing_objects_are_read_from_messages() {
        let cases = [
            ("secret \"db\" not found", Some("Secret `db` is missing")),
            (
                "couldn't find key password in Secret oro/db",
                Some("Secret `db` has no key `password`"),
            ),
            (
                "couldn't find key a.b in ConfigMap oro/settings",
                Some("ConfigMap `settings` has no key `a.b`"),
            ),
            (
                "MountVolume.SetUp failed for volume \"conf\" : configmap \"nginx\" not found",
                Some("ConfigMap `nginx` is missing"),
            ),
            (
                "Error creating: pods \"x-\" is forbidden: error looking up service account \
                 oro/x: serviceaccount \"x\" not found",
                Some("ServiceAccount `x` is missing"),
            ),
            (
                "0/1 nodes are available: persistentvolumeclaim \"data\" not found. not found",
                Some("PersistentVolumeClaim `data` is missing"),
            ),
            ("failed to sync secret cache: timed out waiting", None),
            ("secret \"db\" is immutable", None),
        ];
        for (message, expected) in cases {
            assert_eq!(missing(message).as_deref(), expected, "{message}");
        }
    }

    #[test]
    fn long_texts_are_cut_at_a_character() {
        let long = "é".repeat(200);
        assert_eq!(brief(&long), format!("{}...", "é".repeat(160)));
        assert_eq!(brief("one.\ntwo"), "one");
    }
}
