//! Passwords against bcrypt hashes, which is slow on purpose.
//!
//! It is done off the async threads, by few at a time, and once per password that is right: who has come in
//! before never waits behind those who try wrong ones.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::num::NonZero;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::available_parallelism;

use tokio::sync::Semaphore;
use tracing::error;

use super::Verdict;
use super::credentials::Credentials;
use super::proof::{Proof, ProofKey};
use crate::web_config::PasswordHash;

/// Passwords known to be right that are remembered.
const REMEMBERED: usize = 4096;
/// Requests that may wait for their password to be checked.
const WAITING: usize = 128;
/// Passwords checked at a time, however many processors there are.
const MAX_WORKERS: usize = 4;

/// Checks passwords.
#[derive(Debug)]
pub(super) struct Passwords {
    remembered: Mutex<Remembered>,
    waiting: Semaphore,
    workers: Arc<Semaphore>,
}

impl Passwords {
    pub(super) fn new() -> Self {
        let processors = available_parallelism().map_or(1, NonZero::get);
        Self {
            remembered: Mutex::default(),
            waiting: Semaphore::new(WAITING),
            workers: Arc::new(Semaphore::new((processors / 2).clamp(1, MAX_WORKERS))),
        }
    }

    /// Whether `given` is one of `users`, of whom there is at least one.
    ///
    /// A name that is not among them costs as much time as one that is: its password is checked against
    /// somebody else's hash, and denied whatever comes of it.
    pub(super) async fn check(
        &self,
        users: &BTreeMap<String, PasswordHash>,
        given: Credentials,
        key: &ProofKey,
    ) -> Verdict {
        let known = str::from_utf8(&given.user)
            .ok()
            .and_then(|user| users.get(user));
        let Some(hash) = known.or_else(|| users.values().next()) else {
            return Verdict::Denied;
        };
        let proof = key.prove(&[&given.user, hash.as_str().as_bytes(), &given.password]);
        if self.remembers(&proof) {
            return Verdict::Allowed;
        }
        let Ok(_place) = self.waiting.try_acquire() else {
            return Verdict::Busy;
        };
        let is_right = self.verify(given.password, hash.clone(), &proof).await;
        if is_right && known.is_some() {
            self.remember(proof);
            return Verdict::Allowed;
        }
        Verdict::Denied
    }

    async fn verify(&self, password: Vec<u8>, hash: PasswordHash, proof: &Proof) -> bool {
        let Ok(worker) = Arc::clone(&self.workers).acquire_owned().await else {
            return false; // Nobody closes the semaphore.
        };
        if self.remembers(proof) {
            return true; // Another request has had it checked meanwhile.
        }
        let verified = tokio::task::spawn_blocking(move || {
            let is_right = bcrypt::verify(password, hash.as_str());
            drop(worker); // Held here, so that clients who go away do not make room for more.
            is_right
        });
        match verified.await {
            Ok(Ok(is_right)) => is_right,
            Ok(Err(error)) => {
                error!(%error, "could not check a password");
                false
            }
            Err(error) => {
                error!(%error, "checking a password has failed");
                false
            }
        }
    }

    fn remembers(&self, proof: &Proof) -> bool {
        let remembered = self.remembered.lock();
        let remembered = remembered.unwrap_or_else(PoisonError::into_inner);
        remembered.proofs.contains(proof)
    }

    fn remember(&self, proof: Proof) {
        let remembered = self.remembered.lock();
        let mut remembered = remembered.unwrap_or_else(PoisonError::into_inner);
        remembered.insert(proof);
    }
}

/// Proofs of passwords that were right, the oldest of which make room for new ones.
#[derive(Debug, Default)]
struct Remembered {
    proofs: HashSet<Proof>,
    by_age: VecDeque<Proof>,
}

impl Remembered {
    fn insert(&mut self, proof: Proof) {
        if !self.proofs.insert(proof) {
            return;
        }
        self.by_age.push_back(proof);
        if self.by_age.len() > REMEMBERED
            && let Some(oldest) = self.by_age.pop_front()
        {
            self.proofs.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// bcrypt's lowest cost keeps the tests fast.
    const COST: u32 = 4;

    fn users(users: &[(&str, &str)]) -> BTreeMap<String, PasswordHash> {
        let hash = |password| PasswordHash::try_from(bcrypt::hash(password, COST).unwrap());
        let users = users.iter();
        users
            .map(|&(user, password)| (user.to_owned(), hash(password).unwrap()))
            .collect()
    }

    struct Fixture {
        passwords: Passwords,
        key: ProofKey,
        users: BTreeMap<String, PasswordHash>,
    }

    impl Fixture {
        fn new() -> Self {
            Self {
                passwords: Passwords::new(),
                key: ProofKey::random(),
                users: users(&[("alice", "secret"), ("bob", "word")]),
            }
        }

        async fn check(&self, user: &str, password: &str) -> Verdict {
            let (user, password) = (user.into(), password.into());
            let given = Credentials { user, password };
            self.passwords.check(&self.users, given, &self.key).await
        }
    }

    #[tokio::test]
    async fn the_right_password_of_the_right_user_is_allowed() {
        let fixture = Fixture::new();
        assert_eq!(fixture.check("alice", "secret").await, Verdict::Allowed);
        assert_eq!(fixture.check("bob", "word").await, Verdict::Allowed);
        assert_eq!(fixture.check("alice", "word").await, Verdict::Denied);
        assert_eq!(fixture.check("alice", "").await, Verdict::Denied);
    }

    #[tokio::test]
    async fn an_unknown_user_is_denied_even_with_the_password_compared() {
        let fixture = Fixture::new();
        assert_eq!(fixture.check("mallory", "secret").await, Verdict::Denied);
        assert_eq!(fixture.check("mallory", "secret").await, Verdict::Denied);
    }

    #[tokio::test]
    async fn who_was_right_before_waits_for_nobody() {
        let fixture = Fixture::new();
        assert_eq!(fixture.check("alice", "secret").await, Verdict::Allowed);
        let permits = u32::try_from(fixture.passwords.workers.available_permits()).unwrap();
        let _workers = fixture.passwords.workers.acquire_many(permits).await;
        let _places = fixture.passwords.waiting.acquire_many(128).await.unwrap();
        assert_eq!(fixture.check("alice", "secret").await, Verdict::Allowed);
        assert_eq!(fixture.check("alice", "wrong").await, Verdict::Busy);
        assert_eq!(fixture.check("bob", "word").await, Verdict::Busy);
    }

    #[tokio::test]
    async fn a_changed_hash_makes_forget() {
        let mut fixture = Fixture::new();
        assert_eq!(fixture.check("alice", "secret").await, Verdict::Allowed);
        fixture.users = users(&[("alice", "changed")]);
        assert_eq!(fixture.check("alice", "secret").await, Verdict::Denied);
        assert_eq!(fixture.check("alice", "changed").await, Verdict::Allowed);
    }

    #[test]
    fn memory_is_bounded() {
        let key = ProofKey::random();
        let proof = |n: usize| key.prove(&[&n.to_le_bytes()]);
        let mut remembered = Remembered::default();
        for n in 0..=REMEMBERED {
            remembered.insert(proof(n));
            remembered.insert(proof(n));
        }
        assert_eq!(remembered.proofs.len(), REMEMBERED);
        assert!(!remembered.proofs.contains(&proof(0)));
        assert!(remembered.proofs.contains(&proof(REMEMBERED)));
    }
}
