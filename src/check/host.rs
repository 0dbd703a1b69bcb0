//! Names of hosts, as a pod's resolver takes them.

use super::pod::PodSpec;
use super::stack::Stack;

/// What a host name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Host {
    /// A Service of this release.
    Service(usize),
    /// A name inside the cluster that no Service has which is known.
    Nobody,
    /// A name inside the cluster that no release has, and the cluster has not been asked.
    Unseen,
    /// Somewhere else, or no name of a host.
    Elsewhere,
}

/// Where a name without a dot at its end is looked for, unless the pod says otherwise:
/// `NAMESPACE.svc.cluster.local`, `svc.cluster.local`, `cluster.local`.
struct Name<'a> {
    labels: Vec<&'a str>,
    /// It ends in `.svc`, so it is no host outside the cluster.
    inside: bool,
}

impl<'a> Name<'a> {
    /// None of what is no name, or surely none of a Service.
    fn new(host: &'a str) -> Option<Name<'a>> {
        let host = host.trim_end_matches('.');
        let short = host.strip_suffix(".cluster.local").unwrap_or(host);
        let labels = short.strip_suffix(".svc");
        let inside = labels.is_some();
        let labels: Vec<&str> = labels.unwrap_or(short).split('.').collect();
        let is_local = host == "localhost" || host == "host-gateway";
        (labels.iter().all(|label| is_label(label)) && !is_local).then_some(Name { labels, inside })
    }

    /// The Services that may answer, each with its namespace; those of pods too, which are named
    /// below a headless Service's name.
    fn services(&self, namespace: &'a str) -> Vec<(&'a str, &'a str)> {
        match self.labels.as_slice() {
            [name] => vec![(name, namespace)],
            [name, of] if self.inside => vec![(name, of)],
            [pod_or_name, service_or_of] => {
                vec![(service_or_of, namespace), (pod_or_name, service_or_of)]
            }
            [_, name, of] => vec![(name, of)],
            _ => Vec::new(),
        }
    }
}

fn is_label(label: &str) -> bool {
    let mut chars = label.chars();
    chars.next().is_some_and(|c| c.is_ascii_lowercase())
        && chars.all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
}

/// Kind, namespace and name of the Services that a host may be, seen from a namespace.
pub fn services(host: &str, namespace: &str) -> Vec<(String, String, String)> {
    let services = Name::new(host).map(|name| name.services(namespace));
    let all = services.unwrap_or_default().into_iter();
    let all = all.filter(|(name, of)| !is_everywhere(name, of));
    all.map(|(name, of)| ("Service".to_owned(), of.to_owned(), name.to_owned()))
        .collect()
}

/// Every cluster has the Service of its own API server.
fn is_everywhere(service: &str, namespace: &str) -> bool {
    service == "kubernetes" && namespace == "default"
}

impl PodSpec<'_> {
    /// Its resolver looks elsewhere than among Services, or knows more: what a short name stands
    /// for then is not ours to tell.
    fn resolves_elsewhere(self, host: &str) -> bool {
        let policy = self.0["dnsPolicy"].as_str();
        let on_node = self.0["hostNetwork"] == true && policy != Some("ClusterFirstWithHostNet");
        let list = |pointer: &str| self.0.pointer(pointer).and_then(|it| it.as_array());
        let mut aliases = list("/hostAliases").into_iter().flatten();
        on_node
            || matches!(policy, Some("Default" | "None"))
            || list("/dnsConfig/searches").is_some()
            || aliases.any(|alias| {
                let names = alias["hostnames"].as_array();
                names.is_some_and(|names| names.iter().any(|name| name == host))
            })
    }
}

impl Stack {
    /// What the name of a host stands for, seen from a pod.
    pub(super) fn host(&self, host: &str, pod: PodSpec<'_>, namespace: &str) -> Host {
        let Some(name) = Name::new(host) else {
            return Host::Elsewhere;
        };
        if pod.resolves_elsewhere(host) {
            return Host::Elsewhere;
        }
        let services = name.services(namespace);
        let find = |(name, of): &(&str, &str)| self.find("Service", of, name).next();
        if let Some((at, _)) = services.iter().find_map(find) {
            return Host::Service(at);
        }
        let is_there = |(name, of): &(&str, &str)| match is_everywhere(name, of) {
            true => Some(true),
            false => self.is_there("Service", of, name),
        };
        let there: Vec<Option<bool>> = services.iter().map(is_there).collect();
        let Some((_, of)) = services.last().filter(|_| !there.contains(&Some(true))) else {
            return Host::Elsewhere;
        };
        // `db.infra` may be a Service of a namespace, and `example.com` is none.
        let is_of_a_cluster = name.inside || name.labels.len() == 1;
        let is_asked = !there.contains(&None);
        match is_of_a_cluster {
            true if is_asked || self.known.is_none() && self.is_ours(of) => Host::Nobody,
            true => Host::Unseen,
            false => Host::Elsewhere,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_may_be_several_services() {
        let names = |host: &str| -> Vec<String> {
            let all = services(host, "shop").into_iter();
            all.map(|(_, namespace, name)| format!("{namespace}/{name}"))
                .collect()
        };
        assert_eq!(names("db"), ["shop/db"]);
        assert_eq!(names("db.infra"), ["shop/infra", "infra/db"]);
        assert_eq!(names("db.infra.svc"), ["infra/db"]);
        assert_eq!(names("db.infra.svc.cluster.local."), ["infra/db"]);
        assert_eq!(names("db-0.db.infra.svc"), ["infra/db"]);
        for host in [
            "localhost",
            "10.0.0.1",
            "kubernetes.default.svc",
            "Auto",
            "a.b.c.example.com",
        ] {
            assert_eq!(names(host), [""; 0], "{host}");
        }
    }
}
