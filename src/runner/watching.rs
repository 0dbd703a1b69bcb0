//! What a release consists of under watch, wherever it is.

use std::collections::BTreeSet;

use super::ports::{ObserveError, Observer};
use crate::names::Namespace;
use crate::snapshot::ObjectRef;

/// Watches the objects of a release in `own`: kinds that are not watched yet, and other namespaces that
/// its chart names. Returns once their first state was delivered. What may not be watched is reported
/// by the observer as interrupted.
///
/// # Errors
/// The API server does not say what it serves.
pub async fn watch_objects(
    observer: &dyn Observer,
    own: &Namespace,
    objects: &[ObjectRef],
) -> Result<(), ObserveError> {
    let named = objects.iter().filter_map(|it| it.namespace.as_deref());
    let others: BTreeSet<&str> = named.filter(|it| *it != own.as_str()).collect();
    let others = others.into_iter().filter_map(|it| it.parse().ok());
    let others: Vec<Namespace> = others.collect();
    // helm may go where we may not look.
    let _ = observer.watch(&others).await;
    observer.follow(objects).await
}
