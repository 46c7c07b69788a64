//! Metrics about the process, as every Prometheus client library has them.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use procfs::process::{Process, Stat};
use procfs::{FromRead, ProcResult, boot_time_secs, page_size, ticks_per_second};
use rustix::process::{Resource, getrlimit};

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

/// A good deal longer than any of the files is.
const READ_BYTES: usize = 16 << 10;

/// What `/proc` tells about this process.
///
/// Its files stay open. A scrape of few series would take twice as long if it opened them, mostly since the kernel
/// writes the statistics of the network twice for a reader who is new: the first time it has too small a buffer.
#[derive(Debug)]
pub(super) struct ThisProcess {
    process: Process,
    stat: File,
    netstat: Option<File>,
    /// In seconds since the unix epoch.
    started: Option<f64>,
}

impl ThisProcess {
    /// None if there is no `/proc`.
    pub(super) fn open() -> Option<Self> {
        let process = Process::myself().ok()?;
        let stat = File::open("/proc/self/stat").ok()?;
        let netstat = File::open("/proc/self/net/netstat").ok();
        let started = started(&process).ok();
        Some(Self {
            process,
            stat,
            netstat,
            started,
        })
    }

    /// What it tells; what it does not tell is left out.
    pub(super) fn families(&self) -> Vec<MetricFamily<'static>> {
        let mut values = limits();
        values.extend(self.started.map(|value| (START_TIME, value)));
        values.extend(self.stat().into_iter().flatten());
        values.extend(self.network().into_iter().flatten());
        #[expect(clippy::cast_precision_loss, reason = "metrics are doubles")]
        let open_fds = self.process.fd_count().map(|count| count as f64);
        values.extend(open_fds.map(|count| (OPEN_FDS, count)));
        let exposed = |(family, value): (OwnFamily, f64)| exposed(&family, value);
        values.into_iter().map(exposed).collect()
    }

    #[expect(clippy::cast_precision_loss, reason = "metrics are doubles")]
    fn stat(&self) -> ProcResult<[(OwnFamily, f64); 3]> {
        let stat = Stat::from_read(&*read(&self.stat)?)?;
        let ticks = ticks_per_second() as f64;
        Ok([
            (CPU_SECONDS, (stat.utime + stat.stime) as f64 / ticks),
            (RESIDENT_BYTES, (stat.rss * page_size()) as f64),
            (VIRTUAL_BYTES, stat.vsize as f64),
        ])
    }

    fn network(&self) -> io::Result<Vec<(OwnFamily, f64)>> {
        let netstat = self.netstat.as_ref().map(read).transpose()?;
        let netstat = String::from_utf8(netstat.unwrap_or_default());
        let octets = |family, field| {
            let value = ip_octets(netstat.as_deref().ok()?, field)?;
            Some((family, value))
        };
        let received = octets(RECEIVED_BYTES, "InOctets");
        let transmitted = octets(TRANSMITTED_BYTES, "OutOctets");
        Ok(received.into_iter().chain(transmitted).collect())
    }
}

#[expect(clippy::cast_precision_loss, reason = "metrics are doubles")]
fn started(process: &Process) -> ProcResult<f64> {
    let ticks = process.stat()?.starttime as f64;
    Ok(boot_time_secs()? as f64 + ticks / ticks_per_second() as f64)
}

fn limits() -> Vec<(OwnFamily, f64)> {
    #[expect(clippy::cast_precision_loss, reason = "metrics are doubles")]
    // Without a limit, as the Go client tells that there is none.
    let value = |resource| getrlimit(resource).current.unwrap_or(u64::MAX) as f64;
    vec![
        (MAX_FDS, value(Resource::Nofile)),
        (MAX_VIRTUAL_BYTES, value(Resource::As)),
    ]
}

/// The whole file as it is now, which several threads may read.
fn read(file: &File) -> io::Result<Vec<u8>> {
    let mut text = vec![0; READ_BYTES];
    let mut length = 0;
    loop {
        match file.read_at(&mut text[length..], length as u64)? {
            0 => break,
            read => length += read,
        }
    }
    text.truncate(length);
    Ok(text)
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
        let families = ThisProcess::open().unwrap().families();
        let mut names: Vec<_> = families.into_iter().map(|family| family.name).collect();
        names.sort_unstable();
        assert_eq!(names, FAMILIES.map(|family| family.name));
    }

    #[test]
    fn values_are_plausible() {
        for family in ThisProcess::open().unwrap().families() {
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
