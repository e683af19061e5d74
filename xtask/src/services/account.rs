//! Who a server runs as: never root, and in a folder of its own.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::Context;
use nix::unistd::{User, geteuid};

use super::{Absent, folder, on_path};

/// The users that a server of root's is given to, the first that there is.
const OTHERS: [&str; 2] = ["postgres", "nobody"];

/// This user, or, where this is root, another one.
#[derive(Debug, Clone)]
pub(super) struct Account {
    other: Option<User>,
    setpriv: Option<PathBuf>,
}

impl Account {
    /// An account that is not root's.
    ///
    /// # Errors
    /// [`Absent`] when this is root and cannot become another.
    pub(super) fn ordinary() -> anyhow::Result<Self> {
        let setpriv = on_path("setpriv");
        if !geteuid().is_root() {
            return Ok(Self { other: None, setpriv });
        }
        if setpriv.is_none() {
            return Err(Absent("root cannot become another user without setpriv".into()).into());
        }
        for name in OTHERS {
            if let Some(user) = User::from_name(name)? {
                return Ok(Self { other: Some(user), setpriv });
            }
        }
        Err(Absent("there is no ordinary user that a server could run as".into()).into())
    }

    /// The user's name, where it is not this one.
    pub(super) fn other(&self) -> Option<&str> {
        self.other.as_ref().map(|user| user.name.as_str())
    }

    /// A program as this user, asked to stop when the thread that started it ends.
    pub(super) fn command(&self, program: &Path) -> Command {
        let Some(setpriv) = &self.setpriv else { return Command::new(program) };
        let mut command = Command::new(setpriv);
        command.args(["--pdeathsig", "INT"]);
        if let Some(user) = &self.other {
            let (user_id, group_id) = (user.uid.to_string(), user.gid.to_string());
            command.args(["--reuid", &user_id, "--regid", &group_id, "--clear-groups"]);
        }
        command.arg(program);
        command
    }

    /// An empty folder that is this user's alone, under target/ where the user can reach that.
    pub(super) fn folder(&self, root: &Path, name: &str) -> anyhow::Result<PathBuf> {
        let places = [folder(root)?, std::env::temp_dir()];
        for place in &places {
            sweep(place, name);
            let made = place.join(format!("symbolon-{name}-{}", std::process::id()));
            fs::create_dir_all(place)?;
            fs::create_dir(&made).with_context(|| format!("{} is made", made.display()))?;
            fs::set_permissions(&made, fs::Permissions::from_mode(0o700))?;
            if let Some(user) = &self.other {
                chown(&made, Some(user.uid.as_raw()), Some(user.gid.as_raw()))?;
            }
            if self.reaches(&made)? {
                return Ok(made);
            }
            fs::remove_dir(&made)?;
        }
        Err(Absent(format!("{} can reach neither of {places:?}", self.other().unwrap_or("?")))
            .into())
    }

    fn reaches(&self, folder: &Path) -> anyhow::Result<bool> {
        let Some(test) = on_path("test") else { return Ok(true) };
        let mut command = self.command(&test);
        command.arg("-w").arg(folder).current_dir("/").stderr(Stdio::null());
        Ok(command.status()?.success())
    }
}

/// Removes what runs left behind that were ended before they could.
fn sweep(place: &Path, name: &str) {
    let prefix = format!("symbolon-{name}-");
    for entry in fs::read_dir(place).into_iter().flatten().flatten() {
        let file_name = entry.file_name();
        let id = file_name.to_str().and_then(|text| text.strip_prefix(&prefix));
        let Some(id) = id.and_then(|id| id.parse::<u32>().ok()) else { continue };
        if !Path::new("/proc").join(id.to_string()).exists() {
            // Another user's, or gone by now: neither is in the way.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}
