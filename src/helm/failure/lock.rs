//! Releases that helm holds, or that somebody else has made.

use super::parse::Said;
use super::{About, Cause, Failure};

pub fn find(about: &About<'_>, said: &Said) -> Option<Failure> {
    let release = about.release;
    let text = said.text.as_str();
    if text.contains("another operation (install/upgrade/rollback) is in progress") {
        let sentence = format!(
            "release `{release}` is locked: a helm is at work on it, or one was killed in the middle"
        );
        let history = about.helm(&format!("history {release}"));
        let rollback = about.helm(&format!("rollback {release} REVISION"));
        let uninstall = about.helm(&format!("uninstall {release}"));
        return Some(
            Failure::new(Cause::Pending, sentence)
                .hint(format!(
                    "`{history}` shows since when its last revision is pending; let a helm that is \
                     at work end"
                ))
                .hint(format!(
                    "if none is, go back to its last revision that is deployed: `{rollback}`"
                ))
                .hint(format!(
                    "if none ever was, `{uninstall}`: it deletes what the first install has made, \
                     volumes too"
                )),
        );
    }
    if text.ends_with("\" has no deployed releases") {
        let uninstall = about.helm(&format!("uninstall {release}"));
        let sentence =
            format!("release `{release}` is half-way in or out: no revision of it is deployed");
        return Some(Failure::new(Cause::Pending, sentence).hint(format!(
            "`{uninstall}`, then run this again; it deletes what is left of it, volumes too"
        )));
    }
    let taken = text.contains("cannot re-use a name that is still in use")
        || text.contains("cannot reuse a name that is still in use")
        || text.ends_with("release: already exists");
    taken.then(|| {
        let sentence = format!(
            "somebody else has made a release `{release}` in namespace `{}` at the same moment",
            about.namespace
        );
        let history = about.helm(&format!("history {release}"));
        Failure::new(Cause::NameInUse, sentence)
            .hint(format!("`{history}` shows what it is"))
            .hint("if it is the same stack, run this again when the other run is through")
    })
}
