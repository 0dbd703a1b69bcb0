//! The way to a cluster: which one is meant, and whether it answers.

mod refusal;

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use kube::config::{KubeConfigOptions, Kubeconfig, KubeconfigError};
use kube::{Client, Config};

use super::{Cluster, ServerVersion};
use crate::files;
use crate::names::IN_CLUSTER;
use refusal::{invalid, no_context, no_kubeconfig, refused, unknown_context, unreachable};

pub use refusal::{ConnectError, ConnectErrorKind};

/// The longest that the first question to the API server may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// A kubeconfig has a few kilobytes for each context.
const LARGEST: u64 = 16 * 1024 * 1024;
/// A connection that is silent for longer is taken for dead. Watches end after a minute and
/// start anew, so that theirs is never silent for so long.
const SILENCE: Duration = Duration::from_secs(75);
/// Logs may well be silent; after so long the stream is opened anew.
const LOG_SILENCE: Duration = Duration::from_secs(600);

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
        let made = clients(config).await;
        let (client, logs) = made.map_err(|error| refused(&doing, &error, context.as_deref()))?;
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

/// One for questions and watches, one for logs. A login command of the kubeconfig runs here, for as
/// long as it likes, and blocks its thread.
async fn clients(config: Config) -> Result<(Client, Client), kube::Error> {
    let made = tokio::task::spawn_blocking(move || {
        let mut patient = config.clone();
        patient.read_timeout = Some(LOG_SILENCE);
        Ok((Client::try_from(config)?, Client::try_from(patient)?))
    });
    made.await
        .map_err(|error| kube::Error::Service(error.into()))?
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
        Some(path) => read_from(path),
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
    look_at_files(&kubeconfig).map_err(|error| invalid(&error))?;
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
    let listed = std::env::var_os("KUBECONFIG").unwrap_or_default();
    let mut paths: Vec<PathBuf> = std::env::split_paths(&listed).collect();
    if listed.is_empty() {
        paths.extend(std::env::home_dir().map(|home| home.join(".kube/config")));
    }
    let mut there = paths.iter().filter(|path| path.exists()).peekable();
    if there.peek().is_none() {
        return Kubeconfig::read();
    }
    there.try_fold(Kubeconfig::default(), |merged, path| {
        merged.merge(read_from(path)?)
    })
}

fn read_from(path: &Path) -> Result<Kubeconfig, KubeconfigError> {
    let looked = files::check(path, LARGEST);
    looked.map_err(|error| KubeconfigError::ReadConfig(error, path.to_owned()))?;
    Kubeconfig::read_from(path)
}

/// Looks at the files that a kubeconfig names, before they are read.
fn look_at_files(kubeconfig: &Kubeconfig) -> Result<(), KubeconfigError> {
    let clusters = kubeconfig.clusters.iter();
    let of_clusters = clusters.filter_map(|it| it.cluster.as_ref()?.certificate_authority.as_ref());
    let users = kubeconfig.auth_infos.iter();
    let of_users = users.filter_map(|it| it.auth_info.as_ref()).flat_map(|it| {
        let files = [&it.client_certificate, &it.client_key, &it.token_file];
        files.into_iter().flatten()
    });
    for path in of_clusters.chain(of_users).map(Path::new) {
        match files::check(path, LARGEST) {
            // One of another context may be missing; of this one, that is told by whoever reads it.
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(KubeconfigError::ReadConfig(error, path.to_owned()));
            }
            _ => {}
        }
    }
    Ok(())
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
