use super::Rule;
use crate::check::finding::{Findings, Severity};
use crate::check::pod::PodSpec;
use crate::check::stack::Stack;
use crate::wording;

pub const RULE: Rule = Rule {
    id: "claim-shared",
    severity: Severity::Warning,
    summary: "A claim for one node is mounted by several workloads",
    why: "`ReadWriteOnce` is one node at a time: pods on other nodes hang with `Multi-Attach error`, and `ReadWriteOncePod` lets in one pod alone",
    remedy: "claim `ReadWriteMany`, or bring the code into the image",
    check,
};

fn check(stack: &Stack, findings: &mut Findings) {
    let claims = stack
        .objects()
        .filter(|(_, _, it)| it.is("PersistentVolumeClaim"));
    for (_, release, claim) in claims {
        let modes = claim.at("/spec/accessModes").as_array();
        let is_single = modes.is_some_and(|modes| {
            modes
                .iter()
                .all(|mode| mode == "ReadWriteOnce" || mode == "ReadWriteOncePod")
        });
        if !is_single {
            continue;
        }
        let mut users: Vec<String> = Vec::new();
        let (mut pods, mut serving) = (0, 0);
        for (_, _, object) in stack
            .objects()
            .filter(|(_, _, it)| it.namespace == claim.namespace)
        {
            let claims = object.pod().map(PodSpec::claims).unwrap_or_default();
            if claims.iter().any(|it| it.name == claim.name) {
                users.push(object.title());
                let is_serving = object.is_service_like();
                let own = if is_serving { object.replicas() } else { 1 };
                pods += own;
                serving += if is_serving { own } else { 0 };
            }
        }
        if pods > 1 {
            let users = wording::list(&users);
            let message = format!("{} is for one node and mounted by {users}", claim.title());
            // On one node several pods may mount it, and a Job may come when no other pod is there.
            let is_one_pods =
                modes.is_some_and(|modes| modes.iter().all(|mode| mode == "ReadWriteOncePod"));
            let severity = match is_one_pods && serving > 1 {
                true => Severity::Error,
                false => Severity::Warning,
            };
            findings
                .at(release, claim, message)
                .near("accessModes")
                .severity(severity);
        }
    }
}
