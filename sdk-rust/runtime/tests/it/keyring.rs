//! Which credentials of a keyring an operation gets.

use symbolon_client::{Anonymous, Auth, AuthError, Basic, Keyring, Place, Secret};

/// What is sent for these alternatives, as text.
async fn sent(keyring: &Keyring, alternatives: &[&[&str]]) -> String {
    match keyring.credentials_for(alternatives).await {
        Ok(credentials) => format!("{credentials:?}"),
        Err(error) => error.to_string(),
    }
}

#[tokio::test]
async fn the_first_alternative_that_is_complete_is_sent() {
    let token = Secret::provided(|| async { Ok("t".to_owned()) });
    let keyring = Keyring::default()
        .secret("appId", Place::Query("app_id"), "i")
        .secret("oauth", Place::Authorization("Bearer"), token)
        .with("certificate", Anonymous);
    let bearer = r#"[Header { name: "Authorization", .. }]"#;
    assert_eq!(sent(&keyring, &[&["appId", "appKey"], &["oauth"], &["appId"]]).await, bearer);
    let both = r#"[Query { name: "app_id", .. }, Header { name: "Authorization", .. }]"#;
    assert_eq!(sent(&keyring, &[&["appId", "oauth"]]).await, both);
    assert_eq!(sent(&keyring, &[&[], &["oauth"]]).await, bearer);
    assert_eq!(sent(&keyring, &[&[], &["appKey"]]).await, "[]");
    assert_eq!(sent(&keyring, &[&["certificate"]]).await, "[]");
    assert_eq!(format!("{keyring:?}"), r#"{"appId", "certificate", "oauth"}"#);
}

#[tokio::test]
async fn what_cannot_be_met_is_said_and_nothing_is_sent() {
    let keyring = Keyring::default().with("basic", Basic::new("ada", "secret"));
    let said = "no credentials: the operation needs those of appId and appKey, or of oauth";
    assert_eq!(sent(&keyring, &[&["appId", "appKey"], &["oauth"]]).await, said);
    let none = Keyring::default().credentials().await.unwrap_err();
    assert_eq!(none.to_string(), "no credentials: none were given");
    let lost = Secret::provided(|| async { Err(AuthError::new("the issuer is gone")) });
    let keyring = Keyring::default().secret("oauth", Place::Cookie("t"), lost);
    assert_eq!(sent(&keyring, &[&["oauth"]]).await, "no credentials: the issuer is gone");
}
