use super::stacks::{self, Member, Seen, Stack, View};
use super::{Context, print, session};
use crate::cli::{Format, Status};
use crate::cluster::Cluster;
use crate::error::Failure;
use crate::event::{ContainerRole, PodChanged};
use crate::reporter::status::{Condition, Share, StackStatus, StatusRow, lines};
use crate::snapshot::RecordStatus;
use crate::verdict::{Assessment, Hope};

/// What `-o json` prints.
#[derive(Debug, serde::Serialize)]
struct Document {
    stacks: Vec<StackStatus>,
}

pub async fn run(context: &Context, args: &Status) -> Result<(), Failure> {
    session::require_secret_driver()?;
    let planned = stacks::planned(context)?;
    let cluster = session::connect(context).await?;
    let stacks = stacks::find(context, &cluster, planned, &args.releases).await?;
    let seen = View::open(&cluster, &stacks).await?.seen();
    let shown: Vec<StackStatus> = stacks
        .iter()
        .zip(seen)
        .map(|(stack, seen)| status(&cluster, stack, seen))
        .collect();
    if args.output != Format::Text {
        return print::data(args.output, &Document { stacks: shown });
    }
    if shown.is_empty() {
        return print::text(&format!(
            "no stack is recorded in context `{}`\n",
            cluster.context()
        ));
    }
    let palette = context.environment.stdout_palette(context.common.color);
    let width = context.environment.stdout_width();
    let mut text = lines(&shown, jiff::Timestamp::now(), width, &palette).join("\n");
    text.push('\n');
    print::text(&text)
}

fn status(cluster: &Cluster, stack: &Stack, seen: Vec<Seen>) -> StackStatus {
    StackStatus {
        stack: stack.name.clone(),
        namespace: stack.namespace.clone(),
        context: cluster.context().to_owned(),
        releases: stack
            .releases
            .iter()
            .zip(seen)
            .map(|(member, seen)| row(member, &seen))
            .collect(),
    }
}

fn row(member: &Member, seen: &Seen) -> StatusRow {
    let assessment = seen.assessment.as_ref();
    let pods: Vec<&PodChanged> = assessment
        .into_iter()
        .flat_map(|a| a.pods.iter().filter(|pod| !pod.outgoing))
        .collect();
    StatusRow {
        release: member.id.clone(),
        namespace: member.namespace.clone(),
        revision: seen.record.as_ref().map(|record| record.revision),
        state: state(member, seen),
        ready: assessment.and_then(ready),
        init: init(&pods),
        restarts: pods.iter().map(|pod| pod.restarts).sum(),
        deployed: seen.record.as_ref().and_then(|record| record.modified),
        reason: assessment.and_then(reason),
    }
}

fn state(member: &Member, seen: &Seen) -> Condition {
    let Some(record) = &seen.record else {
        return Condition::Missing;
    };
    let doomed = |a: &Assessment| a.findings.iter().any(|f| f.hope == Hope::Certain);
    match (record.status, &seen.assessment) {
        _ if member.orphaned => Condition::Orphaned,
        (status, _) if status.is_pending() => Condition::Pending,
        (RecordStatus::Failed, _) => Condition::Failed,
        (_, Some(assessment)) if doomed(assessment) => Condition::Failed,
        (_, Some(assessment)) if assessment.ready => Condition::Ready,
        _ => Condition::Progressing,
    }
}

/// Ready and desired over all workloads and Jobs.
fn ready(assessment: &Assessment) -> Option<Share> {
    let counted = |kind: &str| matches!(kind, "Deployment" | "StatefulSet" | "DaemonSet" | "Job");
    let mut counted = assessment
        .objects
        .iter()
        .filter(|object| counted(&object.object.kind))
        .peekable();
    counted.peek()?;
    Some(
        counted.fold(Share { done: 0, all: 0 }, |sum, object| Share {
            done: sum.done + object.ready,
            all: sum.all + object.desired,
        }),
    )
}

/// How far the pods that are not through their init containers have come.
fn init(pods: &[&PodChanged]) -> Option<Share> {
    let inits = pods
        .iter()
        .flat_map(|pod| &pod.containers)
        .filter(|container| container.role == ContainerRole::Init);
    let mut share = Share { done: 0, all: 0 };
    for container in inits {
        share.all += 1;
        share.done += u32::from(container.state == "done");
    }
    (share.all > 0).then_some(share)
}

fn reason(assessment: &Assessment) -> Option<String> {
    let trouble = assessment.findings.first();
    trouble
        .map(|finding| finding.verdict.sentence.clone())
        .or_else(|| assessment.waiting.as_ref().map(|w| w.on.clone()))
}
