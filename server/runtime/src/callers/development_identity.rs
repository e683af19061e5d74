//! An issuer for development: one key pair in a folder, tokens for whoever can read it.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::{AccessTokens, Authenticator, Expectations, KeyError};

/// Why the development issuer cannot work.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// The folder cannot be read or written.
    #[error("identity folder cannot be used")]
    Folder(#[from] io::Error),
    /// The private key file holds no usable key.
    #[error("private key is not usable")]
    Key,
    /// The token cannot be signed.
    #[error("token cannot be signed")]
    Token(#[from] jsonwebtoken::errors::Error),
    /// The key set cannot be read.
    #[error("key set is not usable")]
    Keys(#[from] KeyError),
}

/// What a token grants.
#[derive(Debug, Clone)]
pub struct Grant {
    /// Claim `sub`.
    pub subject: String,
    /// Claim `tenant`.
    pub tenant: String,
    /// Claim `scope`.
    pub scopes: Vec<String>,
    /// How long the token is valid from now on.
    pub lifetime: Duration,
}

/// Signs tokens with ES256. Never for production: whoever reads the folder is everybody.
pub struct DevelopmentIdentity {
    folder: PathBuf,
    issuer: String,
    audience: String,
    key: EncodingKey,
    key_id: String,
    key_set: Value,
}

impl std::fmt::Debug for DevelopmentIdentity {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut debug = formatter.debug_struct("DevelopmentIdentity");
        debug.field("folder", &self.folder).field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

impl DevelopmentIdentity {
    /// Opens the issuer of a folder; makes folder, `private-key.pem` (mode 0600) and `jwks.json`
    /// where they are missing.
    ///
    /// # Errors
    /// When the folder cannot be used or holds something else.
    pub fn open(
        folder: impl Into<PathBuf>,
        issuer: impl Into<String>,
        audience: impl Into<String>,
    ) -> Result<Self, IdentityError> {
        let folder = folder.into();
        fs::create_dir_all(&folder)?;
        let path = folder.join("private-key.pem");
        if !path.exists() {
            create_key(&path)?;
        }
        let pem = fs::read_to_string(&path)?;
        let body: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
        let document = STANDARD.decode(body).map_err(|_| IdentityError::Key)?;
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &document)
            .map_err(|_| IdentityError::Key)?;
        let public = pair.public_key().as_ref();
        let key_id = URL_SAFE_NO_PAD.encode(&Sha256::digest(public)[..12]);
        let identity = Self {
            key: EncodingKey::from_ec_der(&document),
            issuer: issuer.into(),
            audience: audience.into(),
            key_set: key_set(&key_id, public)?,
            key_id,
            folder,
        };
        identity.write_key_set()?;
        Ok(identity)
    }

    /// The public half of its key, as a JSON Web Key Set.
    pub fn key_set(&self) -> &Value {
        &self.key_set
    }

    /// The published key set.
    pub fn jwks_path(&self) -> PathBuf {
        self.folder.join("jwks.json")
    }

    /// Claim `iss` of the tokens.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Claim `aud` of the tokens.
    pub fn audience(&self) -> &str {
        &self.audience
    }

    /// An authenticator that accepts this issuer's tokens.
    ///
    /// # Errors
    /// When the key set cannot be read.
    pub fn authenticator(&self) -> Result<Authenticator, IdentityError> {
        let expectations =
            Expectations::new(&self.issuer, &self.audience).access_tokens(AccessTokens::Marked);
        Ok(Authenticator::from_jwks_file(self.jwks_path(), expectations)?)
    }

    /// Signs a token.
    ///
    /// # Errors
    /// When the key cannot sign.
    pub fn mint(&self, grant: &Grant) -> Result<String, IdentityError> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let claims = json!({
            "iss": self.issuer,
            "aud": self.audience,
            "sub": grant.subject,
            "tenant": grant.tenant,
            "scope": grant.scopes.join(" "),
            "iat": now,
            "nbf": now,
            "exp": now.saturating_add(grant.lifetime.as_secs()),
        });
        self.sign("at+jwt", &claims)
    }

    /// Signs claims as a token of this `typ`.
    ///
    /// # Errors
    /// When the key cannot sign.
    pub fn sign(&self, typ: &str, claims: &Value) -> Result<String, IdentityError> {
        let mut header = Header::new(Algorithm::ES256);
        header.typ = Some(typ.to_owned());
        header.kid = Some(self.key_id.clone());
        Ok(jsonwebtoken::encode(&header, claims, &self.key)?)
    }

    fn write_key_set(&self) -> Result<(), IdentityError> {
        let text = format!("{:#}\n", self.key_set);
        let path = self.jwks_path();
        if fs::read_to_string(&path).is_ok_and(|known| known == text) {
            return Ok(());
        }
        let fresh = path.with_extension(format!("{}.new", std::process::id()));
        fs::write(&fresh, text)?;
        Ok(fs::rename(fresh, path)?)
    }
}

/// The set of one key. The point is 0x04, x, y (SEC 1, 2.3.3).
fn key_set(key_id: &str, point: &[u8]) -> Result<Value, IdentityError> {
    let (Some(x), Some(y)) = (point.get(1..33), point.get(33..65)) else {
        return Err(IdentityError::Key);
    };
    Ok(json!({ "keys": [{
        "kty": "EC",
        "crv": "P-256",
        "use": "sig",
        "alg": "ES256",
        "kid": key_id,
        "x": URL_SAFE_NO_PAD.encode(x),
        "y": URL_SAFE_NO_PAD.encode(y),
    }] }))
}

/// Writes a new key. Of two processes that do so at once, one wins and both read its key.
fn create_key(path: &Path) -> Result<(), IdentityError> {
    let random = aws_lc_rs::rand::SystemRandom::new();
    let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random)
        .map_err(|_| IdentityError::Key)?;
    let body = STANDARD.encode(document.as_ref());
    let lines: Vec<&str> = (0..body.len())
        .step_by(64)
        .filter_map(|start| body.get(start..body.len().min(start + 64)))
        .collect();
    let body = lines.join("\n");
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n");
    let fresh = path.with_extension(format!("{}.new", std::process::id()));
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(&fresh)?.write_all(pem.as_bytes())?;
    let linked = fs::hard_link(&fresh, path);
    fs::remove_file(&fresh)?;
    match linked {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error.into()),
        Ok(()) | Err(_) => Ok(()),
    }
}
