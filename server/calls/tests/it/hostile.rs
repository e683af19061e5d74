//! Targets that do everything but answer: each attempt is bounded, has a kind, and tells nobody
//! what it was sent.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use calls_wire::types::{FailureKind, ServiceCallStatus};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

use crate::fixture::{Home, SETTINGS, System, now};

const SECRET: &str = "s3cr3t-0f-a-hostile-target";
const GIB: u64 = 1 << 30;
/// What a target can get rid of at most: what is read, and what the buffers on the way hold.
const BUFFERED: u64 = 64 << 20;

/// What a target does once it was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Deed {
    /// One byte of a head every now and then.
    DripHead,
    /// A head without an end.
    EndlessHead,
    /// No HTTP.
    Babble,
    /// Nothing, and a reset.
    Reset,
    /// Half an answer, and a reset.
    ResetHalfway,
    /// Less than it has promised.
    BreakOff,
    /// A gibibyte.
    Gibibyte,
    /// Chunks without an end.
    EndlessChunks,
    /// A chunk whose size is no number.
    BadChunk,
    /// Everything it was sent, in every place there is.
    TellAll,
    /// A handshake with a certificate of its own making.
    SelfSigned,
    /// A reset in the middle of the handshake.
    NoHandshake,
}

#[derive(Debug, Clone, Default)]
struct Hostile {
    origin: String,
    written: Arc<AtomicU64>,
}

impl Hostile {
    async fn start(deed: Deed) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let is_secure = matches!(deed, Deed::SelfSigned | Deed::NoHandshake);
        let scheme = if is_secure { "https" } else { "http" };
        let origin = format!("{scheme}://{}/", listener.local_addr().unwrap());
        let hostile = Self { origin, written: Arc::default() };
        let acting = hostile.clone();
        tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                let acting = acting.clone();
                tokio::spawn(async move {
                    match deed {
                        Deed::SelfSigned => handshake(connection).await,
                        Deed::NoHandshake => hang_up(connection).await,
                        deed => acting.act(deed, connection).await,
                    }
                });
            }
        });
        hostile
    }

    async fn act(&self, deed: Deed, mut connection: TcpStream) -> Option<()> {
        let mut asked = Vec::new();
        while !asked.ends_with(b"\r\n\r\n") {
            asked.push(connection.read_u8().await.ok()?);
        }
        let head = b"HTTP/1.1 200 OK\r\n";
        match deed {
            Deed::DripHead => {
                for byte in head.iter().cycle() {
                    connection.write_u8(*byte).await.ok()?;
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                Some(())
            }
            Deed::EndlessHead => {
                self.write(&mut connection, head).await?;
                self.pour(&mut connection, b"x-more: and more\r\n", u64::MAX).await
            }
            Deed::Babble => self.write(&mut connection, b"SSH-2.0-OpenSSH_9.9\r\n").await,
            Deed::Reset => reset(connection),
            Deed::ResetHalfway => {
                self.write(&mut connection, head).await?;
                self.write(&mut connection, b"content-length: 9\r\n\r\nhalf").await?;
                tokio::time::sleep(Duration::from_millis(50)).await;
                reset(connection)
            }
            Deed::BreakOff => {
                self.write(&mut connection, head).await?;
                self.write(&mut connection, b"content-length: 9\r\n\r\nhalf").await
            }
            Deed::Gibibyte => {
                self.write(&mut connection, head).await?;
                let length = format!("content-length: {GIB}\r\n\r\n");
                self.write(&mut connection, length.as_bytes()).await?;
                self.pour(&mut connection, &[b'x'; 64 * 1024], GIB).await
            }
            Deed::EndlessChunks => {
                self.write(&mut connection, head).await?;
                self.write(&mut connection, b"transfer-encoding: chunked\r\n\r\n").await?;
                self.pour(&mut connection, b"5\r\nchunk\r\n", u64::MAX).await
            }
            Deed::BadChunk => {
                self.write(&mut connection, head).await?;
                self.write(&mut connection, b"transfer-encoding: chunked\r\n\r\nzz\r\n").await
            }
            Deed::TellAll => self.tell_all(&mut connection, &asked).await,
            Deed::SelfSigned | Deed::NoHandshake => None,
        }
    }

    /// What it was sent: in the reason, in headers that are recorded and in those that are not, and
    /// in the body as it is, as JSON, and as percent-encoded text.
    async fn tell_all(&self, connection: &mut TcpStream, asked: &[u8]) -> Option<()> {
        let body = format!(
            "{}\n{}\nuser:{SECRET}\n%22{SECRET}%22",
            String::from_utf8_lossy(asked),
            json!({ "authorization": SECRET })
        );
        let head = format!(
            "HTTP/1.1 500 {SECRET}\r\nlocation: /login?token={SECRET}\r\netag: \"{SECRET}\"\r\n\
             server: {SECRET}\r\nset-cookie: a={SECRET}\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        self.write(connection, head.as_bytes()).await?;
        self.write(connection, body.as_bytes()).await
    }

    async fn write(&self, connection: &mut TcpStream, bytes: &[u8]) -> Option<()> {
        connection.write_all(bytes).await.ok()?;
        self.written.fetch_add(bytes.len() as u64, Ordering::SeqCst);
        Some(())
    }

    async fn pour(&self, connection: &mut TcpStream, bytes: &[u8], most: u64) -> Option<()> {
        let mut poured = 0;
        while poured < most {
            self.write(connection, bytes).await?;
            poured += bytes.len() as u64;
        }
        Some(())
    }
}

fn reset(connection: TcpStream) -> Option<()> {
    connection.set_zero_linger().ok()
}

async fn hang_up(mut connection: TcpStream) -> Option<()> {
    connection.read_u8().await.ok().map(drop)
}

async fn handshake(connection: TcpStream) -> Option<()> {
    let signed = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(signed.signing_key.serialize_der()));
    let certificate = vec![signed.cert.der().clone()];
    let config = ServerConfig::builder().with_no_client_auth();
    let config = config.with_single_cert(certificate, key).unwrap();
    let mut connection = TlsAcceptor::from(Arc::new(config)).accept(connection).await.ok()?;
    connection.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.ok()
}

fn asking(url: &str, timeout_ms: i64) -> Value {
    let mut body = now(url);
    body["policy"] = json!({ "timeoutMs": timeout_ms });
    body["request"]["headers"] = json!({ "Authorization": format!("Bearer {SECRET}") });
    body
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_a_target_does_is_bounded_and_has_a_kind() {
    let home = Home::new();
    let system = System::start(home.location(), SETTINGS).await;
    let connect = (Some(FailureKind::Connect), None);
    let cut = (Some(FailureKind::Connect), Some(200));
    let late = |status| (Some(FailureKind::Timeout), status);
    let cases = [
        (Deed::DripHead, late(None)),
        (Deed::EndlessHead, connect),
        (Deed::Babble, connect),
        (Deed::Reset, connect),
        (Deed::ResetHalfway, cut),
        (Deed::BreakOff, cut),
        (Deed::BadChunk, cut),
        (Deed::Gibibyte, (None, Some(200))),
        (Deed::EndlessChunks, (None, Some(200))),
        (Deed::TellAll, (Some(FailureKind::Http), Some(500))),
        (Deed::SelfSigned, (Some(FailureKind::Tls), None)),
        (Deed::NoHandshake, connect),
    ];
    for (deed, (kind, status)) in cases {
        let target = Hostile::start(deed).await;
        let timeout_ms = if deed == Deed::DripHead { 300 } else { 9000 };
        let id = system.accept(asking(&target.origin, timeout_ms)).await;
        let call = system.over(id).await;
        let result = call.result.unwrap();
        assert_eq!(result.failure_kind, kind.map(Into::into), "{deed:?}");
        assert_eq!(result.http_status, status, "{deed:?}");
        assert_eq!(call.status == ServiceCallStatus::Succeeded, kind.is_none(), "{deed:?}");
        assert!(result.snippet.as_ref().is_none_or(|it| it.len() <= 8192), "{deed:?}");
        let written = target.written.load(Ordering::SeqCst);
        assert!(written < BUFFERED, "{deed:?}: {written} bytes went out");
        let told = serde_json::to_string(&system.events("acme", id).await).unwrap();
        assert!(!told.contains(SECRET), "{deed:?}: {told}");
    }
    system.stop().await;
    holds_no(SECRET, &home);
}

/// That no file of a database holds a text.
fn holds_no(secret: &str, home: &Home) {
    // What a server keeps of its data is the server's affair.
    let Some(folder) = home.file().and_then(|file| file.parent().map(Path::to_owned)) else {
        return;
    };
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
        assert!(!found, "the secret is in {}", path.display());
    }
}
