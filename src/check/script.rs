//! What the words of a container tell: what it waits for, and how.
//!
//! Scripts are read as words, not as a shell would: enough to know the usual ways to wait, and
//! silent about all others.

use super::pod::Container;

/// Ways to name a kind to kubectl, and the kind.
const KINDS: [(&[&str], &str); 11] = [
    (&["job", "jobs", "job.batch", "jobs.batch"], "Job"),
    (&["service", "services", "svc"], "Service"),
    (
        &["deployment", "deployments", "deploy", "deployment.apps"],
        "Deployment",
    ),
    (
        &["statefulset", "statefulsets", "sts", "statefulset.apps"],
        "StatefulSet",
    ),
    (
        &["daemonset", "daemonsets", "ds", "daemonset.apps"],
        "DaemonSet",
    ),
    (&["pod", "pods", "po"], "Pod"),
    (&["secret", "secrets"], "Secret"),
    (&["configmap", "configmaps", "cm"], "ConfigMap"),
    (
        &["pvc", "persistentvolumeclaim", "persistentvolumeclaims"],
        "PersistentVolumeClaim",
    ),
    (&["endpoints", "ep"], "Service"),
    (&["serviceaccount", "sa"], "ServiceAccount"),
];

/// What a container asks for again and again before it goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Awaited {
    /// `Job`, ...; `Host` for a name that it connects to.
    pub kind: &'static str,
    pub name: String,
    /// Where it is not the pod's own.
    pub namespace: Option<String>,
    /// It is asked of the API server.
    pub by_api: bool,
}

/// The words of a container, cut as they come: blanks, quotes and what parts commands fall away.
pub struct Script {
    /// One list for each simple command.
    commands: Vec<Vec<String>>,
    text: String,
    image: String,
}

impl Script {
    pub fn of(container: Container<'_>) -> Script {
        let words = container.words();
        let mut text = words.join("\n");
        for (name, value) in container.variables() {
            text = text.replace(&format!("${{{name}}}"), value);
            text = text.replace(&format!("$({name})"), value);
            text = text.replace(&format!("${name}"), value);
        }
        // A command that is no shell is one command, whatever its words are.
        let is_shell = words.iter().any(|word| word.contains([' ', '\n', ';']));
        let commands = match is_shell {
            true => text
                .split(['\n', ';', '|', '&', '(', ')', '`', '{', '}'])
                .map(cut)
                .filter(|words| !words.is_empty())
                .collect(),
            false => vec![text.split('\n').map(str::to_owned).collect()],
        };
        Script {
            commands,
            text,
            image: container.image().to_owned(),
        }
    }

    pub fn awaited(&self) -> Vec<Awaited> {
        let mut awaited = Vec::new();
        for command in &self.commands {
            awaited.extend(of_the_api(command, self.is_waiter()));
            awaited.extend(hosts(command).into_iter().map(|name| Awaited {
                kind: "Host",
                name,
                namespace: None,
                by_api: false,
            }));
        }
        let mut seen: Vec<Awaited> = Vec::new();
        awaited.retain(|it| {
            let new = !seen.contains(it);
            seen.push(it.clone());
            new
        });
        awaited
    }

    /// A loop that goes on for as long as it takes.
    pub fn loops_for_ever(&self) -> bool {
        let is = |words: &[&str]| self.words().any(|word| words.contains(&word));
        let bounds = [
            "-lt", "-le", "-gt", "-ge", "timeout", "SECONDS", "$SECONDS", "exit",
        ];
        let is_bounded = is(&bounds) || self.text.contains("--timeout") || self.text.contains("((");
        is(&["until", "while"]) && is(&["sleep"]) && !is_bounded
    }

    /// It looks for a pattern in what describes the state of a Job.
    pub fn greps_a_state(&self) -> bool {
        let greps = self.words().any(|word| matches!(word, "grep" | "egrep"));
        let asks = self.text.contains("succeeded") || self.text.contains("get job");
        greps && asks
    }

    /// The images that only wait.
    fn is_waiter(&self) -> bool {
        self.image.contains("k8s-wait-for")
    }

    fn words(&self) -> impl Iterator<Item = &str> {
        self.commands.iter().flatten().map(String::as_str)
    }
}

fn cut(command: &str) -> Vec<String> {
    let trim = |word: &str| {
        word.trim_matches(['"', '\'', '[', ']', '!', '\\'])
            .to_owned()
    };
    command
        .split_whitespace()
        .map(trim)
        .filter(|word| !word.is_empty())
        .collect()
}

/// What a call of kubectl, or of an image that only waits, asks the API server for.
fn of_the_api(command: &[String], waiter: bool) -> Vec<Awaited> {
    let from = match command.iter().position(|word| word.ends_with("kubectl")) {
        Some(at) => at + 1,
        None if waiter => 0,
        None => return Vec::new(),
    };
    let words = &command[from..];
    let verbs = ["get", "wait", "rollout", "describe"];
    if !waiter && !words.iter().any(|word| verbs.contains(&word.as_str())) {
        return Vec::new();
    }
    let namespace = words
        .windows(2)
        .find(|pair| matches!(pair[0].as_str(), "-n" | "--namespace"));
    let namespace = namespace
        .map(|pair| pair[1].clone())
        .filter(|name| is_name(name));
    let mut awaited = Vec::new();
    for (at, word) in words.iter().enumerate() {
        let (kind, name) = match word.split_once('/') {
            Some((kind, name)) => (kind, Some(name)),
            None => (word.as_str(), words.get(at + 1).map(String::as_str)),
        };
        let known = KINDS.iter().find(|(names, _)| names.contains(&kind));
        if let (Some((_, kind)), Some(name)) = (known, name.filter(|name| is_name(name))) {
            awaited.push(Awaited {
                kind,
                name: name.to_owned(),
                namespace: namespace.clone(),
                by_api: true,
            });
        }
    }
    awaited
}

/// Hosts that the usual tools are told to connect to.
fn hosts(command: &[String]) -> Vec<String> {
    let mut hosts = Vec::new();
    let tool = |names: &[&str]| {
        let is_tool = |word: &String| names.contains(&word.rsplit('/').next().unwrap_or_default());
        command.iter().position(is_tool)
    };
    if let Some(at) = tool(&["nc", "ncat", "netcat"]) {
        // The port is a number, and the host stands before it.
        let words = &command[at + 1..];
        let port = words.iter().rposition(|word| word.parse::<u16>().is_ok());
        hosts.extend(port.and_then(|at| words.get(at.checked_sub(1)?)).cloned());
    }
    if let Some(at) = tool(&["pg_isready", "psql", "mysqladmin", "mysql", "redis-cli"]) {
        let words = &command[at + 1..];
        for pair in words.windows(2) {
            if matches!(pair[0].as_str(), "-h" | "--host") {
                hosts.push(pair[1].clone());
            }
        }
        let joined = |word: &String| word.strip_prefix("--host=").map(str::to_owned);
        hosts.extend(words.iter().filter_map(joined));
    }
    if let Some(at) = tool(&["nslookup", "host", "getent"]) {
        hosts.extend(command[at + 1..].last().cloned());
    }
    if tool(&["curl", "wget"]).is_some() {
        hosts.extend(
            command
                .iter()
                .filter_map(|word| host_of_url(word))
                .map(str::to_owned),
        );
    }
    for word in command {
        let device = word.split("/dev/tcp/").nth(1);
        hosts.extend(
            device
                .and_then(|rest| rest.split('/').next())
                .map(str::to_owned),
        );
    }
    hosts.retain(|host| is_host(host));
    hosts
}

/// The host of `scheme://user:password@host:port/path`; none of what is no URL.
pub fn host_of_url(text: &str) -> Option<&str> {
    let (scheme, rest) = text.split_once("://")?;
    let is_scheme = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
    if scheme.is_empty() || !scheme.chars().all(is_scheme) {
        return None;
    }
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit('@').next()?;
    let host = host.split(':').next()?;
    is_host(host).then_some(host)
}

fn is_host(text: &str) -> bool {
    !text.is_empty() && text.split('.').all(is_name)
}

/// A DNS label, as the names of most objects are.
fn is_name(text: &str) -> bool {
    let is_inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    !text.is_empty() && text.chars().all(is_inner) && !text.starts_with('-') && !text.ends_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn script(text: &str) -> Script {
        let container = json!({"name": "wait", "command": ["sh", "-c", text]});
        Script::of(Container(&container))
    }

    fn awaited(text: &str) -> Vec<String> {
        let all = script(text).awaited().into_iter();
        all.map(|it| format!("{} {}", it.kind, it.name)).collect()
    }

    #[test]
    fn the_usual_ways_to_wait_are_known() {
        for (text, expected) in [
            (
                "until kubectl get job volume-init -o json; do sleep 1; done",
                "Job volume-init",
            ),
            (
                "kubectl wait --for=condition=complete job/seed --timeout=60s",
                "Job seed",
            ),
            (
                "kubectl -n shop rollout status deploy/web",
                "Deployment web",
            ),
            (
                "until nc -z -w 2 database 5432; do sleep 1; done",
                "Host database",
            ),
            (
                "while ! pg_isready -h db.shop.svc -p 5432; do sleep 1; done",
                "Host db.shop.svc",
            ),
            (
                "until wget -q -O- http://php-fpm:9000/ping; do sleep 2; done",
                "Host php-fpm",
            ),
            (
                "until (echo > /dev/tcp/redis/6379) 2>/dev/null; do sleep 1; done",
                "Host redis",
            ),
            ("until nslookup mail; do sleep 1; done", "Host mail"),
        ] {
            assert_eq!(awaited(text), [expected], "{text}");
        }
        assert_eq!(awaited("cp -a /app/. /data && echo done"), [""; 0]);
        assert_eq!(awaited("kubectl get pods -l app=web"), [""; 0]);
    }

    #[test]
    fn variables_are_put_in() {
        let container = json!({
            "name": "wait", "command": ["sh", "-c", "nc -z $DB_HOST ${DB_PORT}"],
            "env": [{"name": "DB_HOST", "value": "db"}, {"name": "DB_PORT", "value": "5432"}],
        });
        assert_eq!(Script::of(Container(&container)).awaited()[0].name, "db");
    }

    #[test]
    fn an_image_that_only_waits_names_it_in_its_arguments() {
        let container = json!({
            "name": "wait", "image": "groundnuty/k8s-wait-for:v2.0", "args": ["job", "seed"],
        });
        let awaited = Script::of(Container(&container)).awaited();
        assert_eq!((awaited[0].kind, awaited[0].name.as_str()), ("Job", "seed"));
    }

    #[test]
    fn a_loop_with_a_bound_ends() {
        assert!(script("until nc -z db 1; do sleep 1; done").loops_for_ever());
        assert!(!script("timeout 60 sh -c 'until nc -z db 1; do sleep 1; done'").loops_for_ever());
        let counted =
            "n=0; until nc -z db 1; do n=$((n+1)); [ $n -ge 60 ] && exit 1; sleep 1; done";
        assert!(!script(counted).loops_for_ever());
        assert!(!script("for i in 1 2 3; do nc -z db 1 && break; sleep 1; done").loops_for_ever());
    }

    #[test]
    fn hosts_of_urls() {
        assert_eq!(host_of_url("postgres://u:p@db:5432/shop?x=y"), Some("db"));
        assert_eq!(host_of_url("smtp://mail"), Some("mail"));
        assert_eq!(host_of_url("tcp://0.0.0.0:8080"), Some("0.0.0.0"));
        assert_eq!(host_of_url("native:"), None);
        assert_eq!(host_of_url("php://stderr"), Some("stderr"));
    }
}
