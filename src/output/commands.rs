//! Commands in what we say, made complete: who pastes one is to reach the cluster and the profile of
//! this run, and no other.

use std::sync::{PoisonError, RwLock};

use crate::wording::shell_word;

use super::harmless;

/// Verbs of helm that speak to a cluster; the others know no more of one than `helm repo add` does.
const HELM: &[&str] = &["get", "history", "list", "rollback", "status", "uninstall"];
/// Verbs of our own for which no profile and no cluster counts.
const ALONE: &[&str] = &["init", "schema"];

static KNOWN: RwLock<Reach> = RwLock::new(Reach {
    kubeconfig: None,
    context: None,
    given: Vec::new(),
});

/// What a command needs to reach what this run reaches.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reach {
    /// As it was given on the command line.
    pub kubeconfig: Option<String>,
    /// The context that is used, whether it was given or is the current one.
    pub context: Option<String>,
    /// Flags of our own as they were given, `--profile` and `oro`.
    pub given: Vec<(&'static str, String)>,
}

/// From now on commands are completed by this.
pub fn reaching(reach: Reach) {
    *KNOWN.write().unwrap_or_else(PoisonError::into_inner) = reach;
}

/// From now on this context is used.
pub fn reaching_context(context: Option<&str>) {
    let mut known = KNOWN.write().unwrap_or_else(PoisonError::into_inner);
    known.context = context.map(str::to_owned);
}

/// A sentence of ours in which each command between backticks is complete.
pub fn completed(text: &str) -> String {
    let known = KNOWN.read().unwrap_or_else(PoisonError::into_inner);
    known.complete(text)
}

/// One command alone.
pub fn completed_command(command: &str) -> String {
    let known = KNOWN.read().unwrap_or_else(PoisonError::into_inner);
    known.command(command).unwrap_or_else(|| command.to_owned())
}

impl Reach {
    fn complete(&self, text: &str) -> String {
        let parts: Vec<&str> = text.split('`').collect();
        // Behind a last backtick that has no partner is no command.
        let is_command = |at: usize| at % 2 == 1 && at + 1 < parts.len();
        let parts = parts.iter().enumerate().map(|(at, part)| {
            let command = is_command(at).then(|| self.command(part)).flatten();
            command.unwrap_or_else(|| (*part).to_owned())
        });
        parts.collect::<Vec<_>>().join("`")
    }

    /// None for what is no command, or one that tells of a verb alone: `kubectl describe`.
    fn command(&self, command: &str) -> Option<String> {
        let (program, rest) = command.split_once(' ')?;
        let (verb, is_alone) = match rest.split_once(' ') {
            Some((verb, _)) => (verb, false),
            None => (rest, true),
        };
        match program {
            "kubectl" if !is_alone => {
                let mut flags = vec![("--kubeconfig", self.kubeconfig.as_deref())];
                if verb != "config" {
                    flags.push(("--context", self.context.as_deref()));
                }
                // kubectl's flags come first: behind what it is to do there may be a `--`.
                Some(format!("kubectl{} {rest}", missing(command, &flags)))
            }
            "helm" if !is_alone && HELM.contains(&verb) => {
                let flags = [
                    ("--kubeconfig", self.kubeconfig.as_deref()),
                    ("--kube-context", self.context.as_deref()),
                ];
                Some(format!("{command}{}", missing(command, &flags)))
            }
            "stackctl" if !ALONE.contains(&verb) => {
                let given = self.given.iter();
                let flags: Vec<_> = given.map(|(flag, it)| (*flag, Some(&**it))).collect();
                Some(format!("{command}{}", missing(command, &flags)))
            }
            _ => None,
        }
    }
}

/// ` --context prod`: those flags that there is a value for, and that the command does not have.
fn missing(command: &str, flags: &[(&str, Option<&str>)]) -> String {
    let has = |flag: &str| {
        let short = match flag {
            "--profile" => "-p",
            "--namespace" => "-n",
            _ => flag,
        };
        let mut words = command.split([' ', '=']);
        words.any(|word| word == flag || word == short)
    };
    let missing = flags.iter().filter(|(flag, _)| !has(flag));
    let written = missing.filter_map(|(flag, value)| {
        let value = shell_word(&harmless((*value)?));
        Some(format!(" {flag} {value}"))
    });
    written.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reach() -> Reach {
        Reach {
            kubeconfig: None,
            context: Some("prod".to_owned()),
            given: vec![
                ("--profile", "oro".to_owned()),
                ("--kube-context", "prod".to_owned()),
            ],
        }
    }

    #[test]
    fn commands_go_where_the_run_went() {
        let cases = [
            (
                "if there is none: `kubectl patch job/a -n x --type merge -p '{\"a\":null}'`",
                "if there is none: `kubectl --context prod patch job/a -n x --type merge -p '{\"a\":null}'`",
            ),
            (
                "`helm history web -n shop` shows since when; let it end",
                "`helm history web -n shop --kube-context prod` shows since when; let it end",
            ),
            (
                "`stackctl logs web` or `stackctl history`",
                "`stackctl logs web --profile oro --kube-context prod` or \
                 `stackctl history --profile oro --kube-context prod`",
            ),
            (
                "deployment/web: paused (`kubectl rollout resume deployment/web -n shop` lets it go on)",
                "deployment/web: paused (`kubectl --context prod rollout resume deployment/web -n shop` \
                 lets it go on)",
            ),
        ];
        for (text, complete) in cases {
            assert_eq!(reach().complete(text), complete);
            assert_eq!(reach().complete(complete), complete, "twice is once");
        }
    }

    #[test]
    fn what_is_no_command_for_a_cluster_stays() {
        let texts = [
            "`helm lint charts/web` shows it too",
            "run `helm dependency build charts/web` once",
            "`kubectl describe` of the pod shows what its node does not take",
            "without it `helm uninstall` fails",
            "name the folder: `stackctl init FOLDER`",
            "`kubectl config view` shows how it is understood",
            "kubectl get pods, with no backticks",
            "a backtick alone: `kubectl get pods -n shop",
            "`kubectl --context other -n shop delete pod/a`",
            "`up` waits for `timeout`",
        ];
        for text in texts {
            assert_eq!(reach().complete(text), text);
        }
    }

    #[test]
    fn a_kubeconfig_is_named_too_and_all_is_quoted_for_a_shell() {
        let reach = Reach {
            kubeconfig: Some("my config".to_owned()),
            context: Some("a$b".to_owned()),
            given: Vec::new(),
        };
        assert_eq!(
            reach.complete("`kubectl get nodes` and `kubectl config view`"),
            "`kubectl --kubeconfig 'my config' --context 'a$b' get nodes` and \
             `kubectl --kubeconfig 'my config' config view`"
        );
        let other = Reach::default();
        assert_eq!(
            other.complete("`kubectl get nodes`, `stackctl history`"),
            "`kubectl get nodes`, `stackctl history`"
        );
    }
}
