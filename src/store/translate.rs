//! Groups between this store and the Go Pushgateway's persistence file.

use std::sync::Arc;

use super::Limits;
use super::change::{Change, PushGauge, PushMode, StoredFamily};
use super::consistency::Check;
use super::groups::{Group, PushedFamily};
use super::metadata::KnownMetadata;
use super::prepare::{PrepareRules, PreparedPush};
use super::upstream::{UpstreamFamily, UpstreamGroup};
use crate::exposition::{ParseLimits, protobuf};
use crate::model::{
    GroupingKey, GroupingKeyError, PUSH_FAILURE_TIME_SECONDS, PUSH_TIME_SECONDS, Value,
};

/// A group of a Go Pushgateway as a change, and which of its families could not be taken over.
#[derive(Debug)]
pub struct Imported {
    /// The change that makes the group.
    pub change: Change,
    /// Families that can't be exposed, each with the reason.
    pub dropped: Vec<String>,
}

/// Takes over a group of a Go Pushgateway.
pub fn import(group: UpstreamGroup) -> Result<Imported, GroupingKeyError> {
    let key = Arc::new(GroupingKey::new(group.labels)?);
    let mut imported = Import {
        families: Vec::new(),
        dropped: Vec::new(),
    };
    let (mut pushed, mut failed) = (PushGauge::default(), PushGauge::default());
    for family in group.families {
        match &*family.name {
            PUSH_TIME_SECONDS => pushed = gauge(&family),
            PUSH_FAILURE_TIME_SECONDS => failed = gauge(&family),
            _ => imported.take(&key, &family),
        }
    }
    let (families, dropped) = imported.finish();
    Ok(Imported {
        change: Change::Group {
            key,
            pushed,
            failed,
            families,
        },
        dropped,
    })
}

/// A group as the Go Pushgateway keeps it. Other changes make no group.
pub fn export(change: Change) -> Option<UpstreamGroup> {
    let group = Group::of_change(0, change)?;
    let labels = group.grouping_key().labels();
    Some(UpstreamGroup {
        labels: labels
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
        families: group.families().iter().map(export_family).collect(),
    })
}

fn export_family(pushed: &PushedFamily<'_>) -> UpstreamFamily {
    let mut protobuf = Vec::new();
    protobuf::append_family_message(&mut protobuf, &pushed.family);
    UpstreamFamily {
        name: pushed.family.name.to_string(),
        timestamp: pushed.pushed_at,
        protobuf,
    }
}

/// The families of a group that is being taken over.
struct Import {
    families: Vec<Arc<StoredFamily>>,
    dropped: Vec<String>,
}

impl Import {
    fn take(&mut self, key: &Arc<GroupingKey>, family: &UpstreamFamily) {
        match stored(key, family) {
            Ok(stored) => self.families.extend(stored),
            Err(reason) => self.dropped.push(format!("{:?}: {reason}", family.name)),
        }
    }

    /// The families sorted by name, no name twice, and what was dropped.
    fn finish(self) -> (Vec<Arc<StoredFamily>>, Vec<String>) {
        let Self {
            mut families,
            mut dropped,
        } = self;
        families.sort_by(|a, b| a.metadata.name.cmp(&b.metadata.name));
        families.dedup_by(|again, first| {
            let name = &again.metadata.name;
            let is_twice = *name == first.metadata.name;
            if is_twice {
                dropped.push(format!(
                    "{name:?}: the group has another family of this name"
                ));
            }
            is_twice
        });
        (families, dropped)
    }
}

fn stored(
    key: &Arc<GroupingKey>,
    family: &UpstreamFamily,
) -> Result<Option<Arc<StoredFamily>>, String> {
    let mut decoded = protobuf::decode_family_message(&family.protobuf, ParseLimits::NONE)
        .map_err(|error| error.to_string())?;
    decoded
        .metrics
        .metrics_mut()
        .for_each(|metric| metric.timestamp_ms = None);
    let limits = Limits::unlimited();
    let rules = PrepareRules {
        check: Check::Unchecked,
        limits: &limits,
        known: &KnownMetadata::with_places(1),
    };
    let at = family.timestamp;
    let push = PreparedPush::new(Arc::clone(key), PushMode::Merge, at, &[decoded], &rules)
        .map_err(|refusal| refusal.to_string())?;
    Ok(push.into_stored().next())
}

/// What a push gauge says; 0 if it can't be read.
fn gauge(family: &UpstreamFamily) -> PushGauge {
    let decoded = protobuf::decode_family_message(&family.protobuf, ParseLimits::NONE);
    let value = decoded
        .ok()
        .and_then(|family| match family.metrics.get(0)?.1.value {
            Some(Value::Gauge(value)) => Some(value),
            _ => None,
        });
    PushGauge {
        value: value.unwrap_or_default(),
        stored_at: family.timestamp,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Timestamp;
    use crate::store::upstream;

    /// A file as the Go Pushgateway writes it: one group `{job="py"}` with a gauge `m 4`.
    const FILE: &str = "29ff8b0401011847726f7570696e674b6579546f4d657472696347726f757001ff8c00010c01ff800000317f0301010b4d657472696347726f757001ff8000010201064c6162656c7301ff820001074d65747269637301ff8a00000021ff81040101116d61705b737472696e675d737472696e6701ff8200010c010c000031ff89040101204e616d65546f54696d657374616d7065644d657472696346616d696c794d617001ff8a00010c01ff8400004eff830301011754696d657374616d7065644d657472696346616d696c7901ff84000102010954696d657374616d7001ff86000114476f626261626c654d657472696346616d696c7901ff8800000010ff850501010454696d6501ff8600000020ff8705010114476f626261626c654d657472696346616d696c7901ff8800000058ff8c0001066a6f62ff70790101036a6f620270790101016d010f010000000edce5e80000000005ffff012b0a016d180122240a0c0a08696e7374616e636512000a090a036a6f6212027079120909000000000000104000 00";

    fn file() -> Vec<u8> {
        let digits: Vec<u8> = FILE.bytes().filter(u8::is_ascii_hexdigit).collect();
        let byte =
            |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
        digits.chunks(2).map(byte).collect()
    }

    #[test]
    fn of_two_families_that_call_themselves_the_same_one_is_imported() {
        let mut group = upstream::read(&file()).unwrap().remove(0);
        let mut again = group.families[0].clone();
        again.name = "another".into();
        group.families.push(again);
        let imported = import(group).unwrap();
        let Change::Group { families, .. } = imported.change else {
            panic!("it is a group");
        };
        assert_eq!(families.len(), 1);
        assert_eq!(
            imported.dropped,
            ["\"m\": the group has another family of this name"]
        );
    }

    #[test]
    fn a_group_survives_the_way_in_and_out() {
        let groups = upstream::read(&file()).unwrap();
        let imported = import(groups[0].clone()).unwrap();
        assert_eq!(imported.dropped, Vec::<String>::new());
        let Change::Group { key, families, .. } = &imported.change else {
            panic!("a group")
        };
        assert_eq!(key.to_string(), r#"{job="py"}"#);
        assert_eq!(
            families[0].pushed_at,
            Timestamp::from_nanos(1_700_000_000_000_000_005)
        );
        let exported = export(imported.change).unwrap();
        assert_eq!(exported.labels, groups[0].labels);
        assert_eq!(exported.families[0], groups[0].families[0]);
        // The push gauges, which the file lacks, say never.
        assert_eq!(exported.families.len(), 3);
    }
}
