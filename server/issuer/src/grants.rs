//! What was granted and not yet fetched: codes and refresh tokens, each good once.

use std::collections::HashMap;
use std::time::{Duration, SystemTime};

/// The scope that asks for an ID token.
pub(crate) const OPENID: &str = "openid";
/// The scope that asks for a refresh token.
pub(crate) const OFFLINE: &str = "offline_access";

const CODE_LIFETIME: Duration = Duration::from_secs(60);
const REFRESH_LIFETIME: Duration = Duration::from_secs(12 * 60 * 60);
/// So many of a kind are kept; what ends first goes first.
const KEPT: usize = 1000;

/// Who was let in, and to what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Granted {
    pub(crate) client: String,
    pub(crate) subject: String,
    pub(crate) tenant: String,
    pub(crate) scopes: Vec<String>,
    pub(crate) at: SystemTime,
    /// The client's own word, for the ID token that a code gets.
    pub(crate) nonce: Option<String>,
}

impl Granted {
    pub(crate) fn has(&self, scope: &str) -> bool {
        self.scopes.iter().any(|granted| granted == scope)
    }
}

/// What a code was given for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bound {
    pub(crate) redirect: String,
    /// SHA-256 of the verifier, in base64url (RFC 7636, 4.2).
    pub(crate) challenge: String,
}

/// Codes and refresh tokens that stem from one decision are a family: it ends when one of them is
/// used twice, for then somebody has a copy.
#[derive(Debug, Clone)]
struct Held<T> {
    what: T,
    granted: Granted,
    family: u64,
    until: SystemTime,
    is_spent: bool,
}

/// Everything that can be fetched.
#[derive(Debug, Default)]
pub(crate) struct Grants {
    codes: HashMap<String, Held<Bound>>,
    refreshes: HashMap<String, Held<()>>,
    families: u64,
}

impl Grants {
    /// Keeps what a code stands for.
    pub(crate) fn keep_code(&mut self, code: String, granted: Granted, bound: Bound) {
        make_room(&mut self.codes, granted.at);
        self.families += 1;
        let (family, until) = (self.families, granted.at + CODE_LIFETIME);
        let held = Held { what: bound, granted, family, until, is_spent: false };
        self.codes.insert(code, held);
    }

    /// What a code stands for, once, and its family.
    pub(crate) fn spend_code(
        &mut self,
        code: &str,
        now: SystemTime,
    ) -> Option<(Granted, Bound, u64)> {
        let spent = spend(&mut self.codes, code, now);
        if let Spent::Twice(family) = spent {
            self.end(family);
        }
        spent.once().map(|held| (held.granted, held.what, held.family))
    }

    /// Keeps what a refresh token stands for.
    pub(crate) fn keep_refresh(
        &mut self,
        token: String,
        granted: Granted,
        family: u64,
        now: SystemTime,
    ) {
        make_room(&mut self.refreshes, now);
        let until = now + REFRESH_LIFETIME;
        let held = Held { what: (), granted, family, until, is_spent: false };
        self.refreshes.insert(token, held);
    }

    /// What a refresh token stands for, once, and its family.
    pub(crate) fn spend_refresh(&mut self, token: &str, now: SystemTime) -> Option<(Granted, u64)> {
        let spent = spend(&mut self.refreshes, token, now);
        if let Spent::Twice(family) = spent {
            self.end(family);
        }
        spent.once().map(|held| (held.granted, held.family))
    }

    fn end(&mut self, family: u64) {
        self.refreshes.retain(|_, held| held.family != family);
    }
}

enum Spent<T> {
    Once(Held<T>),
    Twice(u64),
    Never,
}

impl<T> Spent<T> {
    fn once(self) -> Option<Held<T>> {
        match self {
            Self::Once(held) => Some(held),
            Self::Twice(_) | Self::Never => None,
        }
    }
}

fn spend<T: Clone>(all: &mut HashMap<String, Held<T>>, key: &str, now: SystemTime) -> Spent<T> {
    match all.get_mut(key).filter(|held| now < held.until) {
        None => Spent::Never,
        Some(held) if held.is_spent => Spent::Twice(held.family),
        Some(held) => {
            held.is_spent = true;
            Spent::Once(held.clone())
        }
    }
}

fn make_room<T>(all: &mut HashMap<String, Held<T>>, now: SystemTime) {
    if all.len() < KEPT {
        return;
    }
    all.retain(|_, held| now < held.until);
    let first = all.iter().min_by_key(|(_, held)| held.until).map(|(key, _)| key.clone());
    if let Some(first) = first.filter(|_| all.len() >= KEPT) {
        all.remove(&first);
    }
}
