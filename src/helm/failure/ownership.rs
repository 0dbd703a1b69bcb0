//! Objects that are there already and are not this release's.

use super::parse::{Named, Said, between};
use super::{About, Cause, Failure};
use crate::helm::Version;

/// The first helm that can take objects over.
const TAKES_OVER: Version = Version {
    major: 3,
    minor: 17,
};

pub fn find(about: &About<'_>, said: &Said) -> Option<Failure> {
    const EXISTS: &str = " exists and cannot be imported into the current release: ";
    let (before, why) = said.text.split_once(EXISTS)?;
    let before = before.rsplit("nable to continue with ").next()?;
    let object = before.split_once(": ").map_or(before, |(_, object)| object);
    let kind = object.split(" \"").next()?;
    let name = between(object, " \"", "\"")?;
    let namespace = between(object, "in namespace \"", "\"").filter(|ns| !ns.is_empty());
    let object = Named::new(kind, name)?;
    let (short, chart, release) = (object.short(), about.chart, about.release);

    let own = |key: &str, ours: &str| match value(why, key) {
        Found::Other(other) => Some(other),
        Found::Right => Some(ours.to_owned()),
        Found::Missing => None,
    };
    let owner = own("meta.helm.sh/release-name", release.as_str());
    let owner_namespace = own("meta.helm.sh/release-namespace", about.namespace.as_str());
    let tool = match value(why, "app.kubernetes.io/managed-by") {
        Found::Other(tool) => Some(tool),
        Found::Right | Found::Missing => None,
    };
    let take = about.helm(&format!(
        "upgrade --install {release} {chart} --take-ownership"
    ));
    let can_take = about.version >= TAKES_OVER;
    let failure = |sentence| Failure::new(Cause::Ownership, sentence).through(short.clone());
    let failure = match (owner, owner_namespace) {
        (Some(owner), owner_namespace) => {
            let home = owner_namespace.as_deref();
            let home = home.unwrap_or(about.namespace.as_str());
            let place = match home == about.namespace.as_str() {
                true => String::new(),
                false => format!(" in namespace `{home}`"),
            };
            let failure = failure(format!("{short} belongs to release `{owner}`{place}"))
                .hint("give it another name in one of the two charts, or leave it out of one");
            let failure = match can_take {
                true => {
                    let keep = format!("annotate {short} helm.sh/resource-policy=keep");
                    let keep = about.kubectl(namespace, &keep);
                    failure.hint(format!(
                        "or move it here: `{keep}` first, or the upgrade of `{owner}` that leaves it \
                         out deletes it; then `{take}` with this release's values, once; and take the \
                         annotation away when `{owner}` is upgraded"
                    ))
                }
                false => failure,
            };
            failure.hint(format!(
                "if `{owner}` is an earlier name or place of this release: `helm uninstall {owner} -n \
                 {home}` removes it there, with all that it holds"
            ))
        }
        (None, _) => {
            let by = tool.map_or_else(
                || "belongs to no helm release: somebody has made it, or a hook".to_owned(),
                |tool| format!("`{tool}` manages it"),
            );
            let delete = about.kubectl(namespace, &format!("delete {short}"));
            let failure = failure(format!("{short} is there already, and {by}"))
                .hint(format!("if nobody needs it as it is: `{delete}`"));
            if !can_take {
                return Some(failure);
            }
            failure.hint(format!(
                "or let helm take it over: `{take}` with this release's values, once; from then on \
                 helm overwrites it, and deletes it with the release"
            ))
        }
    };
    Some(failure)
}

enum Found {
    Missing,
    Other(String),
    /// Not complained about.
    Right,
}

fn value(why: &str, key: &str) -> Found {
    if why.contains(&format!("missing key \"{key}\"")) {
        return Found::Missing;
    }
    let complaint = why
        .split(';')
        .find(|part| part.contains(&format!("key \"{key}\" must equal")));
    let current = complaint.and_then(|part| part.split_once("current value is \""));
    match current {
        Some((_, value)) => Found::Other(value.split('"').next().unwrap_or_default().to_owned()),
        None => Found::Right,
    }
}
