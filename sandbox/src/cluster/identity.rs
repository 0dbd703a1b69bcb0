//! Who may do what: one token and one kubeconfig for each component and for the people outside.

use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::json;

use super::{Spec, node};
use crate::files::write_private;
use crate::home::Instance;

/// Kubernetes' built-in roles know the components by these users and groups.
const COMPONENTS: [(&str, &str, &str); 5] = [
    (
        "kube-controller-manager",
        "system:kube-controller-manager",
        "",
    ),
    ("kube-scheduler", "system:kube-scheduler", ""),
    ("kube-proxy", "system:kube-proxy", ""),
    ("kubelet", node::USER, "system:nodes"),
    ("addons", "stackctl:sandbox", "system:masters"),
];

/// Writes the token file of the API server, a kubeconfig for each component and the one for outside.
pub(super) fn write(spec: &Spec, instance: &Instance, authority: &str) -> Result<()> {
    let inside = format!("https://{}", spec.inside());
    let mut tokens = String::new();
    for (component, user, group) in COMPONENTS {
        let token = token()?;
        tokens.push_str(&format!("{token},{user},{user},\"{group}\"\n"));
        write_kubeconfig(
            &kubeconfig(instance, component),
            &instance.context(),
            &inside,
            authority,
            &token,
        )?;
    }
    let token = token()?;
    tokens.push_str(&format!("{token},admin,admin,\"system:masters\"\n"));
    write_private(&token_file(instance), &tokens)?;
    let outside = format!("https://{}", spec.outside());
    write_kubeconfig(
        &instance.kubeconfig(),
        &instance.context(),
        &outside,
        authority,
        &token,
    )
}

/// Returns the file with every token, as `--token-auth-file` wants it.
pub(super) fn token_file(instance: &Instance) -> PathBuf {
    instance.file("pki").join("tokens.csv")
}

/// Returns the kubeconfig of one component.
pub(super) fn kubeconfig(instance: &Instance, component: &str) -> PathBuf {
    instance.file("pki").join(format!("{component}.kubeconfig"))
}

/// JSON is YAML, so no YAML writer is needed for a kubeconfig.
fn write_kubeconfig(
    path: &Path,
    context: &str,
    server: &str,
    authority: &str,
    token: &str,
) -> Result<()> {
    let config = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": context,
        "contexts": [{"name": context, "context": {"cluster": context, "user": context}}],
        "clusters": [{"name": context, "cluster": {
            "server": server,
            "certificate-authority-data": base64(authority.as_bytes()),
        }}],
        "users": [{"name": context, "user": {"token": token}}],
    });
    write_private(path, &serde_json::to_string_pretty(&config)?)
}

fn token() -> Result<String> {
    let mut bytes = [0_u8; 16];
    std::fs::File::open("/dev/urandom")
        .and_then(|mut file| file.read_exact(&mut bytes))
        .context("reading `/dev/urandom`")?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}
