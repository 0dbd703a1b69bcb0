use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::json;
use sha2::{Digest, Sha256};

/// An OCI registry and a chart repository on loopback: what of their protocols a `helm pull` asks,
/// for whoever has the password.
#[derive(Clone)]
pub struct Registry {
    address: String,
    files: Arc<Mutex<HashMap<String, File>>>,
}

#[derive(Clone)]
struct File {
    kind: &'static str,
    bytes: Vec<u8>,
}

const USER: &str = "ann";
const PASSWORD: &str = "canary-of-the-registry";

impl Registry {
    pub fn start() -> Registry {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let registry = Registry {
            address: listener.local_addr().expect("an address").to_string(),
            files: Arc::default(),
        };
        let server = registry.clone();
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let server = server.clone();
                thread::spawn(move || server.serve(&stream));
            }
        });
        registry
    }

    pub fn address(&self) -> &str {
        &self.address
    }

    /// What `helm registry login` would have written.
    pub fn registry_config(&self) -> String {
        let password = BASE64.encode(format!("{USER}:{PASSWORD}"));
        json!({"auths": {&self.address: {"auth": password}}}).to_string()
    }

    /// What `helm repo add shop` would have written.
    pub fn repository_config(&self) -> String {
        let url = self.repository();
        json!({"apiVersion": "", "repositories": [
            {"name": "shop", "url": url, "username": USER, "password": PASSWORD}
        ]})
        .to_string()
    }

    pub fn repository(&self) -> String {
        format!("http://{}/charts", self.address)
    }

    pub fn password(&self) -> &str {
        PASSWORD
    }

    /// Puts a packaged chart into both, in place of another of this version.
    pub fn publish(&self, name: &str, version: &str, archive: &[u8]) {
        let config = json!({"name": name, "version": version, "apiVersion": "v2"}).to_string();
        let config = config.into_bytes();
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": {
                "mediaType": "application/vnd.cncf.helm.config.v1+json",
                "digest": digest(&config),
                "size": config.len(),
            },
            "layers": [{
                "mediaType": "application/vnd.cncf.helm.chart.content.v1.tar+gzip",
                "digest": digest(archive),
                "size": archive.len(),
            }],
        });
        let manifest = manifest.to_string().into_bytes();
        let of = format!("/v2/charts/{name}");
        let json = "application/vnd.oci.image.manifest.v1+json";
        self.put(format!("{of}/manifests/{version}"), json, manifest.clone());
        self.put(
            format!("{of}/manifests/{}", digest(&manifest)),
            json,
            manifest,
        );
        let tags = json!({"name": format!("charts/{name}"), "tags": [version]}).to_string();
        self.put(
            format!("{of}/tags/list"),
            "application/json",
            tags.into_bytes(),
        );
        for blob in [&config[..], archive] {
            let path = format!("{of}/blobs/{}", digest(blob));
            self.put(path, "application/octet-stream", blob.to_vec());
        }
        let file = format!("{name}-{version}.tgz");
        let index = format!(
            "apiVersion: v1\nentries:\n  {name}:\n  - {{apiVersion: v2, name: {name}, version: {version}, \
             urls: [{file}], digest: {}}}\n",
            digest(archive).trim_start_matches("sha256:")
        );
        self.put("/charts/index.yaml".into(), "text/yaml", index.into_bytes());
        self.put(
            format!("/charts/{file}"),
            "application/gzip",
            archive.to_vec(),
        );
    }

    fn put(&self, path: String, kind: &'static str, bytes: Vec<u8>) {
        let mut files = self.files.lock().expect("nobody panics with it");
        files.insert(path, File { kind, bytes });
    }

    fn serve(&self, stream: &TcpStream) {
        let mut head = Vec::new();
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            if line.is_empty() {
                break;
            }
            head.push(line);
        }
        let mut words = head.first().map_or("", String::as_str).split(' ');
        let (method, path) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
        let path = path.split('?').next().unwrap_or(path);
        let allowed = format!(
            "authorization: basic {}",
            BASE64.encode(format!("{USER}:{PASSWORD}")).to_lowercase()
        );
        let file = self
            .files
            .lock()
            .expect("nobody panics with it")
            .get(path)
            .cloned();
        let (status, more, file) = match file {
            _ if !head.iter().any(|line| line.to_lowercase() == allowed) => (
                "401 Unauthorized",
                "WWW-Authenticate: Basic realm=\"test\"\r\n".to_owned(),
                None,
            ),
            Some(file) => {
                let more = format!(
                    "Content-Type: {}\r\nDocker-Content-Digest: {}\r\n",
                    file.kind,
                    digest(&file.bytes)
                );
                ("200 OK", more, Some(file))
            }
            None => ("404 Not Found", String::new(), None),
        };
        let bytes = file.map_or_else(Vec::new, |file| file.bytes);
        let mut answer = format!("HTTP/1.1 {status}\r\n{more}Connection: close\r\n");
        let _ = write!(answer, "Content-Length: {}\r\n\r\n", bytes.len());
        let mut answer = answer.into_bytes();
        if method != "HEAD" {
            answer.extend(bytes);
        }
        let mut stream = stream;
        // Who went away needs no answer.
        let _ = stream.write_all(&answer);
    }
}

fn digest(bytes: &[u8]) -> String {
    let hash = Sha256::digest(bytes);
    let hex: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}
