use std::path::PathBuf;
use std::time::Duration;

use kube::config::{KubeConfigOptions, Kubeconfig, KubeconfigError};
use kube::{Client, Config};

use super::{Cluster, ServerVersion, error};

/// The longest that the first question to the API server may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// A connection that is silent for longer is taken for dead. Watches end after a minute and
/// start anew, so that theirs is never silent for so long.
const SILENCE: Duration = Duration::from_secs(75);
/// Logs may well be silent; after so long the stream is opened anew.
const LOG_SILENCE: Duration = Duration::from_secs(600);
/// How alike (Jaro-Winkler) a context's name must be to be offered.
const ALIKE: f64 = 0.8;
/// The name of the context where the program runs in a pod of the cluster.
const IN_CLUSTER: &str = "in-cluster";

/// Which cluster is meant. What is None is taken from `KUBECONFIG`, `~/.kube/config` and its
/// current context, or from the pod that the program runs in.
#[derive(Debug, Clone, Default)]
pub struct Target {
    pub kubeconfig: Option<PathBuf>,
    pub context: Option<String>,
}

/// Why there is no way to the cluster.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{doing}: {cause}")]
pub struct ConnectError {
    pub kind: ConnectErrorKind,
    /// What was being done, `reading the kubeconfig`.
    pub doing: String,
    pub cause: String,
    /// What the person can do about it, a sentence each.
    pub hints: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConnectErrorKind {
    NoKubeconfig,
    InvalidKubeconfig,
    UnknownContext,
    Unreachable,
    Denied,
    Tls,
}

impl Cluster {
    /// Finds the cluster and asks it for its version.
    ///
    /// # Errors
    /// No or a broken kubeconfig, a context that it does not have, a server that does not answer
    /// within 10 s, is not trusted, or does not let us in.
    pub async fn connect(target: Target) -> Result<Cluster, ConnectError> {
        let (mut config, context) = load(target).await?;
        // Questions are asked again by `error::ask`, watches and logs by themselves.
        config.default_retry = false;
        config.reset_reader_on_write = true;
        config.read_timeout = Some(SILENCE);
        let server = address(&config);
        let doing = match &context {
            Some(name) => format!("connecting to {server} (context `{name}`)"),
            None => format!("connecting to {server}"),
        };
        let client = |config: Config| {
            Client::try_from(config).map_err(|error| refused(&doing, &error, context.as_deref()))
        };
        let mut patient = config.clone();
        patient.read_timeout = Some(LOG_SILENCE);
        let logs = client(patient)?;
        let client = client(config)?;
        let info = match tokio::time::timeout(PATIENCE, client.apiserver_version()).await {
            Ok(Ok(info)) => info,
            Ok(Err(error)) => return Err(refused(&doing, &error, context.as_deref())),
            Err(_) => {
                let cause = format!("no answer within {}s", PATIENCE.as_secs());
                return Err(unreachable(doing, cause));
            }
        };
        let version = ServerVersion {
            major: digits(&info.major),
            minor: digits(&info.minor),
            git_version: info.git_version,
        };
        let name = context.as_deref().unwrap_or(IN_CLUSTER);
        let cluster = Cluster::over(client, name, version);
        Ok(Cluster {
            logs,
            kube_context: context,
            ..cluster
        })
    }
}

/// `34+` is 34.
fn digits(text: &str) -> u32 {
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    text[..end].parse().unwrap_or(0)
}

async fn load(target: Target) -> Result<(Config, Option<String>), ConnectError> {
    let explicit = target.kubeconfig.is_some() || target.context.is_some();
    let read = match &target.kubeconfig {
        Some(path) => Kubeconfig::read_from(path),
        None => read_default(),
    };
    let kubeconfig = match read {
        Ok(kubeconfig) => kubeconfig,
        Err(error) if is_missing(&error) && !explicit => {
            return Config::incluster()
                .map(|config| (config, None))
                .map_err(|_| no_kubeconfig(&error));
        }
        Err(error) if is_missing(&error) => return Err(no_kubeconfig(&error)),
        Err(error) => return Err(invalid(&error)),
    };
    let Some(context) = target
        .context
        .or_else(|| kubeconfig.current_context.clone())
    else {
        return Err(no_context(&kubeconfig));
    };
    if kubeconfig.contexts.iter().all(|c| c.name != context) {
        return Err(unknown_context(&context, &kubeconfig));
    }
    let options = KubeConfigOptions {
        context: Some(context.clone()),
        ..KubeConfigOptions::default()
    };
    let config = Config::from_custom_kubeconfig(kubeconfig, &options)
        .await
        .map_err(|error| invalid(&error))?;
    Ok((config, Some(context)))
}

/// `KUBECONFIG` may list files that are not there: kubectl passes over them, and so do we.
fn read_default() -> Result<Kubeconfig, KubeconfigError> {
    let Some(listed) = std::env::var_os("KUBECONFIG") else {
        return Kubeconfig::read();
    };
    let paths: Vec<PathBuf> = std::env::split_paths(&listed).collect();
    let mut there = paths.iter().filter(|path| path.exists()).peekable();
    if there.peek().is_none() {
        return Kubeconfig::read();
    }
    there.try_fold(Kubeconfig::default(), |merged, path| {
        merged.merge(Kubeconfig::read_from(path)?)
    })
}

fn is_missing(error: &KubeconfigError) -> bool {
    match error {
        KubeconfigError::FindPath => true,
        KubeconfigError::ReadConfig(cause, _) => cause.kind() == std::io::ErrorKind::NotFound,
        _ => false,
    }
}

fn no_kubeconfig(error: &KubeconfigError) -> ConnectError {
    let cause = match error {
        KubeconfigError::ReadConfig(_, path) => format!("`{}` does not exist", path.display()),
        _ => "there is none".to_owned(),
    };
    ConnectError {
        kind: ConnectErrorKind::NoKubeconfig,
        doing: "looking for a kubeconfig".to_owned(),
        cause,
        hints: vec!["name it with `--kubeconfig` or in `KUBECONFIG`".to_owned()],
    }
}

fn invalid(error: &KubeconfigError) -> ConnectError {
    let cause = match error {
        // The parser's text quotes the file, which may hold a token.
        KubeconfigError::Parse(_) => "it is not YAML of the expected shape".to_owned(),
        KubeconfigError::ReadConfig(cause, path) => format!("`{}`: {cause}", path.display()),
        other => other.to_string(),
    };
    ConnectError {
        kind: ConnectErrorKind::InvalidKubeconfig,
        doing: "reading the kubeconfig".to_owned(),
        cause,
        hints: vec!["`kubectl config view` shows how it is understood".to_owned()],
    }
}

fn no_context(kubeconfig: &Kubeconfig) -> ConnectError {
    ConnectError {
        kind: ConnectErrorKind::UnknownContext,
        doing: "choosing a context".to_owned(),
        cause: "the kubeconfig has no current one".to_owned(),
        hints: vec![
            "choose one with `--kube-context`".to_owned(),
            list_of_contexts(kubeconfig),
        ],
    }
}

fn unknown_context(wanted: &str, kubeconfig: &Kubeconfig) -> ConnectError {
    let alike = kubeconfig
        .contexts
        .iter()
        .map(|context| (strsim::jaro_winkler(wanted, &context.name), &context.name))
        .filter(|(score, _)| *score >= ALIKE)
        .max_by(|a, b| a.0.total_cmp(&b.0));
    let mut hints = Vec::new();
    if let Some((_, name)) = alike {
        hints.push(format!("did you mean `{name}`?"));
    }
    hints.push(list_of_contexts(kubeconfig));
    ConnectError {
        kind: ConnectErrorKind::UnknownContext,
        doing: "choosing a context".to_owned(),
        cause: format!("the kubeconfig has no context `{wanted}`"),
        hints,
    }
}

fn list_of_contexts(kubeconfig: &Kubeconfig) -> String {
    let mut names: Vec<String> = kubeconfig
        .contexts
        .iter()
        .map(|context| format!("`{}`", context.name))
        .collect();
    if names.is_empty() {
        return "the kubeconfig has no contexts at all".to_owned();
    }
    names.sort();
    format!("the contexts are {}", names.join(", "))
}

fn refused(doing: &str, error: &kube::Error, context: Option<&str>) -> ConnectError {
    let cause = error::cause(error);
    let lower = cause.to_lowercase();
    let denied = match error {
        kube::Error::Auth(_) => true,
        kube::Error::Api(status) => matches!(status.code, 401 | 403),
        _ => false,
    };
    // rustls has no type of its own in kube's errors; its texts speak of these.
    let untrusted = ["certificate", "tls", "corrupt message"]
        .iter()
        .any(|word| lower.contains(word));
    let (kind, hint) = if denied {
        let whose = context.map_or(String::new(), |name| format!(" of context `{name}`"));
        let hint = format!("log in again: the credentials{whose} are refused or have expired");
        (ConnectErrorKind::Denied, hint)
    } else if untrusted {
        let hint =
            "check `server` and `certificate-authority-data` of the cluster in the kubeconfig";
        (ConnectErrorKind::Tls, hint.to_owned())
    } else {
        return unreachable(doing.to_owned(), cause);
    };
    ConnectError {
        kind,
        doing: doing.to_owned(),
        cause,
        hints: vec![hint],
    }
}

fn unreachable(doing: String, cause: String) -> ConnectError {
    ConnectError {
        kind: ConnectErrorKind::Unreachable,
        doing,
        cause,
        hints: vec![
            "is the cluster running, and reachable from here (VPN, proxy, firewall)?".to_owned(),
            "choose another with `--kube-context`".to_owned(),
        ],
    }
}

fn address(config: &Config) -> String {
    let url = &config.cluster_url;
    let host = url.host().unwrap_or("?");
    let port = url.port_u16().unwrap_or(match url.scheme_str() {
        Some("http") => 80,
        _ => 443,
    });
    format!("{host}:{port}")
}
