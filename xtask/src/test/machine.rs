//! What this machine lacks of what checks want, said before the first of them begins.

use std::process::{Command, Stdio};

use crate::services::on_path;

/// What is wanted, how it is seen to be there, and what installs it on Debian.
struct Wanted {
    title: &'static str,
    for_steps: &'static str,
    command: &'static [&'static str],
    package: &'static str,
}

const WANTED: [Wanted; 5] = [
    Wanted {
        title: "a C compiler",
        for_steps: "everything",
        command: &["cc", "--version"],
        package: "gcc libc6-dev",
    },
    Wanted {
        title: "make",
        for_steps: "whatever speaks to Kafka",
        command: &["make", "--version"],
        package: "make",
    },
    Wanted {
        title: "Node.js",
        for_steps: "TypeScript, linters, judges, the console",
        command: &["npm", "--version"],
        package: "nodejs npm (20.19 or newer)",
    },
    Wanted {
        title: "Python's venv",
        for_steps: "schemathesis",
        command: &["python3", "-c", "import ensurepip, venv"],
        package: "python3-venv",
    },
    Wanted {
        title: "Python's pip",
        for_steps: "the Kafka broker",
        command: &["python3", "-m", "pip", "--version"],
        package: "python3-pip",
    },
];

/// Prints a line for everything that is missing.
pub(super) fn look() {
    for wanted in WANTED.iter().filter(|wanted| !is_there(wanted.command)) {
        println!(
            "not here: {}, for {}; on Debian: apt-get install {}",
            wanted.title, wanted.for_steps, wanted.package
        );
    }
}

fn is_there(words: &[&str]) -> bool {
    let [program, arguments @ ..] = words else { return false };
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    on_path(program).is_some() && command.status().is_ok_and(|status| status.success())
}
