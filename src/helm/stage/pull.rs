//! What is not on this machine is pulled by the real helm, with its own registry and repository
//! configuration: one after the other, each once.

use std::collections::{HashMap, HashSet};
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

use super::{LARGEST_FILE, Staged, Staging, label};
use crate::files;
use crate::helm::binary::Binary;
use crate::helm::environment;
use crate::helm::workspace::Workspace;
use crate::names::ReleaseId;
use crate::process::{self, Ended, Program};

/// How long one chart may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// Of helm's `repositories.yaml`.
const LARGEST_LIST: u64 = 10 * 1024 * 1024;

/// A chart that is elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Pull {
    place: Place,
    version: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Place {
    /// `oci://registry/path/name`
    Registry(String),
    /// A repository that helm knows by name.
    Known { repository: String, name: String },
    /// A repository by its address.
    Address { url: String, name: String },
}

/// What is to be pulled, and for what.
#[derive(Debug)]
pub struct Wanted {
    pub pull: Pull,
    /// The folder that its archive goes into.
    pub into: PathBuf,
    /// The chart that needs it, or itself.
    pub chart: String,
}

#[derive(Debug, thiserror::Error)]
#[error("{what} can't be pulled: {why}")]
pub struct PullError {
    what: String,
    why: String,
    pub hint: Option<String>,
}

impl Pull {
    /// `oci://...` or `repository/name`, as the profile writes it.
    pub fn chart(reference: &str, version: Option<&str>) -> Pull {
        let place = match reference.split_once('/') {
            Some((repository, name)) if !reference.contains("://") => Place::Known {
                repository: repository.to_owned(),
                name: name.to_owned(),
            },
            _ => Place::Registry(reference.to_owned()),
        };
        Pull {
            place,
            version: version.map(str::to_owned),
        }
    }

    /// A dependency from what `Chart.yaml` gives as its `repository`: an address, `oci://...`,
    /// `@name` or `alias:name`.
    pub fn dependency(repository: &str, name: &str, version: Option<&str>) -> Pull {
        let known = repository
            .strip_prefix('@')
            .or_else(|| repository.strip_prefix("alias:"));
        let name = name.to_owned();
        let place = match known {
            Some(known) => Place::Known {
                repository: known.to_owned(),
                name,
            },
            None if repository.starts_with("oci://") => {
                Place::Registry(format!("{}/{name}", repository.trim_end_matches('/')))
            }
            None => Place::Address {
                url: repository.to_owned(),
                name,
            },
        };
        Pull {
            place,
            version: version.map(str::to_owned),
        }
    }

    /// What helm is told.
    fn args(&self, into: &Path) -> Vec<OsString> {
        let mut args: Vec<OsString> = vec!["pull".into()];
        match &self.place {
            Place::Registry(reference) => args.push(reference.into()),
            Place::Known { repository, name } => args.push(format!("{repository}/{name}").into()),
            Place::Address { url, name } => {
                args.extend([name.into(), "--repo".into(), url.into()]);
            }
        }
        if let Some(version) = &self.version {
            args.extend(["--version".into(), version.into()]);
        }
        args.extend(["--destination".into(), into.into()]);
        args
    }

    fn reads_as_a_flag(&self) -> bool {
        let parts = match &self.place {
            Place::Registry(reference) => [reference.as_str(), ""],
            Place::Known { repository, name } => [repository.as_str(), name],
            Place::Address { url, name } => [url.as_str(), name],
        };
        let mut all = parts.into_iter().chain(self.version.as_deref());
        all.any(|part| part.starts_with('-'))
    }

    fn title(&self) -> String {
        match &self.place {
            Place::Registry(reference) => format!("`{reference}`"),
            Place::Known { repository, name } => format!("`{repository}/{name}`"),
            Place::Address { url, name } => format!("`{name}` from `{}`", without_password(url)),
        }
    }

    /// Registries on this machine are mostly those of a developer, and have no certificate.
    fn is_loopback(&self) -> bool {
        let Place::Registry(reference) = &self.place else {
            return false;
        };
        let host = reference.trim_start_matches("oci://");
        let host = host.split('/').next().unwrap_or_default();
        ["localhost", "127.0.0.1", "[::1]"]
            .iter()
            .any(|own| host == *own || host.starts_with(&format!("{own}:")))
    }

    fn hint(&self, why: &str) -> Option<String> {
        let denied = ["401", "403", "unauthorized", "denied", "credential"]
            .iter()
            .any(|word| why.to_lowercase().contains(word));
        match &self.place {
            Place::Registry(reference) if denied => {
                let host = reference.trim_start_matches("oci://");
                let host = host.split('/').next().unwrap_or_default();
                Some(format!(
                    "`helm registry login {host}` keeps a password for it"
                ))
            }
            Place::Known { repository, .. }
                if why.contains("no repositories") || why.contains("repo not found") =>
            {
                Some(format!("`helm repo add {repository} URL` makes it known"))
            }
            Place::Known { .. } | Place::Address { .. } if denied => {
                Some("`helm repo add NAME URL --username ...` keeps a password for it".to_owned())
            }
            _ => None,
        }
    }
}

impl Staging {
    pub fn is_complete(&self) -> bool {
        self.wanted.is_empty()
    }

    /// Pulls what is not there yet.
    ///
    /// # Errors
    /// Everything that can't be pulled, each with what helm said.
    pub async fn pull(
        self,
        binary: &Binary,
        workspace: &Workspace,
        leash: Option<&Path>,
    ) -> Result<HashMap<ReleaseId, Staged>, Vec<PullError>> {
        let mut helm = Puller {
            binary,
            workspace,
            leash,
            repositories: None,
            updated: HashSet::new(),
        };
        let mut archives: HashMap<Pull, PathBuf> = HashMap::new();
        let mut errors = Vec::new();
        for wanted in &self.wanted {
            let known = match archives.get(&wanted.pull) {
                Some(archive) => copied(archive, &wanted.into),
                None => helm.pull(&wanted.pull, &wanted.into).await,
            };
            match known {
                Ok(archive) => {
                    archives.insert(wanted.pull.clone(), archive);
                }
                Err(why) => errors.push(PullError {
                    what: match wanted.pull.title() {
                        own if own == format!("`{}`", wanted.chart) => own,
                        other => format!("{other}, which chart `{}` needs,", wanted.chart),
                    },
                    hint: wanted.pull.hint(&why),
                    why,
                }),
            }
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        let mut charts = self.charts;
        let pulled = self
            .wanted
            .iter()
            .map(|wanted| (&wanted.into, &wanted.pull));
        let pulled: HashMap<&PathBuf, &Pull> = pulled.collect();
        for staged in charts.values_mut() {
            if let Some(archive) = pulled.get(&staged.path).and_then(|it| archives.get(it)) {
                *staged = Staged {
                    path: archive.clone(),
                    label: label(archive),
                };
            }
        }
        Ok(charts)
    }
}

/// The same archive for another chart.
fn copied(archive: &Path, into: &Path) -> Result<PathBuf, String> {
    let target = into.join(archive.file_name().unwrap_or_default());
    let copied = fs::create_dir_all(into)
        .and_then(|()| files::copy(archive, &target, LARGEST_FILE, &|| true));
    copied.map_err(|error| error.to_string())?;
    Ok(target)
}

struct Puller<'a> {
    binary: &'a Binary,
    workspace: &'a Workspace,
    leash: Option<&'a Path>,
    /// Those that helm knows, once they were asked for.
    repositories: Option<Vec<Repository>>,
    /// Whose index was brought.
    updated: HashSet<String>,
}

/// An entry of helm's `repositories.yaml`, as far as it matters here.
#[derive(Debug, Clone, Deserialize)]
struct Repository {
    name: String,
    #[serde(default)]
    url: String,
}

#[derive(Debug, Default, Deserialize)]
struct Repositories {
    #[serde(default)]
    repositories: Vec<Repository>,
}

impl Puller<'_> {
    /// Returns the archive.
    async fn pull(&mut self, pull: &Pull, into: &Path) -> Result<PathBuf, String> {
        if pull.reads_as_a_flag() {
            return Err("it is no name of a repository or a chart".to_owned());
        }
        let pull = self.by_name(pull).await?;
        if let Place::Known { repository, .. } = &pull.place
            && !self.updated.contains(repository)
        {
            self.helm(["repo", "update", repository]).await?;
            self.updated.insert(repository.clone());
        }
        let apart = tempfile::tempdir_in(self.workspace.charts()).map_err(|it| it.to_string())?;
        let args = pull.args(apart.path());
        let pulled = self.helm(&args).await;
        let speaks_http = |why: &String| {
            why.contains("not look like a TLS handshake") || why.contains("HTTP response to HTTPS")
        };
        match pulled {
            Err(why) if pull.is_loopback() && speaks_http(&why) => {
                let plain = args.into_iter().chain(["--plain-http".into()]);
                self.helm(plain).await?;
            }
            other => drop(other?),
        }
        let mut files = fs::read_dir(apart.path()).map_err(|it| it.to_string())?;
        let archive = files.find_map(|file| {
            let path = file.ok()?.path();
            path.extension()
                .is_some_and(|it| it == "tgz")
                .then_some(path)
        });
        let archive = archive.ok_or("helm pulled nothing")?;
        copied(&archive, into)
    }

    /// A repository that helm knows by name too may have a password there.
    async fn by_name(&mut self, pull: &Pull) -> Result<Pull, String> {
        let Place::Address { url, name } = &pull.place else {
            return Ok(pull.clone());
        };
        if self.repositories.is_none() {
            self.repositories = Some(self.known().await?);
        }
        let same =
            |known: &&Repository| known.url.trim_end_matches('/') == url.trim_end_matches('/');
        let known = self.repositories.iter().flatten().find(same);
        Ok(known.map_or_else(
            || pull.clone(),
            |known| Pull {
                place: Place::Known {
                    repository: known.name.clone(),
                    name: name.clone(),
                },
                version: pull.version.clone(),
            },
        ))
    }

    async fn known(&self) -> Result<Vec<Repository>, String> {
        let ended = self.helm(["env", "HELM_REPOSITORY_CONFIG"]).await?;
        let file = process::lines(&ended.stdout).pop().unwrap_or_default();
        let Ok(text) = files::read_text(Path::new(&file), LARGEST_LIST) else {
            return Ok(Vec::new());
        };
        let read: Result<Repositories, _> = serde_saphyr::from_str(&text);
        // What it holds is nobody's business, and passwords are in it.
        let read = read.map_err(|_| format!("`{file}` is not as helm writes it"));
        Ok(read?.repositories)
    }

    async fn helm<A: Into<OsString>>(
        &self,
        args: impl IntoIterator<Item = A>,
    ) -> Result<Ended, String> {
        let mut program = Program::new(&self.binary.path).args(args);
        program.env = environment::of_run(&self.workspace.helm());
        program.leash = self.leash.map(Path::to_owned);
        let ended = program.run_within(PATIENCE).await;
        let ended = ended.map_err(|error| format!("helm can't be started: {error}"))?;
        let Some(ended) = ended else {
            return Err(format!("no answer after {}s", PATIENCE.as_secs()));
        };
        if ended.status.success() {
            return Ok(ended);
        }
        let said = process::lines(&ended.stderr);
        let last = said.iter().rev().find(|line| !line.trim().is_empty());
        Err(last.map_or_else(
            || ended.status.to_string(),
            |line| without_password(line.trim().trim_start_matches("Error: ")),
        ))
    }
}

/// Addresses without the user and the password that may be in them.
fn without_password(text: &str) -> String {
    let mut told = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        told.push_str(before);
        let end = after.find(|c: char| c == '/' || c == '"' || c.is_whitespace());
        let authority = &after[..end.unwrap_or(after.len())];
        rest = match authority.rfind('@') {
            Some(at) => &after[at + 1..],
            None => after,
        };
    }
    told + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(pull: &Pull) -> String {
        let args = pull.args(Path::new("to"));
        let words: Vec<_> = args.iter().map(|it| it.to_string_lossy()).collect();
        words.join(" ")
    }

    #[test]
    fn helm_is_told_where_a_chart_is() {
        let table = [
            (
                Pull::chart("oci://ghcr.io/shop/web", Some("1.2.3")),
                "pull oci://ghcr.io/shop/web --version 1.2.3 --destination to",
            ),
            (
                Pull::chart("shop/web", None),
                "pull shop/web --destination to",
            ),
            (
                Pull::dependency("oci://ghcr.io/shop/", "redis", Some("~1")),
                "pull oci://ghcr.io/shop/redis --version ~1 --destination to",
            ),
            (
                Pull::dependency("@shop", "redis", Some("1.0.0")),
                "pull shop/redis --version 1.0.0 --destination to",
            ),
            (
                Pull::dependency("alias:shop", "redis", None),
                "pull shop/redis --destination to",
            ),
            (
                Pull::dependency("https://charts.example.com", "redis", Some("1.0.0")),
                "pull redis --repo https://charts.example.com --version 1.0.0 --destination to",
            ),
        ];
        for (pull, expected) in table {
            assert_eq!(told(&pull), expected);
        }
    }

    #[test]
    fn only_a_registry_on_this_machine_may_speak_plainly() {
        let is = |reference| Pull::chart(reference, None).is_loopback();
        assert!(is("oci://localhost:5001/charts/web"));
        assert!(is("oci://127.0.0.1/web"));
        assert!(is("oci://[::1]:5001/web"));
        assert!(!is("oci://localhost.example.com/web"));
        assert!(!is("oci://ghcr.io/localhost/web"));
    }

    #[test]
    fn passwords_in_addresses_are_not_repeated() {
        let told = without_password("Get \"https://ann:pw@charts.example.com/index.yaml\": 401");
        assert_eq!(told, "Get \"https://charts.example.com/index.yaml\": 401");
        assert_eq!(without_password("no address, a@b"), "no address, a@b");
        assert_eq!(
            without_password("http://a@b and oci://c@d"),
            "http://b and oci://d"
        );
    }
}
