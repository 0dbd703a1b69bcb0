//! Hooks that failed, and time that was up. The cluster knows more of both; what is said here
//! stands where it shows nothing.

use super::parse::{Named, Said, after, between, brief};
use super::{About, Cause, Failure, SENTENCE_LIMIT};

const EVENTS: [&str; 6] = [
    "pre-install",
    "post-install",
    "pre-upgrade",
    "post-upgrade",
    "pre-delete",
    "post-delete",
];

pub fn find(about: &About<'_>, said: &Said) -> Option<Failure> {
    let text = said.text.as_str();
    if about.uninstalls
        && let Some(failure) = of_removal(about, text)
    {
        return Some(failure);
    }
    let event = EVENTS.iter().find(|event| {
        text.starts_with(&format!("failed {event}: "))
            || text.contains(&format!("{event} hooks failed: "))
    })?;
    let why = after(text, &format!("failed {event}: "))
        .or_else(|| after(text, &format!("{event} hooks failed: ")))?;
    let why = why.trim_start_matches("1 error occurred: * ").trim();
    if let Some(object) = there_already(why) {
        let short = object.short();
        let delete = about.kubectl(Some(about.namespace.as_str()), &format!("delete {short}"));
        return Some(
            Failure::new(
                Cause::Hook,
                format!("{event} hook {short} is there already from an earlier run"),
            )
            .through(short)
            .hint(format!(
                "`{delete}`, and give the hook `helm.sh/hook-delete-policy: before-hook-creation`"
            )),
        );
    }
    let object = hook_object(why);
    let which = object
        .as_ref()
        .map_or_else(String::new, |object| format!(" {}", object.short()));
    let (cause, sentence) = if is_timeout(why) {
        (Cause::TimedOut, not_done(event, &which))
    } else {
        let why = brief(reason(why), SENTENCE_LIMIT);
        (
            Cause::Hook,
            format!("its {event} hook{which} failed: {why}"),
        )
    };
    let mut failure = Failure::new(cause, sentence);
    failure.chain = object.iter().map(Named::short).collect();
    Some(failure)
}

/// helm names no event here. It stops before anything is removed where a `pre-delete` hook fails, and
/// goes on to the end where a `post-delete` hook does (helm `pkg/action/uninstall.go`).
fn of_removal(about: &About<'_>, text: &str) -> Option<Failure> {
    let object = hook_object(text)?;
    let is_over = text.contains("uninstallation completed with ");
    let event = match is_over {
        true => "post-delete",
        false => "pre-delete",
    };
    let short = object.short();
    let failure = match is_timeout(text) {
        true => Failure::new(Cause::TimedOut, not_done(event, &format!(" {short}"))),
        false => {
            let why = brief(reason(text), SENTENCE_LIMIT);
            let sentence = format!("its {event} hook {short} failed: {why}");
            Failure::new(Cause::Hook, sentence)
        }
    };
    let failure = failure.through(short);
    Some(match is_over {
        true => failure.hint(
            "helm has removed the release all the same: what the hook was to do is left to be done \
             by hand",
        ),
        false => {
            let release = about.release;
            let uninstall = about.helm(&format!("uninstall {release} --no-hooks"));
            failure.hint(format!("`{uninstall}` removes the release without it"))
        }
    })
}

/// The last resort before a text counts as unknown.
pub fn find_any_timeout(_: &About<'_>, said: &Said) -> Option<Failure> {
    is_timeout(&said.text).then(|| {
        Failure::new(Cause::TimedOut, "helm was not done when its time was up")
            .hint("a longer `timeout` of this release gives it more")
    })
}

fn not_done(event: &str, which: &str) -> String {
    format!("its {event} hook{which} was not done when its time was up")
}

fn is_timeout(text: &str) -> bool {
    text.contains("timed out waiting for the condition")
        || text.contains("context deadline exceeded")
}

/// `warning: Hook pre-install web/templates/job.yaml failed: jobs.batch "migrate" already exists`
fn there_already(why: &str) -> Option<Named> {
    let before = why.split_once("\" already exists")?.0;
    let (kind, name) = before.rsplit_once(" \"")?;
    let kind = kind.rsplit([' ', '\t']).next()?.split('.').next()?;
    Named::new(kind.strip_suffix('s').unwrap_or(kind), name)
}

/// `resource Job/shop/migrate not ready. status: Failed, message: ...`, `job migrate failed: ...`
fn hook_object(why: &str) -> Option<Named> {
    if let Some(path) = between(why, "resource ", " not ready") {
        let mut parts = path.split('/');
        let kind = parts.next()?;
        return Named::new(kind, parts.next_back()?);
    }
    let name = between(why, "job ", " failed: ")?;
    Named::new("job", name)
}

fn reason(why: &str) -> &str {
    after(why, "message: ")
        .or_else(|| after(why, "job failed: "))
        .or_else(|| after(why, " failed: "))
        .unwrap_or(why)
}
