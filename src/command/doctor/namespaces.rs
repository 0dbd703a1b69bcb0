//! Whether the namespaces of a stack are there, or can be.

use crate::cluster::Cluster;
use crate::command::namespaces;
use crate::doctor::Check;
use crate::names::Namespace;
use crate::plan::Plan;
use crate::runner::ports::Ensured;

pub async fn check(cluster: &Cluster, plan: &Plan) -> Vec<Check> {
    let mut checks = Vec::new();
    for namespace in plan.namespaces() {
        checks.push(match cluster.find_namespace(&namespace).await {
            Ok(Ensured::Going(kept)) => going(plan, &namespace, &kept),
            Ok(Ensured::Assumed) => {
                let says = "is there is not known: these credentials may not read namespaces";
                Check::warning("namespace", format!("whether `{namespace}` {says}"))
            }
            Ok(Ensured::Existed | Ensured::Made) => {
                Check::good("namespace", format!("`{namespace}` is there"))
            }
            Ok(Ensured::Missing) if plan.create_namespace => {
                Check::good("namespace", format!("`{namespace}` will be made"))
            }
            Ok(Ensured::Missing) if plan.may_be_brought(&namespace) => {
                let text = format!("`{namespace}` is missing: a release has to bring it");
                Check::warning("namespace", text)
            }
            Ok(Ensured::Missing) => {
                Check::problem("namespace", format!("there is no `{namespace}`"))
                    .hint("make it, or let the profile say `createNamespace: true`")
            }
            Err(error) => Check::problem("namespace", error.to_string()),
        });
    }
    checks
}

/// A run that may make it anew waits until it is gone.
fn going(plan: &Plan, namespace: &Namespace, kept: &[String]) -> Check {
    let why = match kept {
        [] => String::new(),
        kept => format!(": {}", kept.join("; ")),
    };
    let says = format!("`{namespace}` is being deleted{why}");
    let check = match plan.create_namespace {
        true => Check::warning("namespace", format!("{says}; `up` waits until it is gone")),
        false => Check::problem("namespace", says),
    };
    check.hint(namespaces::show(namespace))
}
