//! What an error message of the cluster says is missing.

use super::scope::Provider;
use crate::snapshot::{ObjectRef, Pod};

/// How a message writes a kind, the kind, the version of its API, and whether it has a namespace.
type Kind = (&'static str, &'static str, &'static str, bool);

const KINDS: [Kind; 6] = [
    ("secret", "Secret", "v1", true),
    ("configmap", "ConfigMap", "v1", true),
    ("serviceaccount", "ServiceAccount", "v1", true),
    ("persistentvolumeclaim", "PersistentVolumeClaim", "v1", true),
    (
        "storageclass.storage.k8s.io",
        "StorageClass",
        "storage.k8s.io/v1",
        false,
    ),
    ("RuntimeClass", "RuntimeClass", "node.k8s.io/v1", false),
];
const PRIORITY: Kind = ("", "PriorityClass", "scheduling.k8s.io/v1", false);

/// An object that is not there, or a key that it lacks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    pub object: ObjectRef,
    /// The object is there, but not this key of it.
    pub key: Option<String>,
}

impl Missing {
    /// Reads the messages of the kubelet (`pkg/kubelet/kuberuntime`, `pkg/volume`), the scheduler,
    /// the controllers and admission about something in `namespace`.
    pub fn in_message(message: &str, namespace: &str) -> Option<Missing> {
        let missing = |kind: Kind, name: &str, key: Option<&str>| Missing {
            object: object(kind, name, namespace),
            key: key.map(str::to_owned),
        };
        if let Some((_, rest)) = message.split_once("couldn't find key ") {
            let (key, rest) = rest.split_once(" in ")?;
            let (word, path) = rest.split_once(' ')?;
            let kind = of_word(word)?;
            let path = path.split([' ', ',']).next().unwrap_or(path);
            let name = path.rsplit('/').next().unwrap_or(path);
            return Some(missing(kind, name, Some(key)));
        }
        if let Some((_, rest)) = message.split_once("no PriorityClass with name ") {
            let name = rest.split(' ').next().unwrap_or(rest);
            return Some(missing(PRIORITY, name, None));
        }
        KINDS.iter().find_map(|kind| {
            let (_, rest) = message.split_once(&format!("{} \"", kind.0))?;
            let (name, rest) = rest.split_once('"')?;
            rest.starts_with(" not found")
                .then(|| missing(*kind, name, None))
        })
    }

    /// The key that a volume of the pod lacks: the message names the volume and the key, the pod
    /// alone knows of which object.
    pub fn key_of_volume(message: &str, pod: &Pod) -> Option<Missing> {
        let (_, rest) = message.split_once("references non-existent ")?;
        let (_, key) = rest.split_once("key: ")?;
        let name = volume_in(message)?;
        let volume = pod.volumes.iter().find(|volume| volume.name == name)?;
        Some(Missing {
            object: object(of_word(volume.kind)?, &volume.object, &pod.meta.namespace),
            key: Some(key.trim().to_owned()),
        })
    }

    /// The Secret of `imagePullSecrets` that the kubelet did not find.
    pub fn pull_secret(message: &str, namespace: &str) -> Option<Missing> {
        let (_, rest) = message.split_once("Unable to retrieve some image pull secrets (")?;
        let (names, _) = rest.split_once(')')?;
        let name = names.split(',').next()?.trim();
        Some(Missing {
            object: object(of_word("Secret")?, name, namespace),
            key: None,
        })
    }

    /// "Secret `db` is missing".
    pub fn sentence(&self) -> String {
        let ObjectRef { kind, name, .. } = &self.object;
        match &self.key {
            Some(key) => format!("{kind} `{name}` has no key `{key}`"),
            None => format!("{kind} `{name}` is missing"),
        }
    }

    pub fn hint(&self) -> String {
        match &self.key {
            Some(key) => format!("add `{key}` to {}", placed(&self.object)),
            None => create(&self.object),
        }
    }
}

/// What helps where an object is missing.
pub fn create(object: &ObjectRef) -> String {
    format!("create {}", placed(object))
}

fn placed(object: &ObjectRef) -> String {
    let ObjectRef { kind, name, .. } = object;
    match &object.namespace {
        Some(namespace) => format!("{kind} `{name}` in namespace `{namespace}`"),
        None => format!("{kind} `{name}`"),
    }
}

/// What else helps then, given who brings it. None where no other release can.
pub fn need(object: &ObjectRef, provider: &Provider) -> Option<String> {
    let name = object.short();
    match provider {
        Provider::Unknown => {
            let text =
                format!("where another release brings {name}, add that to this one's `needs`");
            Some(text)
        }
        Provider::Nobody => None,
        Provider::Needed(id) => Some(format!(
            "release `{id}`, which this one needs already, has brought {name}: it was deleted since, and \
             `stackctl up {id}` puts it back"
        )),
        Provider::NotNeeded(id) => Some(format!(
            "release `{id}` brings {name}: add `{id}` to this one's `needs`"
        )),
    }
}

fn object(kind: Kind, name: &str, namespace: &str) -> ObjectRef {
    let (_, kind, api_version, namespaced) = kind;
    ObjectRef {
        api_version: api_version.to_owned(),
        kind: kind.to_owned(),
        namespace: namespaced.then(|| namespace.to_owned()),
        name: name.to_owned(),
    }
}

fn of_word(word: &str) -> Option<Kind> {
    let same = |kind: &&Kind| kind.0.eq_ignore_ascii_case(word);
    KINDS.iter().find(same).copied()
}

/// `conf`, where the message names a volume.
pub fn volume_in(message: &str) -> Option<&str> {
    let (_, rest) = message.split_once("volume \"")?;
    rest.split_once('"').map(|(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn missing(message: &str) -> Option<String> {
        Missing::in_message(message, "oro").map(|m| m.sentence())
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
            (
                "storageclass.storage.k8s.io \"fast\" not found",
                Some("StorageClass `fast` is missing"),
            ),
            (
                "pods \"x\" is forbidden: no PriorityClass with name high was found",
                Some("PriorityClass `high` is missing"),
            ),
            (
                "pods \"x\" is forbidden: pod rejected: RuntimeClass \"gvisor\" not found",
                Some("RuntimeClass `gvisor` is missing"),
            ),
            ("failed to sync secret cache: timed out waiting", None),
            ("secret \"db\" is immutable", None),
        ];
        for (message, expected) in cases {
            assert_eq!(missing(message).as_deref(), expected, "{message}");
        }
    }

    #[test]
    fn a_missing_object_is_named_as_a_manifest_names_it() {
        let of = |message| Missing::in_message(message, "oro").map(|missing| missing.object);
        let claim = of("persistentvolumeclaim \"data\" not found").unwrap();
        assert_eq!(claim.api_version, "v1");
        assert_eq!(claim.namespace.as_deref(), Some("oro"));
        let class = of("storageclass.storage.k8s.io \"fast\" not found").unwrap();
        assert_eq!(class.api_version, "storage.k8s.io/v1");
        assert_eq!(class.namespace, None);
    }
}
