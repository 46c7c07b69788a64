//! The volume: what can be asked for, and what can be changed later.

use serde_json::{Value, json};

use super::{Judge, merge};

#[tokio::test]
async fn the_volume_is_one_that_can_be_made() {
    let Some(judge) = Judge::new().await else {
        return;
    };
    let with = |persistence: Value| json!({ "persistence": persistence });
    let size = |size: &str| with(json!({ "size": size }));
    let file = |file: &str| with(json!({ "file": file }));
    let interval = |interval: &str| with(json!({ "interval": interval }));
    let modes = |modes: &[&str]| with(json!({ "accessModes": modes }));
    let claim = |more: Value| {
        let mut persistence = json!({ "existingClaim": "mine" });
        merge(&mut persistence, more);
        with(persistence)
    };
    let retain = |when: &str, what: &str| claim(json!({ "retentionPolicy": { when: what } }));
    let above_zero = "size must be a quantity above zero, such as 2Gi";
    judge
        .check([
            (size("1.5Gi"), size("0"), above_zero),
            (size("1e9"), size("-1Gi"), above_zero),
            (size("100M"), size("2GB"), above_zero),
            (
                file("push.data"),
                file("../push.data"),
                "spec.persistence.file",
            ),
            (file("_"), file(".hidden"), "spec.persistence.file"),
            (
                interval("5m30s"),
                interval("5"),
                "spec.persistence.interval",
            ),
            (interval("0"), interval("1s1m"), "spec.persistence.interval"),
            (
                modes(&["ReadWriteMany"]),
                modes(&["ReadOnlyMany"]),
                "Unsupported value: \"ReadOnlyMany\"",
            ),
            (
                modes(&["ReadWriteOncePod"]),
                modes(&[]),
                "should have at least 1 items",
            ),
            (
                modes(&["ReadWriteOnce", "ReadWriteMany"]),
                modes(&["ReadWriteOnce", "ReadWriteOnce"]),
                "Duplicate value: \"ReadWriteOnce\"",
            ),
            (
                claim(json!({})),
                claim(json!({ "storageClassName": "fast" })),
                "existingClaim and storageClassName exclude each other",
            ),
            (
                retain("whenDeleted", "Retain"),
                retain("whenDeleted", "Delete"),
                "the operator does not delete claims that others made",
            ),
            (
                retain("whenScaled", "Retain"),
                retain("whenScaled", "Delete"),
                "the operator does not delete claims that others made",
            ),
        ])
        .await;
}

#[tokio::test]
async fn what_is_fixed_of_a_volume_can_not_be_changed() {
    let Some(judge) = Judge::new().await else {
        return;
    };
    let with = |persistence: Value| json!({ "persistence": persistence });
    let size = |size: &str| with(json!({ "size": size }));
    let class = |class: &str| with(json!({ "storageClassName": class }));
    let mode = |mode: &str| with(json!({ "accessModes": [mode] }));
    let class_is_fixed = "storageClassName can't be changed: a volume can't move to another class";
    let modes_are_fixed = "accessModes can't be changed";
    let off = json!({ "enabled": false, "size": "5Gi", "storageClassName": "slow" });
    let other =
        json!({ "size": "1Gi", "storageClassName": "fast", "accessModes": ["ReadWriteMany"] });
    let claim = with(json!({ "existingClaim": "mine" }));
    judge
        .check_changes([
            (size("2Gi"), size("3Gi"), size("1Gi"), "size can only grow"),
            (
                size("2Gi"),
                size("2048Mi"),
                size("2G"),
                "size can only grow",
            ),
            (class("fast"), class("fast"), class("slow"), class_is_fixed),
            (
                class("fast"),
                class("fast"),
                with(json!({})),
                class_is_fixed,
            ),
            (
                with(json!({})),
                with(json!({})),
                class("fast"),
                class_is_fixed,
            ),
            (
                mode("ReadWriteOnce"),
                mode("ReadWriteOnce"),
                mode("ReadWriteMany"),
                modes_are_fixed,
            ),
            // Without a volume before or after, or with one that others made, all may be other than it was.
            (with(off), with(other.clone()), size("0"), "above zero"),
            (
                with(other),
                with(json!({ "enabled": false })),
                class("slow"),
                class_is_fixed,
            ),
            (class("fast"), claim.clone(), class("slow"), class_is_fixed),
            (claim, size("1Gi"), size("0"), "above zero"),
        ])
        .await;
}
