//! API keys: made, used and revoked while the server runs.

use std::path::Path;

use crate::server::{self, Server};

/// A tenant of this run: a database on a server is there for the next one too.
fn tenant() -> String {
    format!("acme-{}", std::process::id())
}

/// Runs `key …`; returns the exit code, and what it prints on both outputs.
async fn key(arguments: &[&str], folder: &Path) -> (Option<i32>, String, String) {
    let mut command = server::command();
    command.arg("key").args(arguments).arg("--data").arg(folder);
    // A database elsewhere, for all of them.
    if let Some(database) = std::env::var_os("SYMBOLON_TEST_DATABASE") {
        command.env("SYMBOLON_DATABASE", database);
    }
    let done = tokio::process::Command::from(command).output().await.unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap().trim().to_owned();
    (done.status.code(), text(done.stdout), text(done.stderr))
}

/// Who names the wrong folder is told so, and not that there are no keys.
#[tokio::test]
async fn no_database_is_made_for_who_only_looks() {
    if std::env::var_os("SYMBOLON_TEST_DATABASE").is_some() {
        return; // A database on a server is there, or nobody connects.
    }
    let folder = tempfile::TempDir::new().unwrap();
    for command in [&["list"][..], &["revoke", "0123456789abcdef"]] {
        let arguments = [command, &["--tenant", "acme"]].concat();
        let (code, _, said) = key(&arguments, folder.path()).await;
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains("there is no database"), "{said}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn a_key_is_made_used_and_revoked_while_the_server_runs() {
    let (folder, tenant) = (tempfile::TempDir::new().unwrap(), tenant());
    // Before there is a database, too.
    let early = ["create", "--name", "early", "--tenant", &tenant, "--scope", "calls:read"];
    let (code, early, said) = key(&early, folder.path()).await;
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("shown now only"), "{said}");
    let database = std::env::var("SYMBOLON_TEST_DATABASE").ok();
    let variables: Vec<_> =
        database.iter().map(|url| ("SYMBOLON_DATABASE", url.as_str())).collect();
    let server = Server::start_under(folder, &[], &variables).await;
    let path = "/v1/service-calls";
    assert_eq!(server.get(path, &early).await.status(), 200);
    assert_eq!(server.get("/events", &early).await.status(), 200);
    assert_eq!(server.submit(&early, "key-1", "http://example.com/").await.status(), 403);
    assert_eq!(server.get(path, &early.replace("_", "_0")).await.status(), 401);

    let late = ["create", "--name", "late one", "--tenant", &tenant, "--lifetime", "never"];
    let late = [late.as_slice(), &["--scope", "calls:read,calls:write"]].concat();
    let (code, late, said) = key(&late, server.folder()).await;
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("it never ends"), "{said}");
    assert_eq!(server.get(path, &late).await.status(), 200);

    let (code, listed, _) = key(&["list", "--tenant", &tenant], server.folder()).await;
    assert_eq!((code, listed.lines().count()), (Some(0), 2), "{listed}");
    assert!(listed.ends_with("calls:read,calls:write  late one"), "{listed}");
    assert!(!listed.contains(&early[30..]) && !listed.contains("used never"), "{listed}");

    let id = early.split('_').nth(1).unwrap();
    let (code, _, said) = key(&["revoke", id, "--tenant", "globex"], server.folder()).await;
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("has no key"), "{said}");
    assert_eq!(server.get(path, &early).await.status(), 200);
    let (code, _, said) = key(&["revoke", id, "--tenant", &tenant], server.folder()).await;
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(server.get(path, &early).await.status(), 401);
    assert_eq!(server.get(path, &late).await.status(), 200);
    let (_, listed, _) = key(&["list", "--tenant", &tenant], server.folder()).await;
    assert!(listed.contains(&format!("{id}  revoked")), "{listed}");
    server.terminate();
    let (_, log) = server.ended().await;
    for secret in [&early[30..], &late[30..]] {
        assert!(!log.iter().any(|line| line.to_string().contains(secret)), "a key is in the log");
    }
}

#[tokio::test]
async fn a_key_must_make_sense() {
    let (folder, tenant) = (tempfile::TempDir::new().unwrap(), tenant());
    let right = ["create", "--name", "till", "--tenant", &tenant, "--scope", "calls:raed"];
    let (code, _, said) = key(&right, folder.path()).await;
    assert_eq!(code, Some(1));
    assert!(
        said.contains("which has calls:ops, calls:platform, calls:read, calls:write"),
        "{said}"
    );
    for (flag, value) in [("--lifetime", "soon"), ("--lifetime", "0s"), ("--lifetime", "-1d")] {
        let flag = format!("{flag}={value}");
        let wrong = [&right[..6], &["calls:read", &flag]].concat();
        let (code, _, said) = key(&wrong, folder.path()).await;
        assert_eq!(code, Some(2), "{said}");
    }
}
