use super::super::build::{
    PodBuilder, at, done, end, failed, killed, pending, pod, running, waiting,
};
use super::*;

/// STATUS, READY and RESTARTS by the old rule.
fn columns(pod: &PodBuilder) -> String {
    let printed = printed(&pod.pod, CompletedRule::Old);
    format!(
        "{} {} {}",
        printed.status,
        printed.ready_column(),
        printed.restarts_column(at(100))
    )
}

#[test]
fn the_phase_or_a_reason_shows_when_no_container_speaks() {
    let cases = [
        (pod("Pending").main(pending()), "Pending 0/1 0"),
        (pod("").main(pending()), " 0/1 0"),
        (pod("Running").main(running()).ready(), "Running 1/1 0"),
        (pod("Running").main(running()), "Running 0/1 0"),
        (
            pod("Failed").reason("Evicted").main(pending()),
            "Evicted 0/1 0",
        ),
        (
            pod("Pending")
                .condition("PodScheduled", "False", "SchedulingGated")
                .main(pending()),
            "SchedulingGated 0/1 0",
        ),
        (
            pod("Running")
                .condition("PodScheduled", "True", "SchedulingGated")
                .main(running())
                .ready(),
            "SchedulingGated 1/1 0",
        ),
        (
            pod("Failed")
                .reason("Evicted")
                .condition("PodScheduled", "False", "SchedulingGated")
                .main(pending()),
            "SchedulingGated 0/1 0",
        ),
    ];
    for (pod, expected) in cases {
        assert_eq!(columns(&pod), expected, "{:?}", pod.pod);
    }
}

#[test]
fn init_containers_stop_the_walk() {
    let main = |pod: PodBuilder| pod.main(waiting("PodInitializing"));
    let cases = [
        (
            main(pod("Pending").init(running()).init(pending())),
            "Init:0/2 0/1 0",
        ),
        (
            main(pod("Pending").init(done()).init(running())),
            "Init:1/2 0/1 0",
        ),
        (
            main(pod("Pending").init(waiting("PodInitializing"))),
            "Init:0/1 0/1 0",
        ),
        (main(pod("Pending").init(failed(3))), "Init:Error 0/1 0"),
        (
            main(pod("Pending").init(killed(137, 9))),
            "Init:Signal:9 0/1 0",
        ),
        (
            main(pod("Pending").init(killed(3, 0))),
            "Init:ExitCode:3 0/1 0",
        ),
        // Exit code 0 is the end of it, whatever signal comes with it.
        (
            main(pod("Pending").init(killed(0, 9))),
            "PodInitializing 0/1 0",
        ),
        (
            main(
                pod("Pending")
                    .init(waiting("CrashLoopBackOff"))
                    .restarted(3, Some(40)),
            ),
            "Init:CrashLoopBackOff 0/1 3 (60s ago)",
        ),
        (
            main(pod("Pending").init(waiting("ImagePullBackOff"))),
            "Init:ImagePullBackOff 0/1 0",
        ),
        (main(pod("Pending").init(done())), "PodInitializing 0/1 0"),
        // What has no status is not noticed.
        (
            main(pod("Pending").init(done()).init_without_status()),
            "PodInitializing 0/1 0",
        ),
        // Unknown names are ordinary init containers, and i counts statuses, n the spec.
        (
            main(
                pod("Pending")
                    .init(done())
                    .init(done())
                    .init(running())
                    .unknown()
                    .unknown_init(),
            ),
            "Init:2/1 0/1 0",
        ),
        // The stop also ends the counting.
        (
            main(
                pod("Pending")
                    .init(running())
                    .restarted(1, Some(10))
                    .init(pending())
                    .restarted(5, Some(90)),
            ),
            "Init:0/2 0/1 1 (90s ago)",
        ),
    ];
    for (pod, expected) in cases {
        assert_eq!(columns(&pod), expected, "{:?}", pod.pod);
    }
}

impl PodBuilder {
    fn unknown_init(mut self) -> Self {
        self.pod.init_containers.pop();
        self
    }
}

#[test]
fn main_containers_speak_once_initialised() {
    let cases = [
        (
            pod("Pending").main(waiting("ContainerCreating")),
            "ContainerCreating 0/1 0",
        ),
        (
            pod("Pending").main(waiting("ErrImagePull")),
            "ErrImagePull 0/1 0",
        ),
        (
            pod("Pending").main(waiting("ImagePullBackOff")),
            "ImagePullBackOff 0/1 0",
        ),
        (
            pod("Running")
                .main(waiting("CrashLoopBackOff"))
                .restarted(4, None),
            "CrashLoopBackOff 0/1 4",
        ),
        (pod("Succeeded").main(done()), "Completed 0/1 0"),
        (pod("Failed").main(failed(1)), "Error 0/1 0"),
        (
            pod("Failed").main(ContainerState::Terminated(end(137, 0, "OOMKilled"))),
            "OOMKilled 0/1 0",
        ),
        (pod("Failed").main(killed(0, 9)), "Signal:9 0/1 0"),
        (pod("Failed").main(killed(2, 0)), "ExitCode:2 0/1 0"),
        // The first has the last word.
        (
            pod("Running")
                .main(waiting("CrashLoopBackOff"))
                .main(failed(1)),
            "CrashLoopBackOff 0/2 0",
        ),
        (
            pod("Running").main(running()).ready().main(failed(1)),
            "Error 1/2 0",
        ),
        // Restarts of init containers are forgotten, those of sidecars are not.
        (
            pod("Running")
                .init(done())
                .restarted(7, Some(90))
                .sidecar(running())
                .started(true)
                .ready()
                .restarted(2, Some(50))
                .main(running())
                .ready()
                .restarted(1, Some(40)),
            "Running 2/2 3 (50s ago)",
        ),
        // A status of a container that the spec does not know counts too.
        (
            pod("Running")
                .main(running())
                .ready()
                .main(running())
                .ready()
                .unknown(),
            "Running 2/1 0",
        ),
    ];
    for (pod, expected) in cases {
        assert_eq!(columns(&pod), expected, "{:?}", pod.pod);
    }
}

#[test]
fn sidecars() {
    let initialised = |pod: PodBuilder| pod.condition("Initialized", "True", "");
    let cases = [
        // Started, whether ready or not: no obstacle.
        (
            pod("Running")
                .sidecar(running())
                .started(true)
                .ready()
                .main(running())
                .ready(),
            "Running 2/2 0",
        ),
        (
            pod("Running")
                .sidecar(running())
                .started(true)
                .main(running())
                .ready(),
            "Running 1/2 0",
        ),
        // `started` left out.
        (
            pod("Pending").sidecar(running()).ready().main(pending()),
            "Init:0/1 0/2 0",
        ),
        (
            pod("Pending")
                .sidecar(running())
                .started(false)
                .main(pending()),
            "Init:0/1 0/2 0",
        ),
        // Crashed in a pod that runs.
        (
            initialised(pod("Running"))
                .sidecar(waiting("CrashLoopBackOff"))
                .started(false)
                .restarted(2, Some(90))
                .main(running())
                .ready(),
            "Init:CrashLoopBackOff 1/2 2 (10s ago)",
        ),
        (
            initialised(pod("Running"))
                .sidecar(waiting("CrashLoopBackOff"))
                .started(true)
                .main(running())
                .ready(),
            "Running 1/2 0",
        ),
        (
            initialised(pod("Running"))
                .sidecar(waiting("CrashLoopBackOff"))
                .started(false)
                .main(failed(1)),
            "Error 0/2 0",
        ),
        // The stop takes the readiness of later sidecars with it, even when initialised.
        (
            initialised(pod("Running"))
                .sidecar(waiting("CrashLoopBackOff"))
                .sidecar(running())
                .started(true)
                .ready()
                .main(running())
                .ready(),
            "Init:CrashLoopBackOff 1/3 0",
        ),
        // Never counted among the running mains.
        (
            pod("Running")
                .sidecar(running())
                .started(true)
                .ready()
                .main(done()),
            "Completed 1/2 0",
        ),
        // Both i and n count them.
        (
            pod("Pending")
                .sidecar(running())
                .started(true)
                .ready()
                .init(running())
                .main(pending()),
            "Init:1/2 1/2 0",
        ),
    ];
    for (pod, expected) in cases {
        assert_eq!(columns(&pod), expected, "{:?}", pod.pod);
    }
}

#[test]
fn completed_beside_others_depends_on_the_server() {
    let beside = || pod("Running").main(done()).main(running()).ready();
    let ready = || beside().condition("Ready", "True", "");
    let with_error = || {
        pod("Running")
            .main(done())
            .main(failed(1))
            .main(running())
            .ready()
    };
    let only_error = || pod("Failed").main(done()).main(failed(1));
    let cases = [
        (ready(), "Running", "Running"),
        (beside(), "NotReady", "NotReady"),
        (with_error(), "NotReady", "Error"),
        (
            with_error().condition("Ready", "True", ""),
            "Running",
            "Running",
        ),
        (only_error(), "Completed", "Error"),
        (pod("Succeeded").main(done()), "Completed", "Completed"),
    ];
    for (pod, old, new) in cases {
        let status = |rule| printed(&pod.pod, rule).status;
        assert_eq!(status(CompletedRule::of_minor(34)), old, "{:?}", pod.pod);
        assert_eq!(status(CompletedRule::of_minor(35)), new, "{:?}", pod.pod);
    }
}

#[test]
fn deleted_pods() {
    let cases = [
        (
            pod("Running").main(running()).ready().deleting(),
            "Terminating 1/1 0",
        ),
        (
            pod("Pending").init(failed(1)).main(pending()).deleting(),
            "Terminating 0/1 0",
        ),
        (pod("Succeeded").main(done()).deleting(), "Completed 0/1 0"),
        (pod("Failed").main(failed(1)).deleting(), "Error 0/1 0"),
        (pod("Failed").reason("Evicted").deleting(), "Evicted 0/0 0"),
        (
            pod("Running").reason("NodeLost").main(running()).deleting(),
            "Unknown 0/1 0",
        ),
        (
            pod("Failed").reason("NodeLost").main(failed(1)).deleting(),
            "Unknown 0/1 0",
        ),
        (
            pod("Running").reason("NodeLost").main(running()),
            "NodeLost 0/1 0",
        ),
    ];
    for (pod, expected) in cases {
        assert_eq!(columns(&pod), expected, "{:?}", pod.pod);
    }
}

#[test]
fn ages_are_kubectls() {
    const DAY: i64 = 86_400;
    let cases = [
        (-2, "<invalid>"),
        (-1, "0s"),
        (0, "0s"),
        (119, "119s"),
        (120, "2m"),
        (599, "9m59s"),
        (600, "10m"),
        (10_799, "179m"),
        (10_800, "3h"),
        (10_860, "3h1m"),
        (28_800, "8h"),
        (172_799, "47h"),
        (172_800, "2d"),
        (176_400, "2d1h"),
        (8 * DAY, "8d"),
        (730 * DAY - 1, "729d"),
        (730 * DAY, "2y"),
        (731 * DAY, "2y1d"),
        (8 * 365 * DAY, "8y"),
        (9 * 365 * DAY + 5 * DAY, "9y"),
    ];
    for (seconds, expected) in cases {
        assert_eq!(human_duration(seconds), expected, "{seconds}");
    }
}
