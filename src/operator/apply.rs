//! Makes the API server have what was built: server-side apply in order, refusal to adopt strangers, pruning.
//!
//! What exists is decided in [`build`](super::build); here only how it gets there.

use std::collections::{BTreeMap, BTreeSet};

use kube::api::{DeleteParams, DynamicObject, Patch, PatchParams, Preconditions};
use kube::{Client, ResourceExt};
use serde_json::Value;

use super::build::Child;
use super::error::{Error, is_not_found, is_of_ending_namespace};
use super::kind::Kind;
use super::memory::{Imprint, Key, Memories};
use super::observe::Observed;
use super::ownership::{self, ADOPT_ANNOTATION};
use super::storage;
use super::validate::ValidatedPushGateway;

/// Our name in `metadata.managedFields`.
pub const FIELD_MANAGER: &str = "pushgateway-operator";

/// What came of applying.
#[derive(Debug, Default)]
pub(super) struct Applied {
    /// The children as the API server answered, or as it had them already.
    pub children: BTreeMap<(Kind, String), DynamicObject>,
    /// What was done, for events and metrics.
    pub outcomes: Vec<Outcome>,
    /// What the user has to mend.
    pub problems: Vec<Problem>,
    /// What became of the claim.
    pub claim: storage::ClaimOutcome,
}

/// What was done to a child.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Outcome {
    /// Its kind.
    pub kind: Kind,
    /// Its name.
    pub name: String,
    /// What was done.
    pub change: Change,
}

/// What was done.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Change {
    /// It was not there before.
    Created,
    /// It was there otherwise.
    Changed,
    /// The API server found nothing to change.
    Unchanged,
    /// It was known to be as wanted, so nobody was asked.
    Skipped,
    /// It was no longer wanted.
    Deleted,
    /// It was replaced, its pods kept, since it can't be changed.
    Replaced,
}

/// What stands in the way until a user does something.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Problem {
    /// Of which kind of child.
    pub kind: Kind,
    /// Of which child.
    pub name: String,
    /// What it is.
    pub cause: Cause,
}

/// Why a child can't be as wanted.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Cause {
    /// An object of the name belongs to somebody else.
    NameConflict {
        /// Who that is.
        owner: String,
    },
    /// The API server refused it.
    Refused {
        /// With these words.
        message: String,
    },
}

/// Where and for whom children are applied.
#[derive(Clone, Copy)]
pub(super) struct Applier<'a> {
    /// To ask with.
    pub client: &'a Client,
    /// What was applied before.
    pub memories: &'a Memories,
    /// For whom.
    pub owner: &'a ValidatedPushGateway,
}

impl Applier<'_> {
    /// Applies all children. What a user has to mend is told in the result; errors are for another try.
    pub(super) async fn apply(
        &self,
        children: Vec<Child>,
        observed: &Observed,
    ) -> Result<Applied, Error> {
        let mut applied = Applied::default();
        for mut child in children {
            let known = observed.children.get(&(child.kind, child.name.clone()));
            let live = match known {
                Some(live) => Some(live.clone()),
                None => self.find(&child).await?,
            };
            if let Some(live) = &live
                && let Some(owner) = ownership::stranger(live, self.owner)
            {
                applied.problem(&child, Cause::NameConflict { owner });
                continue;
            }
            let mut replaced = false;
            if child.kind == Kind::StatefulSet
                && let Some(live) = &live
            {
                applied.claim = storage::settle(self, &mut child, live, observed).await?;
                replaced = applied.claim.replaced;
                if replaced {
                    applied.done(child.kind, &child.name, Change::Replaced);
                }
            }
            self.apply_one(child, live.filter(|_| !replaced), &mut applied)
                .await?;
        }
        Ok(applied)
    }

    /// Deletes what is ours and no longer wanted.
    pub(super) async fn prune(
        &self,
        observed: &Observed,
        wanted: &BTreeSet<(Kind, String)>,
        applied: &mut Applied,
    ) -> Result<(), Error> {
        for ((kind, name), object) in &observed.children {
            if wanted.contains(&(*kind, name.clone()))
                || object.metadata.deletion_timestamp.is_some()
            {
                continue;
            }
            if *kind == Kind::StatefulSet && !storage::keep_claim(self, object).await? {
                continue;
            }
            let only_this = DeleteParams::background().preconditions(Preconditions {
                uid: object.metadata.uid.clone(),
                resource_version: object.metadata.resource_version.clone(),
            });
            let api = kind.api(self.client, self.owner.namespace());
            match api.delete(name, &only_this).await {
                Ok(_) => applied.done(*kind, name, Change::Deleted),
                // It is gone, which is what was wanted.
                Err(kube::Error::Api(status)) if is_not_found(&status) => {}
                Err(source) => {
                    return Err(Error::Delete {
                        kind: *kind,
                        name: name.clone(),
                        source: Box::new(source),
                    });
                }
            }
        }
        Ok(())
    }

    /// The object of a child's name, where the labels that we list by do not show it.
    async fn find(&self, child: &Child) -> Result<Option<DynamicObject>, Error> {
        let api = child.kind.api(self.client, self.owner.namespace());
        match api.get_opt(&child.name).await {
            Ok(found) => Ok(found),
            Err(kube::Error::Api(status)) if status.is_forbidden() => Ok(None),
            Err(source) => Err(Error::Observe {
                what: format!("{} {}", child.kind.name(), child.name),
                source: Box::new(source),
            }),
        }
    }

    async fn apply_one(
        &self,
        child: Child,
        live: Option<DynamicObject>,
        applied: &mut Applied,
    ) -> Result<(), Error> {
        let Child { kind, name, object } = child;
        let key = self.key();
        if let Some(live) = &live
            && self
                .memories
                .is_applied(&key, kind, &name, Imprint::new(&object, live))
        {
            applied.done(kind, &name, Change::Skipped);
            applied.children.insert((kind, name), live.clone());
            return Ok(());
        }
        match self.patch(kind, &name, &object).await {
            Ok(answer) => {
                let imprint = Imprint::new(&object, &answer);
                self.memories.remember(&key, kind, &name, imprint);
                let change = match &live {
                    None => Change::Created,
                    Some(live) if live.resource_version() == answer.resource_version() => {
                        Change::Unchanged
                    }
                    Some(_) => Change::Changed,
                };
                applied.done(kind, &name, change);
                applied.children.insert((kind, name), answer);
                Ok(())
            }
            Err(kube::Error::Api(status)) if is_for_the_user(&status) => {
                applied.problems.push(Problem {
                    kind,
                    name: name.clone(),
                    cause: Cause::Refused {
                        message: status.message.clone(),
                    },
                });
                applied
                    .children
                    .extend(live.map(|live| ((kind, name), live)));
                Ok(())
            }
            Err(source) => Err(Error::Apply {
                kind,
                name,
                source: Box::new(source),
            }),
        }
    }

    async fn patch(
        &self,
        kind: Kind,
        name: &str,
        object: &Value,
    ) -> Result<DynamicObject, kube::Error> {
        let ours = PatchParams::apply(FIELD_MANAGER).force();
        let api = kind.api(self.client, self.owner.namespace());
        match api.patch(name, &ours, &Patch::Apply(object)).await {
            // To an item of a list that somebody has given another key, as the port of a Service, ours was added; with
            // the same name, both can't be. Replacing the lists as a whole heals that.
            Err(kube::Error::Api(status)) if has_duplicates(&status) => {
                let ours = PatchParams {
                    force: false,
                    ..ours
                };
                api.patch(name, &ours, &Patch::Merge(object)).await
            }
            answer => answer,
        }
    }

    fn key(&self) -> Key {
        (
            self.owner.namespace().to_owned(),
            self.owner.name().to_owned(),
        )
    }
}

/// Whether an object is refused because of two items of a list that may not be alike.
fn has_duplicates(status: &kube::core::Status) -> bool {
    let causes = status
        .details
        .iter()
        .flat_map(|details| details.causes.iter());
    let mut reasons = causes.map(|cause| cause.reason.as_str());
    status.is_invalid() && reasons.any(|reason| reason == "FieldValueDuplicate")
}

/// Whether trying again makes no sense before somebody changes something.
fn is_for_the_user(status: &kube::core::Status) -> bool {
    (status.is_invalid() || status.is_forbidden() || status.code == 400)
        && !is_of_ending_namespace(status)
}

impl Applied {
    fn done(&mut self, kind: Kind, name: &str, change: Change) {
        let name = name.to_owned();
        self.outcomes.push(Outcome { kind, name, change });
    }

    fn problem(&mut self, child: &Child, cause: Cause) {
        self.problems.push(Problem {
            kind: child.kind,
            name: child.name.clone(),
            cause,
        });
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (kind, name) = (self.kind.name(), &self.name);
        match &self.cause {
            Cause::NameConflict { owner } => write!(
                formatter,
                "{kind} {name} belongs to {owner}: rename the PushGateway, delete the {kind}, or annotate it with {ADOPT_ANNOTATION}=NAME-OF-THE-PUSHGATEWAY to have it taken over"
            ),
            Cause::Refused { message } => {
                write!(formatter, "the API server refuses {kind} {name}: {message}")
            }
        }
    }
}
