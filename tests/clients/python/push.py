"""Pushes with prometheus-client as ../README.md says."""

import sys

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Enum,
    Gauge,
    Histogram,
    Info,
    Summary,
    delete_from_gateway,
    generate_latest,
    push_to_gateway,
    pushadd_to_gateway,
)


def every_type(registry):
    Counter("jobs", "Jobs \\ done", ["kind"], registry=registry).labels('a "b"\n').inc(3)
    Gauge("temperature", "Grad Celsius, draußen", registry=registry).set(-1.5)
    Gauge("not_a_number", "NaN", registry=registry).set(float("nan"))
    Summary("size_bytes", "Sizes", registry=registry).observe(1e21)
    histogram = Histogram("duration_seconds", "Durations", ["path"], registry=registry)
    histogram.labels("/ä").observe(0.2)
    histogram.labels("/").observe(1e6)
    Info("build", "Build", registry=registry).info({"version": "1.2"})
    Enum("state", "State", states=["up", "down"], registry=registry).state("down")


def metrics(which):
    registry = CollectorRegistry()
    if which == "all":
        every_type(registry)
    elif which != "none":
        Gauge(which, "One gauge", registry=registry).set(1)
    return registry


def perform(gateway, verb, form, which, job, *labels):
    key = dict(label.split("=", 1) for label in labels)
    if verb == "delete":
        delete_from_gateway(gateway, job, grouping_key=key)
        return
    push = push_to_gateway if verb == "put" else pushadd_to_gateway
    registry = metrics(which)
    push(gateway, job, registry, grouping_key=key, compression=None if form == "default" else form)
    print(generate_latest(registry).decode(), end="")


for line in sys.stdin:
    try:
        perform(sys.argv[1], *line.rstrip("\n").split("\t"))
        print("done", flush=True)
    except Exception as error:
        print("failed:", repr(error), flush=True)
