use kube::client::AuthError;
use kube::config::{Kubeconfig, KubeconfigError};

use crate::cluster::error;

/// How alike (Jaro-Winkler) a context's name must be to be offered.
const ALIKE: f64 = 0.8;

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

pub(super) fn no_kubeconfig(error: &KubeconfigError) -> ConnectError {
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

pub(super) fn invalid(error: &KubeconfigError) -> ConnectError {
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

pub(super) fn no_context(kubeconfig: &Kubeconfig) -> ConnectError {
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

pub(super) fn unknown_context(wanted: &str, kubeconfig: &Kubeconfig) -> ConnectError {
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
    names.sort();
    match names.as_slice() {
        [] => "the kubeconfig has no contexts at all".to_owned(),
        [only] => format!("the only context is {only}"),
        several => format!("the contexts are {}", several.join(", ")),
    }
}

pub(super) fn refused(doing: &str, error: &kube::Error, context: Option<&str>) -> ConnectError {
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
    let (kind, hint) = if let kube::Error::Auth(AuthError::AuthExecStart(_)) = error {
        let hint = "install it, or mend `users[].user.exec` of the kubeconfig".to_owned();
        (ConnectErrorKind::Denied, hint)
    } else if denied {
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

pub(super) fn unreachable(doing: String, cause: String) -> ConnectError {
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
