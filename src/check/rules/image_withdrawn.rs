use super::Rule;
use crate::check::finding::{Findings, Severity};
use crate::check::stack::Stack;

pub const RULE: Rule = Rule {
    id: "image-withdrawn",
    severity: Severity::Error,
    summary: "An image's repository is withdrawn",
    why: "its versions are gone or frozen: a node that has not got the image can't pull it any more",
    remedy: "use the image that took its place, from a registry that is looked after",
    check,
};

/// Beginnings of images, and what became of them (bitnami/charts#35164, kubernetes/k8s.io#4780).
const WITHDRAWN: [(&str, &str); 6] = [
    ("docker.io/bitnami/", "its versions were taken away in 2025"),
    ("bitnami/", "its versions were taken away in 2025"),
    ("docker.io/bitnamilegacy/", "it is frozen since 2025"),
    ("bitnamilegacy/", "it is frozen since 2025"),
    (
        "k8s.gcr.io/",
        "it is frozen since 2023; `registry.k8s.io` took its place",
    ),
    (
        "gcr.io/google_containers/",
        "it is frozen; `registry.k8s.io` took its place",
    ),
];

fn check(stack: &Stack, findings: &mut Findings) {
    for (release, object, container) in stack.containers() {
        let image = container.image();
        let known = WITHDRAWN.iter().find(|(start, _)| image.starts_with(start));
        if let Some((_, what)) = known {
            let message = format!(
                "container `{}` of {} runs `{image}`: {what}",
                container.name(),
                object.title()
            );
            findings.at(release, object, message).near(image);
        }
    }
}
