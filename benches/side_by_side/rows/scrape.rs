//! Scrapes while nothing changes, and after one push.

use std::io::{self, Write as _};
use std::time::Duration;

use anyhow::Result;
use flate2::write::GzEncoder;

use super::sizes::AtSize;
use crate::bench::Bench;
use crate::chart::{Chart, Curve, Pen};
use crate::figure;
use crate::nginx::Nginx;
use crate::subject::Subject;
use crate::table::{Row, Section};
use crate::timing::{self, Spread};
use crate::workload::Encoding;

const NGINX: f64 = 1.5;
const FASTER_THAN_GO: f64 = 50.0;
const FASTER_AFTER_PUSH: f64 = 10.0;

/// How long scrapes take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scrapes {
    pub(super) identity: Spread<Duration>,
    pub(super) gzip: Spread<Duration>,
}

/// Scrapes of this gateway, and of nginx, which has the same bytes as files.
#[derive(Debug)]
pub(super) struct OurScrapes {
    unchanged: Scrapes,
    nginx: Scrapes,
    after_push: Scrapes,
    identity_bytes: usize,
    gzip_bytes: usize,
    /// What they are as gzip compresses a file by default.
    level_6_bytes: usize,
}

impl OurScrapes {
    /// How long it takes to send what is ready.
    pub(super) fn unchanged(&self, encoding: Encoding) -> &Spread<Duration> {
        self.unchanged.of(encoding)
    }
}

/// Scrapes of the Go Pushgateway.
#[derive(Debug)]
pub(super) struct GoScrapes {
    unchanged: Scrapes,
    after_push: Scrapes,
}

impl Scrapes {
    pub(super) fn of(&self, encoding: Encoding) -> &Spread<Duration> {
        match encoding {
            Encoding::Identity => &self.identity,
            Encoding::Gzip => &self.gzip,
        }
    }
}

pub(super) fn of_ours(bench: &Bench, ours: &mut Subject, groups: usize) -> Result<OurScrapes> {
    let [identity, gzip] = [
        ours.verify(Encoding::Identity, groups)?,
        ours.verify(Encoding::Gzip, groups)?,
    ];
    let folder = bench.folder("nginx")?;
    let mut nginx = Nginx::start(&bench.programs.nginx, &folder, &identity, &gzip)?;
    let (rounds, turn) = (bench.plan.rounds, bench.plan.turn);
    let mut both = |encoding| {
        timing::time_in_turns(
            (rounds, turn),
            [&mut || ours.scrape(encoding), &mut || {
                nginx.scrape(encoding)
            }],
        )
    };
    let [our_identity, nginx_identity] = both(Encoding::Identity)?;
    let [our_gzip, nginx_gzip] = both(Encoding::Gzip)?;
    let mut after_push = |encoding| {
        let timings = timing::repeat(turn, &mut || ours.scrape_after_push(encoding))?;
        Ok::<_, anyhow::Error>(Spread::of(timings))
    };
    Ok(OurScrapes {
        unchanged: Scrapes {
            identity: our_identity,
            gzip: our_gzip,
        },
        nginx: Scrapes {
            identity: nginx_identity,
            gzip: nginx_gzip,
        },
        after_push: Scrapes {
            identity: after_push(Encoding::Identity)?,
            gzip: after_push(Encoding::Gzip)?,
        },
        identity_bytes: identity.len(),
        gzip_bytes: gzip.len(),
        level_6_bytes: level_6_bytes(&identity)?,
    })
}

/// Not in turns with ours: a turn would take it minutes.
pub(super) fn of_go(bench: &Bench, go: &mut Subject, groups: usize) -> Result<GoScrapes> {
    for encoding in Encoding::ALL {
        go.verify(encoding, groups)?;
    }
    let share = bench.plan.go_time / 12;
    let mut time = |operation: fn(&mut Subject, Encoding) -> Result<Duration>| {
        let mut of = |encoding| timing::repeat_within(share, &mut || operation(go, encoding));
        Ok::<_, anyhow::Error>(Scrapes {
            identity: of(Encoding::Identity)?,
            gzip: of(Encoding::Gzip)?,
        })
    };
    Ok(GoScrapes {
        unchanged: time(Subject::scrape)?,
        after_push: time(Subject::scrape_after_push)?,
    })
}

fn level_6_bytes(bytes: &[u8]) -> Result<usize> {
    let mut encoder = GzEncoder::new(Counted(0), flate2::Compression::new(6));
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?.0)
}

/// How many bytes were written.
struct Counted(usize);

impl io::Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

pub(super) fn section(sizes: &[AtSize]) -> Section {
    Section {
        title: "Scrapes",
        rows: sizes.iter().flat_map(rows).collect(),
    }
}

fn rows(size: &AtSize) -> Vec<Row> {
    let ours = &size.ours.scrapes;
    let mut rows = Vec::new();
    for (encoding, bytes) in [
        (Encoding::Identity, ours.identity_bytes),
        (Encoding::Gzip, ours.gzip_bytes),
    ] {
        let (name, code) = (size.name(), encoding.name());
        let bytes = figure::bytes(bytes as u64);
        let unchanged = ours.unchanged.of(encoding);
        rows.push(against_nginx(
            Row::new(
                format!("{name} in {code}, {bytes}, nothing changed"),
                figure::time(unchanged),
            ),
            (unchanged, ours.nginx.of(encoding)),
        ));
        let go = size.go.as_ref().map(|go| &go.scrapes);
        rows.push(against_go(
            format!("{name} in {code}, nothing changed"),
            (unchanged, go.map(|go| go.unchanged.of(encoding))),
            FASTER_THAN_GO,
        ));
        rows.push(against_go(
            format!("{name} in {code}, after one push"),
            (
                ours.after_push.of(encoding),
                go.map(|go| go.after_push.of(encoding)),
            ),
            FASTER_AFTER_PUSH,
        ));
    }
    let [page, level_6] = [ours.gzip_bytes, ours.level_6_bytes].map(|bytes| bytes as u64);
    rows.push(
        Row::new(
            format!("{}, length in gzip", size.name()),
            figure::bytes(page),
        )
        .against("`gzip -6`", figure::bytes(level_6))
        .ratio(figure::float(page) / figure::float(level_6), "its length"),
    );
    rows
}

fn against_nginx(row: Row, (ours, nginx): (&Spread<Duration>, &Spread<Duration>)) -> Row {
    let ratio = nginx.faster_than(ours);
    row.against("nginx, a file", figure::time(nginx))
        .ratio(ratio, "its time")
        .goal("at most 1.5 × its time", ratio <= NGINX)
}

fn against_go(
    what: String,
    (ours, go): (&Spread<Duration>, Option<&Spread<Duration>>),
    wanted: f64,
) -> Row {
    let row = Row::new(what, figure::time(ours));
    let Some(go) = go else {
        return row.against("Go", "no answer within a minute");
    };
    let ratio = ours.faster_than(go);
    row.against("Go", figure::time(go))
        .ratio(ratio, "faster")
        .goal(format!("{wanted} × faster"), ratio >= wanted)
}

pub(super) fn chart(sizes: &[AtSize]) -> Chart {
    let mut curves = Vec::new();
    for encoding in Encoding::ALL {
        let points = |of: fn(&AtSize) -> Option<&Scrapes>| {
            let points = sizes.iter().filter_map(move |size| {
                let scrapes = of(size)?;
                Some((size.series(), *scrapes.of(encoding)))
            });
            points.collect::<Vec<_>>()
        };
        let go = points(|size| size.go.as_ref().map(|go| &go.scrapes.unchanged));
        let ours = points(|size| Some(&size.ours.scrapes.unchanged));
        let nginx = points(|size| Some(&size.ours.scrapes.nginx));
        for (pen, points) in [(Pen::GO, go), (Pen::OURS, ours), (Pen::NGINX, nginx)] {
            curves.push(Curve::times(pen.in_encoding(encoding), points));
        }
    }
    Chart::times(
        "scrape-latency.svg",
        "Time that a scrape takes, nothing changed",
        "series",
        curves,
    )
}
