//! Metrics about the process, as every Prometheus client library has them.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use procfs::process::{Process, Stat};
use procfs::{FromRead, ProcResult, boot_time_secs, page_size, ticks_per_second};
use rustix::process::{Resource, getrlimit};

use crate::model::{Counter, MetricFamily, MetricType, Value};

use super::OwnFamily;
use super::instrument::only;

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

/// A good deal longer than the status of a process is.
const STAT_BYTES: usize = 2 << 10;
/// The same for the statistics of the network.
const NETSTAT_BYTES: usize = 16 << 10;

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
        let stat = Stat::from_read(read(&self.stat, &mut [0; STAT_BYTES])?)?;
        let ticks = ticks_per_second() as f64;
        Ok([
            (CPU_SECONDS, (stat.utime + stat.stime) as f64 / ticks),
            (RESIDENT_BYTES, (stat.rss * page_size()) as f64),
            (VIRTUAL_BYTES, stat.vsize as f64),
        ])
    }

    fn network(&self) -> io::Result<Vec<(OwnFamily, f64)>> {
        let mut buffer = [0; NETSTAT_BYTES];
        let netstat = match &self.netstat {
            Some(file) => read(file, &mut buffer)?,
            None => &[],
        };
        let octets = |(name, value): (_, &str)| {
            let family = match name {
                "InOctets" => RECEIVED_BYTES,
                "OutOctets" => TRANSMITTED_BYTES,
                _ => return None,
            };
            Some((family, value.parse().ok()?))
        };
        Ok(ip_fields(netstat).filter_map(octets).collect())
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

/// The whole file as it is now, which several threads may read. The kernel writes it for one read, if it fits.
fn read<'b>(file: &File, buffer: &'b mut [u8]) -> io::Result<&'b [u8]> {
    let length = file.read_at(buffer, 0)?;
    Ok(&buffer[..length])
}

/// The names and values of `IpExt`: two lines with that word in front, first the names, then the values.
fn ip_fields(netstat: &[u8]) -> impl Iterator<Item = (&str, &str)> {
    let mut lines = netstat
        .split(|byte| *byte == b'\n')
        .filter_map(|line| str::from_utf8(line.strip_prefix(b"IpExt: ")?).ok());
    let pairs = lines.next().zip(lines.next());
    pairs
        .into_iter()
        .flat_map(|(names, values)| names.split(' ').zip(values.split(' ')))
}

fn exposed(family: &OwnFamily, value: f64) -> MetricFamily<'static> {
    let value = match family.metric_type {
        MetricType::Counter => Value::Counter(Counter {
            value,
            ..Counter::default()
        }),
        _ => Value::Gauge(value),
    };
    family.with(only(value))
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
            let value = match family.metrics.get(0).unwrap().1.value {
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
        let fields = |netstat: &'static str| ip_fields(netstat.as_bytes()).collect::<Vec<_>>();
        let netstat =
            "TcpExt: InOctets\nTcpExt: 1\nIpExt: InNoRoutes InOctets OutOctets\nIpExt: 0 22 33\n";
        let expected = [("InNoRoutes", "0"), ("InOctets", "22"), ("OutOctets", "33")];
        assert_eq!(fields(netstat), expected);
        assert_eq!(fields("IpExt: InOctets\n"), []);
        assert_eq!(fields("TcpExt: InOctets\nTcpExt: 1\n"), []);
    }
}
