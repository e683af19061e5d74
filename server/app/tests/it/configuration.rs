//! What is configured where: flags before the environment before a file, and secrets in their own.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::server::{self, Server};

/// Writes a file of a folder.
fn write(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path
}

/// Runs `config …`; returns its exit code and what it prints on both outputs.
fn config(arguments: &[&str], variables: &[(&str, &str)]) -> (Option<i32>, String) {
    let mut command = server::command();
    let done = command.arg("config").args(arguments).envs(variables.iter().copied());
    let done = done.output().unwrap();
    (done.status.code(), String::from_utf8([done.stdout, done.stderr].concat()).unwrap())
}

#[test]
fn flags_win_over_the_environment_and_that_over_a_file() {
    let folder = TempDir::new().unwrap();
    let text = "listen = \"127.0.0.1:1\"\nbody-limit = 1\nmode = \"relay\"\ndevelopment = true\n\
                audience = \"of-the-file\"\n";
    let file = write(folder.path(), "symbolon.toml", text).display().to_string();
    let variables = [
        ("SYMBOLON_CONFIG", file.as_str()),
        ("SYMBOLON_BODY_LIMIT", "2"),
        ("SYMBOLON_MODE", "api"),
    ];
    let database = "postgres://me:squirrel@db.example/symbolon";
    let (traces, keys) = ("http://me:squirrel@traces.example/", "https://squirrel@keys.example/");
    let arguments = ["print", "--mode", "worker", "--database", database];
    let urls = ["--otlp-endpoint", traces, "--jwks", keys];
    let (code, said) = config(&[&arguments[..], &urls].concat(), &variables);
    assert_eq!(code, Some(0), "{said}");
    for line in [
        "mode = \"worker\"  # --mode".to_owned(),
        "body-limit = 2  # SYMBOLON_BODY_LIMIT".to_owned(),
        format!("listen = \"127.0.0.1:1\"  # {file}:1"),
        format!("development = true  # {file}:4"),
        format!("audience = \"of-the-file\"  # {file}:5"),
        "lease = \"10s\"  # default".to_owned(),
        "otlp-endpoint = \"http://traces.example/\"  # --otlp-endpoint".to_owned(),
        "jwks = \"https://keys.example/\"  # --jwks".to_owned(),
        "systems = [\"calls\"]  # default".to_owned(),
    ] {
        assert!(said.lines().any(|it| it == line), "{line} in\n{said}");
    }
    assert!(said.contains("database = \"postgres://"), "{said}");
    assert!(!said.contains("squirrel"), "{said}");
    // What is printed can be read again.
    let printed = write(folder.path(), "printed.toml", &said).display().to_string();
    let (code, said) = config(&["check", "--config", &printed], &[]);
    assert_eq!(code, Some(0), "{said}");
}

#[test]
fn what_a_file_may_not_say_is_told_with_its_place() {
    let folder = TempDir::new().unwrap();
    let file = write(folder.path(), "symbolon.toml", "lisen = \"x\"\nlease = \"soon\"\n");
    let file = file.display().to_string();
    let (code, said) = config(&["check", "--config", &file], &[]);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains(&format!("{file}:1:1: `lisen` is no option of `serve`")), "{said}");
    assert!(said.contains("did you mean `listen`?"), "{said}");
    assert!(said.contains(&format!("{file}:2:9: this is no value of `lease`")), "{said}");
    let (code, said) = config(&["check", "--config", "/no/such/file"], &[]);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("/no/such/file cannot be read"), "{said}");
}

#[tokio::test]
async fn a_server_runs_by_a_file_and_reads_its_secret_from_another() {
    let (folder, elsewhere) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let database = elsewhere.path().join("elsewhere.sqlite").display().to_string();
    let secret = write(folder.path(), "database", &format!("{database}\n"));
    let text = format!("database-file = {:?}\naudience = \"of-the-file\"\n", secret.display());
    let file = write(folder.path(), "symbolon.toml", &text).display().to_string();
    let variables = [("SYMBOLON_CONFIG", file.as_str())];
    let server = Server::start_under(folder, &[], &variables).await;
    let path = "/v1/service-calls";
    let stranger = server.token(&[]).await;
    assert_eq!(server.get(path, &stranger).await.status(), 401);
    let known = server.token(&["--audience", "of-the-file"]).await;
    assert_eq!(server.get(path, &known).await.status(), 200);
    server.terminate();
    let (_folder, _) = server.ended().await;
    assert!(Path::new(&database).exists());
    // A database that is named outright wins over a file that names one.
    let (code, said) = config(&["print", "--config", &file, "--database", "mine"], &[]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("database = \"mine\"") && !said.contains("database-file"), "{said}");
}

#[test]
fn what_is_nearer_says_where_the_database_is() {
    let folder = TempDir::new().unwrap();
    let secret = write(folder.path(), "database", "elsewhere.sqlite\n").display().to_string();
    let file = [("SYMBOLON_DATABASE_FILE", secret.as_str())];
    let path = [("SYMBOLON_DATABASE", "mine.sqlite")];
    for (arguments, variables, expected) in [
        (vec!["--database", "flag"], &file[..], "database = \"flag\"  # --database"),
        (vec!["--database-file", &secret], &path[..], "database-file = "),
        (vec![], &path[..], "database = \"mine.sqlite\"  # SYMBOLON_DATABASE"),
        (vec![], &file[..], "database-file = "),
    ] {
        let (code, said) = config(&[&["print"], &arguments[..]].concat(), variables);
        assert_eq!(code, Some(0), "{said}");
        let told: Vec<_> = said.lines().filter(|line| line.starts_with("database")).collect();
        assert!(matches!(told[..], [only] if only.starts_with(expected)), "{told:?}");
    }
    // What is equally near decides nothing.
    let both = ["check", "--database", "mine", "--database-file", "other"];
    for (arguments, variables) in [(&both[..], &[][..]), (&["check"], &[file[0], path[0]])] {
        let (code, said) = config(arguments, variables);
        assert_eq!(code, Some(2), "{said}");
        assert!(said.contains("say the same: leave one of them out"), "{said}");
    }
}

#[test]
fn what_serve_would_refuse_is_refused_before() {
    let folder = TempDir::new().unwrap();
    let none = folder.path().join("none").display().to_string();
    let nothing = write(folder.path(), "nothing", "mysql://db/x\n").display().to_string();
    let trusted = "--development";
    for (arguments, why) in [
        (vec![], "whose tokens to trust?"),
        (vec![trusted, "--jwks", "keys.json"], "exclude each other"),
        (vec!["--jwks", &none], "cannot be read"),
        (vec![trusted, "--mode", "api"], "shares its database with other processes"),
        (vec![trusted, "--database-file", &none], "cannot be read"),
        (vec![trusted, "--database-file", &nothing], "names no database"),
        (vec![trusted, "--log-level", "calls=loud"], "the log level calls=loud cannot be read"),
        (vec![trusted, "--otlp-endpoint", "collector:4318"], "--otlp-endpoint has a URL"),
        (vec!["--issuer", "http://login.example.com"], "https"),
    ] {
        let (code, said) = config(&[&["check"], &arguments[..]].concat(), &[]);
        assert_eq!(code, Some(2), "{arguments:?}: {said}");
        assert!(said.contains(why), "{arguments:?}: {said}");
        let mut serve = server::command();
        let served = serve.arg("serve").args(["--listen", "127.0.0.1:0"]).args(&arguments);
        let served = served.current_dir(folder.path()).output().unwrap();
        assert_eq!(served.status.code(), Some(1), "{arguments:?}");
        assert!(String::from_utf8_lossy(&served.stderr).contains(why), "{arguments:?}");
    }
    let (code, said) = config(&["check", "--development"], &[]);
    assert_eq!((code, said.as_str()), (Some(0), "the configuration can be used\n"));
}
