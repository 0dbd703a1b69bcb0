use k8s_openapi::api::core::v1 as core;
use k8s_openapi::api::discovery::v1::{Endpoint, EndpointSlice};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::meta::{label, meta};
use crate::snapshot::{Endpoints, Service, Uid};

const SERVICE: &str = "kubernetes.io/service-name";

pub(super) fn service(object: core::Service) -> Service {
    let spec = object.spec.unwrap_or_default();
    let ports = spec.ports.unwrap_or_default().into_iter();
    let ingress = object
        .status
        .and_then(|status| status.load_balancer)
        .and_then(|balancer| balancer.ingress);
    Service {
        meta: meta(object.metadata),
        kind: spec.type_.unwrap_or_else(|| "ClusterIP".to_owned()),
        has_selector: spec.selector.is_some_and(|selector| !selector.is_empty()),
        has_ingress: ingress.is_some_and(|ingress| !ingress.is_empty()),
        target_ports: ports.map(target_port).collect(),
    }
}

fn target_port(port: core::ServicePort) -> String {
    match port.target_port {
        Some(IntOrString::String(name)) => name,
        Some(IntOrString::Int(number)) => number.to_string(),
        None => port.port.to_string(),
    }
}

pub(super) fn endpoints(object: EndpointSlice) -> Endpoints {
    let service = label(&object.metadata, SERVICE)
        .unwrap_or_default()
        .to_owned();
    let ready: Vec<Endpoint> = object
        .endpoints
        .unwrap_or_default()
        .into_iter()
        .filter(is_ready)
        .collect();
    Endpoints {
        service,
        has_ports: object.ports.is_some_and(|ports| !ports.is_empty()),
        ready: ready.len().try_into().unwrap_or(u32::MAX),
        ready_pods: ready.into_iter().filter_map(pod_behind).collect(),
        meta: meta(object.metadata),
    }
}

/// An unknown readiness is to be read as ready. `ready` is set to true where the Service publishes
/// addresses that are not; `serving` tells the pod's own readiness, also while it ends
/// (`discovery/v1 types.go`, `EndpointConditions`).
fn is_ready(endpoint: &Endpoint) -> bool {
    let Some(conditions) = &endpoint.conditions else {
        return true;
    };
    match conditions.serving {
        Some(serving) => serving && conditions.terminating != Some(true),
        None => conditions.ready.unwrap_or(true),
    }
}

fn pod_behind(endpoint: Endpoint) -> Option<Uid> {
    let target = endpoint.target_ref?;
    let is_pod = target.kind.as_deref() == Some("Pod");
    target.uid.filter(|_| is_pod).map(|uid| Uid::from(&*uid))
}
