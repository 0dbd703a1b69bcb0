use super::Rule;
use crate::check::finding::{Findings, Severity};
use crate::check::stack::Stack;

pub const RULE: Rule = Rule {
    id: "hook-order",
    severity: Severity::Error,
    summary: "A hook runs before the hook object that it uses",
    why: "hooks of one weight run in the order of their names, whatever their kinds are",
    remedy: "give what is used a lower `helm.sh/hook-weight`",
    check,
};

fn check(stack: &Stack, findings: &mut Findings) {
    for (at, release, object) in stack.objects() {
        let (Some(hook), Some(pod)) = (&object.hook, object.pod()) else {
            continue;
        };
        for it in pod.uses() {
            let used = stack.find(it.kind, &object.namespace, it.name);
            let mut used = used.filter(|(of, _)| *of == at);
            let late = used.find_map(|(_, used)| {
                let of = used.hook.as_ref()?;
                let shared = of.events.iter().any(|event| hook.events.contains(event));
                (shared && of.order() >= hook.order()).then_some(used)
            });
            if let Some(used) = late {
                let message = format!(
                    "hook {} uses {}, whose weight is not lower than its own",
                    object.title(),
                    used.title()
                );
                findings
                    .at(release, object, message)
                    .near("helm.sh/hook-weight");
            }
        }
    }
}
