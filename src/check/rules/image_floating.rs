use super::Rule;
use crate::check::finding::{Findings, Severity};
use crate::check::pod::PodSpec;
use crate::check::stack::Stack;
use crate::wording;

pub const RULE: Rule = Rule {
    id: "image-floating",
    severity: Severity::Warning,
    summary: "An image's tag moves with time",
    why: "two pods of one revision may run different programs, a rollback does not bring the old one back, and a new image makes no rollout",
    remedy: "name a version, or a digest",
    check,
};

fn check(stack: &Stack, findings: &mut Findings) {
    for (_, release, object) in stack.objects() {
        let mut by_image: Vec<(&str, Vec<String>)> = Vec::new();
        for container in object.pod().into_iter().flat_map(PodSpec::containers) {
            let (image, name) = (container.image(), format!("`{}`", container.name()));
            match by_image.iter_mut().find(|(known, _)| *known == image) {
                Some((_, names)) => names.push(name),
                None => by_image.push((image, vec![name])),
            }
        }
        for (image, names) in by_image {
            let Some(tag) = floating_tag(image) else {
                continue;
            };
            let what = match names.len() {
                1 => "container",
                _ => "containers",
            };
            let message = format!(
                "{what} {} of {}: `{image}`",
                wording::list(&names),
                object.title()
            );
            let finding = findings.at(release, object, message).near(image);
            // Some publish the newest build of a version so, and nothing else.
            if tag != "latest" {
                finding.severity(Severity::Note);
            }
        }
    }
}

fn floating_tag(image: &str) -> Option<&str> {
    // Istio's injector puts the image of its proxy in the place of `auto`.
    if image.is_empty() || image.contains('@') || image == "auto" {
        return None;
    }
    let name = image.rsplit('/').next().unwrap_or_default();
    let tag = name.split_once(':').map_or("latest", |(_, tag)| tag);
    tag.ends_with("latest").then_some(tag)
}
