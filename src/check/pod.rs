//! A pod's spec, as far as rules look at it.

use serde_json::Value;

#[derive(Debug, Clone, Copy)]
pub struct PodSpec<'a>(pub &'a Value);

#[derive(Debug, Clone, Copy)]
pub struct Container<'a>(pub &'a Value);

/// Something that a pod can't start without, or, where it is optional, that it takes if it is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Use<'a> {
    pub kind: &'static str,
    pub name: &'a str,
    pub optional: bool,
}

/// A claim that a pod mounts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim<'a> {
    pub name: &'a str,
    /// No container can write to it.
    pub read_only: bool,
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value[key].as_array().map_or(&[], Vec::as_slice)
}

impl<'a> PodSpec<'a> {
    pub fn inits(self) -> impl Iterator<Item = Container<'a>> {
        list(self.0, "initContainers").iter().map(Container)
    }

    pub fn mains(self) -> impl Iterator<Item = Container<'a>> {
        list(self.0, "containers").iter().map(Container)
    }

    pub fn containers(self) -> impl Iterator<Item = Container<'a>> {
        self.inits().chain(self.mains())
    }

    pub fn service_account(self) -> &'a str {
        let name = self.0["serviceAccountName"].as_str();
        name.filter(|name| !name.is_empty()).unwrap_or("default")
    }

    /// Everything that it names of its namespace.
    pub fn uses(self) -> Vec<Use<'a>> {
        let mut uses = Vec::new();
        let account = self.service_account();
        if account != "default" {
            uses.push(Use {
                kind: "ServiceAccount",
                name: account,
                optional: false,
            });
        }
        for volume in list(self.0, "volumes") {
            uses.extend(used("Secret", &volume["secret"], "secretName"));
            uses.extend(used("ConfigMap", &volume["configMap"], "name"));
            uses.extend(used(
                "PersistentVolumeClaim",
                &volume["persistentVolumeClaim"],
                "claimName",
            ));
            for source in list(&volume["projected"], "sources") {
                uses.extend(used("Secret", &source["secret"], "name"));
                uses.extend(used("ConfigMap", &source["configMap"], "name"));
            }
        }
        for container in self.containers() {
            for from in list(container.0, "envFrom") {
                uses.extend(used("Secret", &from["secretRef"], "name"));
                uses.extend(used("ConfigMap", &from["configMapRef"], "name"));
            }
            for variable in list(container.0, "env") {
                let from = &variable["valueFrom"];
                uses.extend(used("Secret", &from["secretKeyRef"], "name"));
                uses.extend(used("ConfigMap", &from["configMapKeyRef"], "name"));
            }
        }
        let mut seen = Vec::new();
        uses.retain(|it| {
            let new = !seen.contains(it);
            seen.push(it.clone());
            new
        });
        uses
    }

    pub fn claims(self) -> Vec<Claim<'a>> {
        let volumes = list(self.0, "volumes").iter();
        let claim = |volume: &'a Value| {
            let claim = &volume["persistentVolumeClaim"];
            let mounts = || {
                let all = self.containers().flat_map(|it| list(it.0, "volumeMounts"));
                all.filter(|mount| mount["name"] == volume["name"])
            };
            let read_only = claim["readOnly"] == true
                || mounts().count() > 0 && mounts().all(|mount| mount["readOnly"] == true);
            Some(Claim {
                name: claim["claimName"].as_str()?,
                read_only,
            })
        };
        volumes.filter_map(claim).collect()
    }
}

fn used<'a>(kind: &'static str, value: &'a Value, key: &str) -> Option<Use<'a>> {
    Some(Use {
        kind,
        name: value[key].as_str().filter(|name| !name.is_empty())?,
        optional: value["optional"] == true,
    })
}

impl<'a> Container<'a> {
    pub fn name(self) -> &'a str {
        self.0["name"].as_str().unwrap_or_default()
    }

    pub fn image(self) -> &'a str {
        self.0["image"].as_str().unwrap_or_default()
    }

    /// `command` and `args`.
    pub fn words(self) -> Vec<&'a str> {
        let of = |key| list(self.0, key).iter().filter_map(Value::as_str);
        of("command").chain(of("args")).collect()
    }

    /// Variables with a value that is written down.
    pub fn variables(self) -> impl Iterator<Item = (&'a str, &'a str)> {
        let variables = list(self.0, "env").iter();
        variables.filter_map(|it| Some((it["name"].as_str()?, it["value"].as_str()?)))
    }

    /// An init container that goes on running (KEP-753).
    pub fn is_sidecar(self) -> bool {
        self.0["restartPolicy"] == "Always"
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_pod_uses_what_it_names() {
        let spec = json!({
            "serviceAccountName": "web",
            "volumes": [
                {"name": "a", "secret": {"secretName": "tls"}},
                {"name": "b", "configMap": {"name": "ini", "optional": true}},
                {"name": "c", "persistentVolumeClaim": {"claimName": "data"}},
                {"name": "d", "projected": {"sources": [{"configMap": {"name": "more"}}]}},
            ],
            "containers": [{
                "name": "web",
                "envFrom": [{"secretRef": {"name": "env"}}],
                "env": [
                    {"name": "A", "valueFrom": {"secretKeyRef": {"name": "env", "key": "a"}}},
                    {"name": "B", "value": "b"},
                ],
                "volumeMounts": [{"name": "c", "mountPath": "/data", "readOnly": true}],
            }],
        });
        let pod = PodSpec(&spec);
        let uses: Vec<String> = pod
            .uses()
            .iter()
            .map(|it| {
                format!(
                    "{} {}{}",
                    it.kind,
                    it.name,
                    if it.optional { "?" } else { "" }
                )
            })
            .collect();
        assert_eq!(
            uses,
            [
                "ServiceAccount web",
                "Secret tls",
                "ConfigMap ini?",
                "PersistentVolumeClaim data",
                "ConfigMap more",
                "Secret env"
            ]
        );
        let read_only = Claim {
            name: "data",
            read_only: true,
        };
        assert_eq!(pod.claims(), [read_only]);
        let container = pod.mains().next().unwrap();
        assert_eq!(container.variables().collect::<Vec<_>>(), [("B", "b")]);
    }
}
