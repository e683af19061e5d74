//! TLS to PostgreSQL, on the server of `SYMBOLON_TEST_DATABASE` with a certificate made here.

use std::path::Path;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _};
use symbolon_kernel::{Connection, Kernel, Location, machine_clock};
use url::Url;

use crate::fixture::Home;

/// An authority, and a certificate of it for 127.0.0.1: all three in PEM.
struct Made {
    authority: String,
    certificate: String,
    key: String,
}

fn made() -> Made {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let leaf = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
    let leaf = leaf.signed_by(&key, &authority).unwrap();
    let authority = pem("CERTIFICATE", authority.der());
    let key = pem("PRIVATE KEY", &key.serialize_der());
    Made { authority, certificate: pem("CERTIFICATE", leaf.der()), key }
}

fn pem(label: &str, content: &[u8]) -> String {
    let content = BASE64.encode(content);
    let lines = content.as_bytes().chunks(64).map(String::from_utf8_lossy);
    let lines = lines.collect::<Vec<_>>().join("\n");
    format!("-----BEGIN {label}-----\n{lines}\n-----END {label}-----\n")
}

/// The URL with a mode, and trusting the certificates in a file.
fn with(url: &Url, mode: &str, root: Option<&Path>) -> Url {
    let mut url = url.clone();
    url.query_pairs_mut().append_pair("sslmode", mode);
    if let Some(root) = root {
        url.query_pairs_mut().append_pair("sslrootcert", &root.display().to_string());
    }
    url
}

/// Whether a connection is encrypted, or why there is none.
async fn is_encrypted(url: &Url) -> Result<bool, sqlx::Error> {
    let mut connection = Connection::connect(url.as_str()).await?;
    let encrypted = "SELECT CAST(CAST(ssl AS INTEGER) AS BIGINT) FROM pg_stat_ssl \
                     WHERE pid = pg_backend_pid()";
    let encrypted: i64 = sqlx::query_scalar(encrypted).fetch_one(&mut connection).await?;
    connection.close().await?;
    Ok(encrypted == 1)
}

/// Whether it was the certificate that was refused.
fn is_distrusted(outcome: &Result<bool, sqlx::Error>) -> bool {
    outcome.as_ref().is_err_and(|error| format!("{error:?}").contains("InvalidCertificate"))
}

/// Writes a file into the server's folder, where it looks for it; nobody else reads it.
async fn install(connection: &mut Connection, name: &str, content: &str) {
    let content = BASE64.encode(content);
    let copy = format!(
        "COPY (SELECT '{content}') TO PROGRAM 'umask 077 && base64 -d > {name}.new && \
         mv {name}.new {name}'"
    );
    connection.execute(AssertSqlSafe(copy)).await.unwrap();
}

/// Tells the server whether to encrypt, and waits until it does.
async fn encrypt(connection: &mut Connection, url: &Url, statement: &'static str, is_on: bool) {
    connection.execute(statement).await.unwrap();
    connection.execute("SELECT pg_reload_conf()").await.unwrap();
    for _ in 0..1_000 {
        if is_encrypted(url).await.is_ok_and(|encrypted| encrypted == is_on) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the server does not hear: {statement}");
}

#[tokio::test]
async fn connections_to_a_server_are_encrypted_as_the_url_says() {
    let Ok(url) = std::env::var("SYMBOLON_TEST_DATABASE") else { return };
    symbolon_kernel::install_drivers();
    let url: Url = url.parse().unwrap();
    let mut operator = Connection::connect(url.as_str()).await.unwrap();
    encrypt(&mut operator, &url, "ALTER SYSTEM RESET ssl", false).await;
    // A server that does not encrypt is refused by who asks for it, and taken by who does not.
    for mode in ["require", "verify-ca", "verify-full"] {
        assert!(is_encrypted(&with(&url, mode, None)).await.is_err(), "{mode}");
    }
    assert!(!is_encrypted(&with(&url, "prefer", None)).await.unwrap());

    let (folder, ours, theirs) = (tempfile::tempdir().unwrap(), made(), made());
    let (root, other) = (folder.path().join("root.pem"), folder.path().join("other.pem"));
    std::fs::write(&root, &ours.authority).unwrap();
    std::fs::write(&other, &theirs.authority).unwrap();
    install(&mut operator, "server.crt", &ours.certificate).await;
    install(&mut operator, "server.key", &ours.key).await;
    encrypt(&mut operator, &url, "ALTER SYSTEM SET ssl = on", true).await;

    assert!(is_encrypted(&with(&url, "require", None)).await.unwrap());
    assert!(!is_encrypted(&with(&url, "disable", None)).await.unwrap());
    assert!(is_encrypted(&with(&url, "verify-full", Some(&root))).await.unwrap());
    for (mode, root) in
        [("verify-full", Some(&other)), ("verify-ca", Some(&other)), ("verify-full", None)]
    {
        let refused = is_encrypted(&with(&url, mode, root.map(|it| &**it))).await;
        assert!(is_distrusted(&refused), "{mode}: {refused:?}");
    }
    // The certificate names the address, and no other name of the same machine.
    let mut named = url.clone();
    named.set_host(Some("localhost")).unwrap();
    assert!(is_encrypted(&with(&named, "verify-ca", Some(&root))).await.unwrap());
    let refused = is_encrypted(&with(&named, "verify-full", Some(&root))).await;
    assert!(is_distrusted(&refused), "{refused:?}");

    let Location::Server(home) = Home::new().location() else { panic!("it is on a server") };
    let location = Location::Server(with(&home, "verify-full", Some(&root)));
    let kernel = Kernel::open(&location, &[], machine_clock()).await.unwrap();
    kernel.shutdown().await.unwrap();
    encrypt(&mut operator, &url, "ALTER SYSTEM RESET ssl", false).await;
}
