//! Admission: webhooks and policies that say no, and webhooks that can't be asked.

use super::object::applied_object;
use super::parse::{Said, after, between, brief, word_before};
use super::{About, Cause, Failure, SENTENCE_LIMIT};

pub fn find(about: &About<'_>, said: &Said) -> Option<Failure> {
    let text = said.text.as_str();
    let mut failure = unreachable(about, text)
        .or_else(|| denied(about, text))
        .or_else(|| policy(text))
        .or_else(|| pod_security(about, text))?;
    if let Some(object) = applied_object(text) {
        failure.chain.insert(0, object.short());
    }
    Some(failure)
}

fn unreachable(about: &About<'_>, text: &str) -> Option<Failure> {
    let rest = after(text, "failed calling webhook \"")?;
    let (webhook, rest) = rest.split_once('"')?;
    let url = between(rest, "Post \"https://", "\"");
    let host = url.and_then(|url| url.split(['/', '?', ':']).next());
    let why = match url {
        Some(url) => after(rest, &format!("{url}\": ")).unwrap_or(rest),
        None => rest.trim_start_matches(": "),
    };
    let why = brief(why, SENTENCE_LIMIT);
    let sentence = format!("admission webhook `{webhook}` can't be asked: {why}");
    let mut failure = Failure::new(Cause::WebhookUnreachable, sentence)
        .through(format!("admission webhook {webhook}"));
    let mut parts = host.unwrap_or_default().split('.');
    if let (Some(service), Some(namespace), Some("svc")) =
        (parts.next(), parts.next(), parts.next())
    {
        let show = about.kubectl(
            Some(namespace),
            &format!("get endpointslices -l kubernetes.io/service-name={service}"),
        );
        failure = failure.hint(format!(
            "`{show}` shows whether anybody answers for service `{service}`"
        ));
    }
    Some(
        failure.hint(
            "if a release of this stack brings the webhook, name that one in this one's `needs`",
        ),
    )
}

fn denied(about: &About<'_>, text: &str) -> Option<Failure> {
    let rest = after(text, "admission webhook \"")?;
    let (webhook, rest) = rest.split_once("\" denied the request")?;
    let why = rest.trim_start_matches([':', ' ']);
    let why = match why.strip_prefix("without explanation") {
        Some(_) | None if why.is_empty() => "it does not say why".to_owned(),
        Some(_) => "it does not say why".to_owned(),
        None => brief(why, SENTENCE_LIMIT),
    };
    let list = about.kubectl(
        None,
        "get validatingwebhookconfigurations,mutatingwebhookconfigurations",
    );
    Some(
        Failure::new(
            Cause::Denied,
            format!("admission webhook `{webhook}` says no: {why}"),
        )
        .through(format!("admission webhook {webhook}"))
        .hint(format!(
            "meet its rule, or ask whoever runs it: `{list}` shows whose it is"
        )),
    )
}

/// `ValidatingAdmissionPolicy 'p' with binding 'b' denied request: why`
fn policy(text: &str) -> Option<Failure> {
    let rest = after(text, "ValidatingAdmissionPolicy '")?;
    let (policy, rest) = rest.split_once('\'')?;
    let why = brief(after(rest, " denied request: ")?, SENTENCE_LIMIT);
    Some(
        Failure::new(
            Cause::Denied,
            format!("admission policy `{policy}` says no: {why}"),
        )
        .through(format!("admission policy {policy}"))
        .hint("meet its rule, or ask whoever made it"),
    )
}

fn pod_security(about: &About<'_>, text: &str) -> Option<Failure> {
    let level = between(text, "violates PodSecurity \"", "\"")?;
    let why = after(text, &format!("violates PodSecurity \"{level}\": "))?;
    let why = brief(why, SENTENCE_LIMIT);
    let pod = word_before(text, " is forbidden: violates PodSecurity").unwrap_or("pod");
    let pod = pod.trim_matches('"');
    Some(
        Failure::new(
            Cause::Denied,
            format!(
                "namespace `{}` takes only pods that are `{level}`: {why}",
                about.namespace
            ),
        )
        .through(format!("pod/{pod}"))
        .hint("set the `securityContext` that it asks for"),
    )
}
