//! The way to a cluster: which one is meant, and whether it answers.

mod refusal;

use std::path::PathBuf;
use std::time::Duration;

use kube::config::{KubeConfigOptions, Kubeconfig, KubeconfigError};
use kube::{Client, Config};

use super::{Cluster, ServerVersion};
use refusal::{invalid, no_context, no_kubeconfig, refused, unknown_context, unreachable};

pub use refusal::{ConnectError, ConnectErrorKind};

/// The longest that the first question to the API server may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// A connection that is silent for longer is taken for dead. Watches end after a minute and
/// start anew, so that theirs is never silent for so long.
const SILENCE: Duration = Duration::from_secs(75);
/// Logs may well be silent; after so long the stream is opened anew.
const LOG_SILENCE: Duration = Duration::from_secs(600);
/// The name of the context where the program runs in a pod of the cluster.
const IN_CLUSTER: &str = "in-cluster";

/// Which cluster is meant. What is None is taken from `KUBECONFIG`, `~/.kube/config` and its
/// current context, or from the pod that the program runs in.
#[derive(Debug, Clone, Default)]
pub struct Target {
    pub kubeconfig: Option<PathBuf>,
    pub context: Option<String>,
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
        // The API server's audit log tells by it who asked; kube sends none of its own.
        let agent = concat!("stackctl/", env!("CARGO_PKG_VERSION")).parse();
        if let (Ok(header), Ok(agent)) = ("user-agent".parse(), agent) {
            config.headers.push((header, agent));
        }
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

fn address(config: &Config) -> String {
    let url = &config.cluster_url;
    let host = url.host().unwrap_or("?");
    let port = url.port_u16().unwrap_or(match url.scheme_str() {
        Some("http") => 80,
        _ => 443,
    });
    format!("{host}:{port}")
}
