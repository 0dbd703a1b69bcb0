//! Asks a Service of the cluster for a page, through the API server's own proxy, so that no port
//! has to be opened.

use std::path::Path;

use anyhow::{Context, Result};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};

/// Returns the body of the answer to `GET path`.
///
/// # Errors
/// The cluster or the Service does not answer, or not with success.
pub fn get(kubeconfig: Option<&Path>, context: &str, service: &str, path: &str) -> Result<String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let file = match kubeconfig {
            Some(path) => Kubeconfig::read_from(path)?,
            None => Kubeconfig::read()?,
        };
        let options = KubeConfigOptions {
            context: Some(context.to_owned()),
            ..KubeConfigOptions::default()
        };
        let config = Config::from_custom_kubeconfig(file, &options).await?;
        let client = Client::try_from(config)?;
        let url = format!("/api/v1/namespaces/oro/services/{service}/proxy{path}");
        let request = http::Request::get(url).body(Vec::new())?;
        client
            .request_text(request)
            .await
            .with_context(|| format!("asking Service `{service}` for `{path}`"))
    })
}
