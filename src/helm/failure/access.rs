//! The API server says no: rights, credentials, quotas, namespaces.

use super::parse::{Named, Said, after, between, brief, word_before};
use super::{About, Cause, Failure, SENTENCE_LIMIT};

pub fn find(about: &About<'_>, said: &Said) -> Option<Failure> {
    let text = said.text.as_str();
    forbidden(about, text)
        .or_else(|| escalation(text))
        .or_else(|| quota(about, text))
        .or_else(|| ending_namespace(about, text))
        .or_else(|| no_namespace(about, text))
        .or_else(|| credentials(about, text))
}

/// `secrets is forbidden: User "ci" cannot list resource "secrets" in API group "" in the
/// namespace "shop"`
fn forbidden(about: &About<'_>, text: &str) -> Option<Failure> {
    let rest = after(text, " is forbidden: User \"")?;
    let (user, rest) = rest.split_once("\" cannot ")?;
    let (verb, rest) = rest.split_once(" resource \"")?;
    let (resource, rest) = rest.split_once('"')?;
    let group = between(rest, "in API group \"", "\"").unwrap_or_default();
    let namespace = between(rest, "in the namespace \"", "\"");
    let named = match group {
        "" => resource.to_owned(),
        group => format!("{resource}.{group}"),
    };
    let place = match namespace {
        Some(namespace) => format!("in namespace `{namespace}`"),
        None => "in the whole cluster".to_owned(),
    };
    let sentence = format!("`{user}` may not {verb} `{named}` {place}");
    let what = match namespace {
        Some(namespace) => format!("a Role in namespace `{namespace}`"),
        None => "a ClusterRole".to_owned(),
    };
    let ask = about.kubectl(namespace, &format!("auth can-i {verb} {named}"));
    let mut failure = Failure::new(Cause::Forbidden, sentence).hint(format!(
        "it needs {what} that allows `{verb}` on `{named}`, bound to it; `{ask}` tells whether it has"
    ));
    if resource == "secrets" {
        failure =
            failure.hint("helm keeps its own records in Secrets, so it needs them in any case");
    }
    Some(failure)
}

/// Nobody can give away rights that they don't have (Kubernetes documentation, "Using RBAC
/// Authorization", privilege escalation prevention).
fn escalation(text: &str) -> Option<Failure> {
    const MARK: &str = " is attempting to grant RBAC permissions not currently held:";
    let (before, _) = text.split_once(MARK)?;
    let user = between(before, "is forbidden: user \"", "\"")?;
    let object = word_before(before, " \"").and_then(|kind| {
        let name = between(before, &format!("{kind} \""), "\"")?;
        let kind = kind.split('.').next().unwrap_or(kind);
        Named::new(kind.strip_suffix('s').unwrap_or(kind), name)
    });
    let sentence = format!("`{user}` may not give away rights that it does not have itself");
    let mut failure = Failure::new(Cause::Forbidden, sentence)
        .hint("let somebody with these rights deploy this release, or give them to it first");
    failure.chain = object.iter().map(Named::short).collect();
    Some(failure)
}

fn quota(about: &About<'_>, text: &str) -> Option<Failure> {
    let (before, rest) = text
        .split_once(" is forbidden: exceeded quota: ")
        .or_else(|| text.split_once(" is forbidden: failed quota: "))?;
    let quota = rest.split([',', ':']).next()?;
    let object = object_at_end(before);
    let whom = object
        .as_ref()
        .map_or_else(String::new, |object| format!(" for {}", object.short()));
    let show = about.kubectl(
        Some(about.namespace.as_str()),
        &format!("describe resourcequota/{quota}"),
    );
    let sentence = match after(rest, ": must specify ") {
        Some(missing) => {
            let missing = missing.split([' ', ';']).next().unwrap_or(missing);
            format!("quota `{quota}` wants `{missing}` to be said{whom}")
        }
        None => {
            let part = |mark| between(rest, mark, ", ").unwrap_or_default();
            let asked = between(rest, "requested: ", ", used: ").unwrap_or_default();
            let used = between(rest, "used: ", ", limited: ").unwrap_or_else(|| part("used: "));
            let limit = after(rest, "limited: ").unwrap_or_default();
            let limit = limit.split([' ', ';']).next().unwrap_or_default();
            format!("quota `{quota}` has no room{whom}: wanted {asked}, used {used}, limit {limit}")
        }
    };
    let mut failure = Failure::new(Cause::Quota, sentence).hint(format!(
        "`{show}` shows what is used; raise it, ask for less, or remove what is not needed"
    ));
    failure.chain = object.iter().map(Named::short).collect();
    Some(failure)
}

/// `services "web"` at the end of a text.
fn object_at_end(text: &str) -> Option<Named> {
    let (before, name) = text.strip_suffix('"')?.rsplit_once(" \"")?;
    let kind = before.rsplit([' ', '\t']).next()?;
    Named::new(kind.strip_suffix('s').unwrap_or(kind), name)
}

fn ending_namespace(about: &About<'_>, text: &str) -> Option<Failure> {
    let name = between(
        text,
        "unable to create new content in namespace ",
        " because it is being terminated",
    )?;
    let status = about.kubectl(None, &format!("get namespace {name} -o yaml"));
    Some(
        Failure::new(
            Cause::NoNamespace,
            format!("namespace `{name}` is being removed"),
        )
        .hint(format!(
            "run this again when it is gone; `{status}` shows under `status` what holds it"
        )),
    )
}

fn no_namespace(about: &About<'_>, text: &str) -> Option<Failure> {
    let name = between(text, "namespaces \"", "\" not found")?;
    let create = about.kubectl(None, &format!("create namespace {name}"));
    let failure = Failure::new(
        Cause::NoNamespace,
        format!("namespace `{name}` does not exist"),
    );
    Some(if name == about.namespace.as_str() {
        failure.hint(format!(
            "`{create}`, or let the profile say `createNamespace: true`"
        ))
    } else {
        failure.hint(format!(
            "objects of this chart go there: `{create}`, or let another release that it needs bring it"
        ))
    })
}

fn credentials(about: &About<'_>, text: &str) -> Option<Failure> {
    let refused = text.contains("the server has asked for the client to provide credentials")
        || text.ends_with(": Unauthorized")
        || text == "Unauthorized";
    let helper = between(text, "getting credentials: exec: executable ", " ");
    let sentence = match (refused, helper) {
        (true, _) => "the API server does not accept these credentials any more".to_owned(),
        (false, Some(program)) => {
            format!("`{program}`, which the kubeconfig names, gave no credentials")
        }
        (false, None) if text.contains("getting credentials: ") => {
            let why = after(text, "getting credentials: ").unwrap_or(text);
            format!("there are no credentials: {}", brief(why, SENTENCE_LIMIT))
        }
        (false, None) => return None,
    };
    let who = about.kubectl(None, "auth whoami");
    Some(
        Failure::new(Cause::Credentials, sentence)
            .hint(format!("log in again; `{who}` tells whether it worked")),
    )
}
