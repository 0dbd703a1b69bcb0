use super::Rule;
use crate::check::finding::{Findings, Severity};
use crate::check::pod::PodSpec;
use crate::check::stack::Stack;

pub const RULE: Rule = Rule {
    id: "migration-per-replica",
    severity: Severity::Warning,
    summary: "Each replica runs the migration",
    why: "init containers run once for each pod: several replicas, an autoscaler or the surge of an upgrade run migrations at the same time",
    remedy: "run it in a Job of a release before, or be sure that it takes a lock and may run again",
    check,
};

const WORDS: [&str; 3] = ["migrat", "seed", "load-data"];

fn check(stack: &Stack, findings: &mut Findings) {
    for (_, release, object) in stack.objects().filter(|(_, _, it)| it.is_service_like()) {
        let scaled = stack.objects().any(|(_, _, scaler)| {
            scaler.is("HorizontalPodAutoscaler")
                && scaler.namespace == object.namespace
                && scaler.text("/spec/scaleTargetRef/name") == Some(object.name.as_str())
        });
        if !scaled && object.replicas() < 2 {
            continue;
        }
        for container in object.pod().into_iter().flat_map(PodSpec::inits) {
            let words = [container.words(), vec![container.name(), container.image()]].concat();
            let is_migration = words
                .iter()
                .any(|word| WORDS.iter().any(|it| word.contains(it)));
            if is_migration {
                let message = format!(
                    "init container `{}` runs for each replica of {}",
                    container.name(),
                    object.title()
                );
                findings.at(release, object, message).near(container.name());
            }
        }
    }
}
