//! Hooks: objects that helm makes at certain moments, beside the ordinary ones.

use serde_json::Value;

use super::object::Object;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hook {
    /// `pre-install`, ... in lower case, as helm reads them.
    pub events: Vec<String>,
    /// As it is written; none stands for 0.
    pub weight: Option<String>,
    /// In lower case, as helm reads them.
    pub policies: Vec<String>,
}

/// Events in the life of a release, the earlier ones first: what one of them made is there for
/// those after it. The events that are not here come after all of these.
const LIFE: [&str; 4] = ["pre-install", "post-install", "pre-upgrade", "post-upgrade"];

impl Hook {
    pub(super) fn of(value: &Value) -> Option<Hook> {
        let annotation = |key: &str| {
            let annotations = value.pointer("/metadata/annotations")?;
            match annotations.get(key)? {
                Value::String(text) => Some(text.clone()),
                other => Some(other.to_string()),
            }
        };
        Some(Hook {
            events: list(&annotation("helm.sh/hook")?),
            weight: annotation("helm.sh/hook-weight"),
            policies: annotation("helm.sh/hook-delete-policy")
                .map(|text| list(&text))
                .unwrap_or_default(),
        })
    }

    /// helm takes what is no number for 0 (helm `pkg/release/util/manifest_sorter.go`).
    pub fn order(&self) -> i64 {
        let weight = self.weight.as_ref().and_then(|text| text.parse().ok());
        weight.unwrap_or(0)
    }

    pub fn is_on(&self, events: &[&str]) -> bool {
        self.events
            .iter()
            .any(|event| events.contains(&event.as_str()))
    }

    /// helm deletes it once it is through.
    pub fn is_deleted_once_through(&self) -> bool {
        self.policies.iter().any(|it| it == "hook-succeeded")
    }

    /// helm's default where none is given.
    pub fn is_deleted_before_creation(&self) -> bool {
        let policy = "before-hook-creation";
        self.policies.is_empty() || self.policies.iter().any(|it| it == policy)
    }
}

/// The words of a list as helm takes them: without blanks and without regard to case.
fn list(text: &str) -> Vec<String> {
    let words = text.split(',').map(|word| word.trim().to_lowercase());
    words.filter(|word| !word.is_empty()).collect()
}

impl Object {
    /// The first event at which this hook runs before helm has made `used` of the same release.
    /// Only Jobs and Pods: helm goes on without waiting for a hook of any other kind.
    pub fn runs_before(&self, used: &Object) -> Option<&str> {
        let hook = self.hook.as_ref()?;
        if !self.is("Job") && !self.is("Pod") {
            return None;
        }
        let mut events = hook.events.iter().map(String::as_str);
        events.find(|event| match &used.hook {
            None => *event == "pre-install",
            Some(of) => {
                let comes = |made: &&String| made == event || rank(made) > rank(event);
                let came = |made: &String| {
                    rank(made) < rank(event)
                        || made == event && place(used, of) <= place(self, hook)
                };
                of.events.iter().any(|made| comes(&made)) && !of.events.iter().any(came)
            }
        })
    }
}

/// The last object of these that comes too late for a hook, where all of them do; with the event.
pub fn late<'a>(hook: &'a Object, all: &[&'a Object]) -> Option<(&'a Object, &'a str)> {
    let late = all
        .iter()
        .map(|used| Some((*used, hook.runs_before(used)?)));
    let late: Option<Vec<_>> = late.collect();
    // A hook among them is nearer to what was meant than an ordinary object.
    let mut late = late?;
    late.sort_by_key(|(used, _)| used.hook.is_some());
    late.pop()
}

fn rank(event: &str) -> usize {
    LIFE.iter()
        .position(|it| *it == event)
        .unwrap_or(LIFE.len())
}

/// helm sorts hooks by weight, then by name, and of one name by kind (helm `pkg/action/hooks.go`):
/// whatever a pod may use comes before Pods and Jobs there.
fn place<'a>(object: &'a Object, hook: &Hook) -> (i64, &'a str) {
    (hook.order(), object.name.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::readable_wholes;
    use serde_json::json;

    fn hook(kind: &str, name: &str, events: &str, weight: &str) -> Object {
        let annotations = json!({"helm.sh/hook": events, "helm.sh/hook-weight": weight});
        let value = json!({
            "apiVersion": "v1", "kind": kind,
            "metadata": {"name": name, "annotations": annotations},
        });
        Object::all(readable_wholes(&value.to_string()).read, "shop").remove(0)
    }

    #[test]
    fn helm_orders_hooks_by_weight_then_name_then_kind() {
        let job = hook("Job", "migrate", "pre-install,pre-upgrade", "0");
        for (name, events, weight, expected) in [
            ("account", "pre-install,pre-upgrade", "0", None),
            ("migrate", "pre-install,pre-upgrade", "0", None),
            (
                "worker",
                "pre-install,pre-upgrade",
                "0",
                Some("pre-install"),
            ),
            ("worker", "Pre-Install, pre-upgrade", "-1", None),
            ("account", "post-install", "-5", Some("pre-install")),
            ("account", "pre-install", "1", Some("pre-install")),
            // Made at the install, it is there at the upgrade.
            ("account", "pre-install", "0", None),
            ("account", "pre-delete", "0", Some("pre-install")),
        ] {
            let used = hook("ServiceAccount", name, events, weight);
            let late = job.runs_before(&used);
            assert_eq!(late, expected, "{name} {events} {weight}");
        }
    }

    #[test]
    fn ordinary_objects_are_there_after_the_install() {
        let mut used = hook("ServiceAccount", "account", "", "0");
        used.hook = None;
        let job = |events: &str| hook("Job", "migrate", events, "0");
        assert_eq!(job("pre-install").runs_before(&used), Some("pre-install"));
        assert_eq!(job("pre-upgrade,post-install").runs_before(&used), None);
        assert_eq!(
            hook("Deployment", "web", "pre-install", "0").runs_before(&used),
            None
        );
    }

    #[test]
    fn what_is_no_whole_number_weighs_nothing() {
        for (weight, order) in [("-5", -5), ("1.5", 0), (" 3", 0), ("", 0)] {
            let object = hook("Job", "a", "pre-install", weight);
            assert_eq!(object.hook.unwrap().order(), order, "{weight}");
        }
    }
}
