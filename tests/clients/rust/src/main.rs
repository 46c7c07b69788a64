//! Pushes with the `prometheus` crate as ../README.md says. The crate has no delete.

use std::collections::HashMap;
use std::error::Error;
use std::io::stdin;

use prometheus::{
    Counter, Gauge, Histogram, HistogramOpts, IntCounterVec, Opts, Registry, TextEncoder,
    push_add_metrics, push_metrics,
};

fn every_type(registry: &Registry) -> prometheus::Result<()> {
    let jobs = IntCounterVec::new(Opts::new("jobs", "Jobs \\ done"), &["kind"])?;
    jobs.with_label_values(&["a \"b\"\n"]).inc_by(3);
    let seconds = Counter::new("busy_seconds", "Seconds")?;
    seconds.inc_by(1e6);
    let temperature = Gauge::new("temperature", "Grad Celsius, draußen")?;
    temperature.set(-1.5);
    let not_a_number = Gauge::new("not_a_number", "NaN")?;
    not_a_number.set(f64::NAN);
    let duration = Histogram::with_opts(HistogramOpts::new("duration_seconds", "Durations"))?;
    duration.observe(0.2);
    registry.register(Box::new(jobs))?;
    registry.register(Box::new(seconds))?;
    registry.register(Box::new(temperature))?;
    registry.register(Box::new(not_a_number))?;
    registry.register(Box::new(duration))
}

fn metrics(which: &str) -> prometheus::Result<Registry> {
    let registry = Registry::new();
    match which {
        "all" => every_type(&registry)?,
        "none" => {}
        name => {
            let gauge = Gauge::new(name, "One gauge")?;
            gauge.set(1.0);
            registry.register(Box::new(gauge))?;
        }
    }
    Ok(registry)
}

fn perform(gateway: &str, line: &str) -> Result<String, Box<dyn Error>> {
    let mut fields = line.split('\t');
    let [Some(verb), Some(_form), Some(which), Some(job)] = std::array::from_fn(|_| fields.next())
    else {
        return Err("a command needs four fields".into());
    };
    let key: HashMap<String, String> = fields
        .filter_map(|label| label.split_once('='))
        .map(|(k, v)| (k.to_owned(), v.to_owned()))
        .collect();
    let families = metrics(which)?.gather();
    match verb {
        "put" => push_metrics(job, key, gateway, families.clone(), None)?,
        "post" => push_add_metrics(job, key, gateway, families.clone(), None)?,
        _ => return Err(format!("the crate has no {verb}").into()),
    }
    Ok(TextEncoder::new().encode_to_string(&families)?)
}

fn main() {
    let gateway = std::env::args()
        .nth(1)
        .expect("the only argument is host:port of the gateway");
    for line in stdin().lines() {
        match perform(&gateway, &line.expect("standard input is UTF-8")) {
            Ok(pushed) => println!("{pushed}\ndone"),
            Err(error) => println!("failed: {error}"),
        }
    }
}
