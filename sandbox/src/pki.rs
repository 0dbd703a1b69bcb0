//! The sandbox's own certificate authority, new with every cluster, and what it signs.

use std::net::IpAddr;
use std::path::Path;

use anyhow::{Context, Result};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SanType,
};

use crate::files::write_private;

/// The names and addresses by which clients inside and outside reach the API server.
const API_NAMES: [&str; 5] = [
    "localhost",
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
    "kubernetes.default.svc.cluster.local",
];

/// Writes the authority, the API server's certificates and the key for service account tokens into
/// `folder`, and returns the authority's certificate as PEM.
///
/// # Errors
/// When a key can't be made or a file not written.
pub fn write(folder: &Path, api_addresses: &[IpAddr]) -> Result<String> {
    let mut authority = CertificateParams::new(Vec::new())?;
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority
        .distinguished_name
        .push(DnType::CommonName, "stackctl-sandbox");
    authority.key_usages = vec![
        KeyUsagePurpose::DigitalSignature,
        KeyUsagePurpose::KeyCertSign,
        KeyUsagePurpose::CrlSign,
    ];
    let key = KeyPair::generate().context("making the authority's key")?;
    let certificate = authority
        .self_signed(&key)
        .context("signing the authority's certificate")?
        .pem();
    write_private(&folder.join("ca.crt"), &certificate)?;
    write_private(&folder.join("ca.key"), &key.serialize_pem())?;
    let issuer = Issuer::new(authority, key);

    let mut server = CertificateParams::new(API_NAMES.map(str::to_owned).to_vec())?;
    server
        .subject_alt_names
        .extend(api_addresses.iter().copied().map(SanType::IpAddress));
    server
        .distinguished_name
        .push(DnType::CommonName, "kube-apiserver");
    server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    sign(folder, "apiserver", server, &issuer)?;

    let mut client = CertificateParams::new(Vec::new())?;
    client
        .distinguished_name
        .push(DnType::CommonName, "kube-apiserver-kubelet-client");
    client
        .distinguished_name
        .push(DnType::OrganizationName, "system:masters");
    client.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    sign(folder, "kubelet-client", client, &issuer)?;

    let accounts = KeyPair::generate().context("making the key for service accounts")?;
    write_private(&folder.join("accounts.key"), &accounts.serialize_pem())?;
    write_private(&folder.join("accounts.pub"), &accounts.public_key_pem())?;
    Ok(certificate)
}

fn sign(
    folder: &Path,
    name: &str,
    mut params: CertificateParams,
    issuer: &Issuer<'static, KeyPair>,
) -> Result<()> {
    params.use_authority_key_identifier_extension = true;
    params.key_usages.push(KeyUsagePurpose::DigitalSignature);
    let key = KeyPair::generate().with_context(|| format!("making the key of `{name}`"))?;
    let certificate = params
        .signed_by(&key, issuer)
        .with_context(|| format!("signing `{name}`"))?;
    write_private(&folder.join(format!("{name}.crt")), &certificate.pem())?;
    write_private(&folder.join(format!("{name}.key")), &key.serialize_pem())
}
