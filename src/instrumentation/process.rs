//! Metrics about the process, as every Prometheus client library has them.

use std::fs;

use procfs::process::{LimitValue, Process};
use procfs::{ProcResult, boot_time_secs, page_size, ticks_per_second};

use crate::model::{Counter, MetricFamily, MetricType, Value};

use super::OwnFamily;
use super::instrument::metric;

/// The families of this module, by name.
pub(super) const FAMILIES: [OwnFamily; 9] = [
    CPU_SECONDS,
    MAX_FDS,
    RECEIVED_BYTES,
    TRANSMITTED_BYTES,
    OPEN_FDS,
    RESIDENT_BYTES,
    START_TIME,
    VIRTUAL_BYTES,
    MAX_VIRTUAL_BYTES,
];

const CPU_SECONDS: OwnFamily = OwnFamily {
    name: "process_cpu_seconds_total",
    metric_type: MetricType::Counter,
    help: "Total user and system CPU time spent in seconds.",
};
const MAX_FDS: OwnFamily = OwnFamily {
    name: "process_max_fds",
    metric_type: MetricType::Gauge,
    help: "Maximum number of open file descriptors.",
};
const RECEIVED_BYTES: OwnFamily = OwnFamily {
    name: "process_network_receive_bytes_total",
    metric_type: MetricType::Counter,
    help: "Number of bytes received by the process over the network.",
};
const TRANSMITTED_BYTES: OwnFamily = OwnFamily {
    name: "process_network_transmit_bytes_total",
    metric_type: MetricType::Counter,
    help: "Number of bytes sent by the process over the network.",
};
const OPEN_FDS: OwnFamily = OwnFamily {
    name: "process_open_fds",
    metric_type: MetricType::Gauge,
    help: "Number of open file descriptors.",
};
const RESIDENT_BYTES: OwnFamily = OwnFamily {
    name: "process_resident_memory_bytes",
    metric_type: MetricType::Gauge,
    help: "Resident memory size in bytes.",
};
const START_TIME: OwnFamily = OwnFamily {
    name: "process_start_time_seconds",
    metric_type: MetricType::Gauge,
    help: "Start time of the process since unix epoch in seconds.",
};
const VIRTUAL_BYTES: OwnFamily = OwnFamily {
    name: "process_virtual_memory_bytes",
    metric_type: MetricType::Gauge,
    help: "Virtual memory size in bytes.",
};
const MAX_VIRTUAL_BYTES: OwnFamily = OwnFamily {
    name: "process_virtual_memory_max_bytes",
    metric_type: MetricType::Gauge,
    help: "Maximum amount of virtual memory available in bytes.",
};

/// What `/proc` tells about this process; what it does not tell is left out.
pub(super) fn families() -> Vec<MetricFamily<'static>> {
    let Ok(process) = Process::myself() else {
        return Vec::new();
    };
    let parts = [stat(&process), limits(&process), network(), fds(&process)];
    let values = parts.into_iter().filter_map(Result::ok).flatten();
    values
        .map(|(family, value)| exposed(&family, value))
        .collect()
}

#[expect(clippy::cast_precision_loss, reason = "metrics are doubles")]
fn stat(process: &Process) -> ProcResult<Vec<(OwnFamily, f64)>> {
    let stat = process.stat()?;
    let ticks = ticks_per_second() as f64;
    let mut values = vec![
        (CPU_SECONDS, (stat.utime + stat.stime) as f64 / ticks),
        (RESIDENT_BYTES, (stat.rss * page_size()) as f64),
        (VIRTUAL_BYTES, stat.vsize as f64),
    ];
    if let Ok(boot) = boot_time_secs() {
        values.push((START_TIME, boot as f64 + stat.starttime as f64 / ticks));
    }
    Ok(values)
}

fn limits(process: &Process) -> ProcResult<Vec<(OwnFamily, f64)>> {
    #[expect(clippy::cast_precision_loss, reason = "metrics are doubles")]
    let value = |limit| match limit {
        // As the Go client tells that there is none.
        LimitValue::Unlimited => u64::MAX as f64,
        LimitValue::Value(value) => value as f64,
    };
    let limits = process.limits()?;
    Ok(vec![
        (MAX_FDS, value(limits.max_open_files.soft_limit)),
        (
            MAX_VIRTUAL_BYTES,
            value(limits.max_address_space.soft_limit),
        ),
    ])
}

fn network() -> ProcResult<Vec<(OwnFamily, f64)>> {
    let text = fs::read_to_string("/proc/self/net/netstat")?;
    let octets = |field| ip_octets(&text, field);
    let received = octets("InOctets").map(|value| (RECEIVED_BYTES, value));
    let transmitted = octets("OutOctets").map(|value| (TRANSMITTED_BYTES, value));
    Ok(received.into_iter().chain(transmitted).collect())
}

#[expect(clippy::cast_precision_loss, reason = "metrics are doubles")]
fn fds(process: &Process) -> ProcResult<Vec<(OwnFamily, f64)>> {
    Ok(vec![(OPEN_FDS, process.fd_count()? as f64)])
}

/// A field of `IpExt`: two lines with that word in front, first the names, then the values.
fn ip_octets(netstat: &str, field: &str) -> Option<f64> {
    let mut lines = netstat
        .lines()
        .filter_map(|line| line.strip_prefix("IpExt: "));
    let (names, values) = (lines.next()?, lines.next()?);
    let mut pairs = names.split(' ').zip(values.split(' '));
    let (_, value) = pairs.find(|(name, _)| *name == field)?;
    value.parse().ok()
}

fn exposed(family: &OwnFamily, value: f64) -> MetricFamily<'static> {
    let value = match family.metric_type {
        MetricType::Counter => Value::Counter(Counter {
            value,
            ..Counter::default()
        }),
        _ => Value::Gauge(value),
    };
    family.with(vec![metric(Vec::new(), value)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_all_about_this_process() {
        let mut names: Vec<_> = families().into_iter().map(|family| family.name).collect();
        names.sort_unstable();
        assert_eq!(names, FAMILIES.map(|family| family.name));
    }

    #[test]
    fn values_are_plausible() {
        for family in families() {
            let value = match family.metrics[0].value {
                Some(Value::Gauge(value) | Value::Counter(Counter { value, .. })) => value,
                _ => f64::NAN,
            };
            assert!(value >= 0.0, "{} is {value}", family.name);
            if family.name == START_TIME.name {
                assert!(value > 1.7e9, "started at {value}");
            }
        }
    }

    #[test]
    fn network_octets_are_found_by_name() {
        let netstat =
            "TcpExt: InOctets\nTcpExt: 1\nIpExt: InNoRoutes InOctets OutOctets\nIpExt: 0 22 33\n";
        assert_eq!(ip_octets(netstat, "InOctets"), Some(22.0));
        assert_eq!(ip_octets(netstat, "OutOctets"), Some(33.0));
        assert_eq!(ip_octets(netstat, "Other"), None);
        assert_eq!(ip_octets("IpExt: InOctets\n", "InOctets"), None);
    }
}
