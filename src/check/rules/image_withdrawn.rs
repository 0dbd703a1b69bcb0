use super::Rule;
use crate::check::finding::{Findings, Severity};
use crate::check::stack::Stack;

pub const RULE: Rule = Rule {
    id: "image-withdrawn",
    severity: Severity::Error,
    summary: "An image's repository is withdrawn",
    why: "its versions are gone, and a node that has not got the image can't pull it any more; or they are frozen, and never mended",
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
            // What is frozen can be pulled still, and so can the newest build of some.
            let is_there = !what.contains("taken away") || is_latest(image);
            let severity = match is_there {
                true => Severity::Warning,
                false => Severity::Error,
            };
            findings
                .at(release, object, message)
                .near(image)
                .severity(severity);
        }
    }
}

/// No tag is `latest`, unless a digest says which image it is.
fn is_latest(image: &str) -> bool {
    let (tagged, digest) = match image.split_once('@') {
        Some((tagged, _)) => (tagged, true),
        None => (image, false),
    };
    let name = tagged.rsplit('/').next().unwrap_or_default();
    match name.split_once(':') {
        Some((_, tag)) => tag == "latest",
        None => !digest,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_pulled_as_the_newest_build() {
        let cases = [
            ("bitnami/kubectl", true),
            ("bitnami/kubectl:latest", true),
            ("bitnami/kubectl:latest@sha256:0ab1", true),
            ("docker.io/bitnami/kubectl", true),
            ("bitnami/kubectl@sha256:0ab1", false),
            ("bitnami/kubectl:1.30", false),
            ("bitnami/kubectl:1.30@sha256:0ab1", false),
        ];
        for (image, expected) in cases {
            assert_eq!(is_latest(image), expected, "{image}");
        }
    }
}
