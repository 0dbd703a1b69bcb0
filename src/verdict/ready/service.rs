use std::collections::BTreeSet;

use crate::event::Health;
use crate::snapshot::{Service, Uid, World};

use super::State;

/// A Service is ready by itself, its workload carries the readiness; only a load balancer has an
/// address to wait for. `ready` counts the endpoints that answer, without those of old pods, for
/// edges that wait for one.
pub fn state(world: &World, service: &Service, is_old: &dyn Fn(&Uid) -> bool) -> State {
    let slices = world.endpoints.values().filter(|slice| {
        slice.meta.namespace == service.meta.namespace && slice.service == service.meta.name
    });
    // A slice without ports is one of pods that have none of the ports of these names
    // (`k8s.io/endpointslice/utils.go`, `getEndpointPorts`).
    let (slices, portless): (Vec<_>, Vec<_>) =
        slices.partition(|slice| slice.has_ports || service.target_ports.is_empty());
    // Two slices of a dual-stack Service name the same pods.
    let mut pods = BTreeSet::new();
    let mut others = 0;
    for slice in slices {
        let of_pods = u32::try_from(slice.ready_pods.len()).unwrap_or(u32::MAX);
        others += slice.ready.saturating_sub(of_pods);
        pods.extend(slice.ready_pods.iter().filter(|pod| !is_old(pod)));
    }
    let ready = others + u32::try_from(pods.len()).unwrap_or(u32::MAX);
    let desired = u32::from(service.has_selector && service.kind != "ExternalName");
    if service.meta.deleting {
        return State::new(Health::Progressing, "being deleted", ready, desired);
    }
    if service.kind == "LoadBalancer" && !service.has_ingress {
        return State::new(
            Health::Progressing,
            "no load balancer address",
            ready,
            desired,
        );
    }
    let reason = match world.hides_endpoints(service) {
        _ if ready >= desired => String::new(),
        Some(watched) => format!(
            "whether somebody answers for it is not known: these credentials may not list {watched}"
        ),
        None if portless.iter().any(|slice| slice.ready > 0) => {
            let ports = service.target_ports.iter().map(|port| format!("`{port}`"));
            let ports: Vec<String> = ports.collect();
            format!(
                "no container of its pods has a port named {}",
                ports.join(" or ")
            )
        }
        None => String::new(),
    };
    State::new(Health::Ready, reason, ready, desired)
}
