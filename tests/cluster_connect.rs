//! What people are told when there is no way to the cluster.

#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]

use std::path::PathBuf;

use stackctl::cluster::{Cluster, ConnectError, ConnectErrorKind, Target};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

fn kubeconfig(dir: &TempDir, server: &str) -> PathBuf {
    let path = dir.path().join("config");
    let text = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: staging\n\
         clusters: [{{name: c, cluster: {{server: '{server}'}}}}]\n\
         users: [{{name: u, user: {{token: never-to-be-shown}}}}]\n\
         contexts:\n- {{name: staging, context: {{cluster: c, user: u, namespace: shop}}}}\n\
         - {{name: production, context: {{cluster: c, user: u}}}}\n"
    );
    std::fs::write(&path, text).unwrap();
    path
}

async fn connect(kubeconfig: PathBuf, context: Option<&str>) -> Result<Cluster, ConnectError> {
    let target = Target {
        kubeconfig: Some(kubeconfig),
        context: context.map(str::to_owned),
    };
    Cluster::connect(target).await
}

async fn refused(kubeconfig: PathBuf, context: Option<&str>) -> (ConnectErrorKind, String) {
    let error = connect(kubeconfig, context).await.err().unwrap();
    let text = format!("{error}\n{}", error.hints.join("\n"));
    (error.kind, text)
}

/// Answers every call the same way; gives its address.
async fn server(status: &'static str, body: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 4096];
            let _ = stream.read(&mut request).await;
            let length = body.len();
            let answer = format!(
                "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\
                 connection: close\r\n\r\n{body}"
            );
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    address.to_string()
}

#[tokio::test]
async fn a_cluster_tells_its_version() {
    let version = r#"{"major": "1", "minor": "34+", "gitVersion": "v1.34.4+k3s1", "buildDate": "",
        "compiler": "", "gitCommit": "", "gitTreeState": "", "goVersion": "", "platform": ""}"#;
    let address = server("200 OK", version).await;
    let dir = TempDir::new().unwrap();
    let cluster = connect(kubeconfig(&dir, &format!("http://{address}")), None)
        .await
        .unwrap();
    let version = cluster.server_version();
    assert_eq!((version.major, version.minor), (1, 34));
    assert_eq!(version.git_version, "v1.34.4+k3s1");
    assert_eq!(cluster.context(), "staging");
    assert_eq!(cluster.kube_context(), Some("staging"));
    assert_eq!(cluster.default_namespace(), "shop");
}

#[tokio::test]
async fn a_request_says_who_asks() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let request = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut bytes = [0; 4096];
        let length = stream.read(&mut bytes).await.unwrap();
        String::from_utf8_lossy(&bytes[..length]).to_lowercase()
    };
    let dir = TempDir::new().unwrap();
    let config = kubeconfig(&dir, &format!("http://{address}"));
    let (request, _) = tokio::join!(request, connect(config, None));
    let agent = format!("\r\nuser-agent: stackctl/{}\r\n", env!("CARGO_PKG_VERSION"));
    assert!(request.contains(&agent), "{request}");
}

#[tokio::test]
async fn a_kubeconfig_that_is_missing_or_broken() {
    let dir = TempDir::new().unwrap();
    let missing = dir.path().join("missing");
    let (kind, text) = refused(missing.clone(), None).await;
    assert_eq!(kind, ConnectErrorKind::NoKubeconfig);
    let missing = missing.display();
    assert_eq!(
        text,
        format!(
            "looking for a kubeconfig: `{missing}` does not exist\n\
             name it with `--kubeconfig` or in `KUBECONFIG`"
        )
    );

    let broken = dir.path().join("broken");
    std::fs::write(&broken, "users: [token: never-to-be-shown\n").unwrap();
    let (kind, text) = refused(broken, None).await;
    assert_eq!(kind, ConnectErrorKind::InvalidKubeconfig);
    assert!(!text.contains("never-to-be-shown"), "{text}");
}

/// A kubeconfig whose user logs in by a command with a secret in its environment.
fn login_by(dir: &TempDir, command: &str) -> PathBuf {
    let path = kubeconfig(dir, "https://127.0.0.1:1");
    let exec = format!(
        "exec: {{apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never, \
         command: {command}, args: [-c, 'echo never-to-be-shown; exit 3'], \
         env: [{{name: AWS_SECRET, value: never-to-be-shown}}]}}"
    );
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replace("token: never-to-be-shown", &exec)).unwrap();
    path
}

#[tokio::test]
async fn a_login_command_that_fails() {
    let dir = TempDir::new().unwrap();
    let (kind, text) = refused(login_by(&dir, "sh"), None).await;
    assert_eq!(kind, ConnectErrorKind::Denied);
    assert_eq!(
        text,
        "connecting to 127.0.0.1:1 (context `staging`): the login command `sh` failed (exit \
         status: 3)\nlog in again: the credentials of context `staging` are refused or have expired"
    );

    let (kind, text) = refused(login_by(&dir, "no-such-login"), None).await;
    assert_eq!(kind, ConnectErrorKind::Denied);
    assert_eq!(
        text,
        "connecting to 127.0.0.1:1 (context `staging`): the kubeconfig's login command can't be \
         run: No such file or directory (os error 2)\n\
         install it, or mend `users[].user.exec` of the kubeconfig"
    );

    let (_, text) = refused(login_by(&dir, "echo"), None).await;
    assert_eq!(
        text,
        "connecting to 127.0.0.1:1 (context `staging`): the kubeconfig's login command has printed \
         no `ExecCredential`\n\
         log in again: the credentials of context `staging` are refused or have expired"
    );
}

#[tokio::test]
async fn a_context_that_is_not_there() {
    let dir = TempDir::new().unwrap();
    let path = kubeconfig(&dir, "https://127.0.0.1:1");
    let (kind, text) = refused(path.clone(), Some("stagign")).await;
    assert_eq!(kind, ConnectErrorKind::UnknownContext);
    assert_eq!(
        text,
        "choosing a context: the kubeconfig has no context `stagign`\n\
         did you mean `staging`?\n\
         the contexts are `production`, `staging`"
    );
    let (_, text) = refused(path, Some("x")).await;
    assert!(!text.contains("did you mean"), "{text}");
}

#[tokio::test]
async fn a_server_that_does_not_answer() {
    let dir = TempDir::new().unwrap();
    let (kind, text) = refused(kubeconfig(&dir, "https://127.0.0.1:1"), None).await;
    assert_eq!(kind, ConnectErrorKind::Unreachable);
    let doing = "connecting to 127.0.0.1:1 (context `staging`): Connection refused";
    assert!(text.starts_with(doing), "{text}");
}

#[tokio::test]
async fn a_server_that_does_not_let_us_in() {
    let body = r#"{"kind": "Status", "status": "Failure", "code": 401, "reason": "Unauthorized",
        "message": "Unauthorized"}"#;
    let address = server("401 Unauthorized", body).await;
    let dir = TempDir::new().unwrap();
    let (kind, text) = refused(kubeconfig(&dir, &format!("http://{address}")), None).await;
    assert_eq!(kind, ConnectErrorKind::Denied);
    assert_eq!(
        text,
        format!(
            "connecting to {address} (context `staging`): Unauthorized\n\
             log in again: the credentials of context `staging` are refused or have expired"
        )
    );
}

#[tokio::test]
async fn a_server_that_does_not_speak_tls() {
    let address = server("400 Bad Request", "").await;
    let dir = TempDir::new().unwrap();
    let (kind, text) = refused(kubeconfig(&dir, &format!("https://{address}")), None).await;
    assert_eq!(kind, ConnectErrorKind::Tls, "{text}");
}
