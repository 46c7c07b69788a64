//! All flags of the main command: the one place where a flag is declared.

use super::flag::{Flag, Group};
use super::typed::Flags;

/// In the order in which the help shows them, group by group.
pub(super) static FLAGS: [Flag<Flags>; 34] = [
    Flag {
        name: "web.listen-address",
        place: |flags| &mut flags.listen_address,
        default: ":9091",
        placeholder: "HOST:PORT",
        help: "Address to listen on; without a host, all addresses of the machine. Repeat the flag to \
               listen on several.",
        group: Group::Listening,
    },
    Flag {
        name: "web.systemd-socket",
        place: |flags| &mut flags.systemd_socket,
        default: "",
        placeholder: "",
        help: "Serve on the sockets that systemd hands over (socket activation) instead of on \
               --web.listen-address.",
        group: Group::Listening,
    },
    Flag {
        name: "web.config.file",
        place: |flags| &mut flags.web_config_file,
        default: "",
        placeholder: "FILE",
        help: "Web configuration file, in the form that Prometheus and its exporters share: TLS, client \
               certificates, users with bcrypt passwords, response headers, rate limit. It is read again \
               when it changes.",
        group: Group::Listening,
    },
    Flag {
        name: "web.telemetry-path",
        place: |flags| &mut flags.telemetry_path,
        default: "/metrics",
        placeholder: "PATH",
        help: "Path under which Prometheus scrapes, below the route prefix. The paths for pushes do not \
               move with it.",
        group: Group::Web,
    },
    Flag {
        name: "web.external-url",
        place: |flags| &mut flags.external_url,
        default: "",
        placeholder: "URL",
        help: "URL under which users reach the gateway, for instance through a reverse proxy. Its path is \
               used in links, and is the route prefix unless --web.route-prefix is given.",
        group: Group::Web,
    },
    Flag {
        name: "web.route-prefix",
        place: |flags| &mut flags.route_prefix,
        default: "",
        placeholder: "PATH",
        help: "Prefix of all paths that the gateway serves; / for none. Defaults to the path of \
               --web.external-url.",
        group: Group::Web,
    },
    Flag {
        name: "web.enable-lifecycle",
        place: |flags| &mut flags.enable_lifecycle,
        default: "",
        placeholder: "",
        help: "Let PUT or POST /-/quit stop the gateway.",
        group: Group::Web,
    },
    Flag {
        name: "web.enable-admin-api",
        place: |flags| &mut flags.enable_admin_api,
        default: "",
        placeholder: "",
        help: "Let PUT /api/v1/admin/wipe delete all groups.",
        group: Group::Web,
    },
    Flag {
        name: "push.disable-consistency-check",
        place: |flags| &mut flags.disable_consistency_check,
        default: "",
        placeholder: "",
        help: "Accept pushes without checking them against what is stored, and answer 202. Of metrics that \
               clash, scrapes then show the most recent ones only.",
        group: Group::Pushing,
    },
    Flag {
        name: "push.enable-utf8-names",
        place: |flags| &mut flags.enable_utf8_names,
        default: "",
        placeholder: "",
        help: "Allow any UTF-8 in metric and label names of text pushes, and in label names of push paths, \
               where the prefix U__ marks an escaped name.",
        group: Group::Pushing,
    },
    Flag {
        name: "persistence.file",
        place: |flags| &mut flags.persistence_file,
        default: "",
        placeholder: "FILE",
        help: "File that keeps the groups through restarts and crashes. A file of the Go Pushgateway is \
               taken over. Without one, groups are kept in memory only.",
        group: Group::Persistence,
    },
    Flag {
        name: "persistence.interval",
        place: |flags| &mut flags.persistence_interval,
        default: "0s",
        placeholder: "DURATION",
        help: "0s: a push is answered once it is on disk. Longer: pushes are answered at once and written \
               together at this interval, so that a crash loses what came since; the Go Pushgateway does \
               so every 5m.",
        group: Group::Persistence,
    },
    Flag {
        name: "log.level",
        place: |flags| &mut flags.logging.level,
        default: "info",
        placeholder: "LEVEL",
        help: "Least severe level that is logged: debug, info, warn or error.",
        group: Group::Logging,
    },
    Flag {
        name: "log.format",
        place: |flags| &mut flags.logging.format,
        default: "logfmt",
        placeholder: "FORMAT",
        help: "Form of the log lines: logfmt or json.",
        group: Group::Logging,
    },
    Flag {
        name: "web.probe-listen-address",
        place: |flags| &mut flags.probe_listen_address,
        default: "",
        placeholder: "HOST:PORT",
        help: "Second address, without TLS and authentication, that serves only /-/healthy, /-/ready and \
               the gateway's own metrics, for a kubelet or a load balancer.",
        group: Group::OwnListening,
    },
    Flag {
        name: "web.drain-timeout",
        place: |flags| &mut flags.drain_timeout,
        default: "20s",
        placeholder: "DURATION",
        help: "How long requests in flight may take to end after SIGTERM. Keep it below the termination \
               grace period.",
        group: Group::OwnListening,
    },
    Flag {
        name: "web.basic-auth.username-file",
        place: |flags| &mut flags.username_file,
        default: "",
        placeholder: "FILE",
        help: "File with the name of a user who may send requests, beside those of the web configuration \
               file. Needs --web.basic-auth.password-file.",
        group: Group::OwnWeb,
    },
    Flag {
        name: "web.basic-auth.password-file",
        place: |flags| &mut flags.password_file,
        default: "",
        placeholder: "FILE",
        help: "File with that user's password in plain text, such as a mounted secret.",
        group: Group::OwnWeb,
    },
    Flag::size(
        "limit.body-bytes",
        |flags| &mut flags.body_bytes,
        "64MiB",
        "Largest request body as it is sent (413).",
    ),
    Flag::size(
        "limit.inflated-body-bytes",
        |flags| &mut flags.inflated_body_bytes,
        "256MiB",
        "Largest request body after decompression (413).",
    ),
    Flag::size(
        "limit.bodies-in-flight-bytes",
        |flags| &mut flags.bodies_in_flight_bytes,
        "1GiB",
        "Memory of all request bodies that are being received or processed (503).",
    ),
    Flag::count(
        "limit.groups",
        |flags| &mut flags.groups,
        "1000000",
        "Groups (503).",
    ),
    Flag::count(
        "limit.series",
        |flags| &mut flags.series,
        "10000000",
        "Series of all groups (503).",
    ),
    Flag::count(
        "limit.series-per-group",
        |flags| &mut flags.series_per_group,
        "200000",
        "Series of one group (422).",
    ),
    Flag::count(
        "limit.labels-per-series",
        |flags| &mut flags.labels_per_series,
        "64",
        "Labels of one series, those of the group included (422).",
    ),
    Flag::size(
        "limit.label-name-bytes",
        |flags| &mut flags.label_name_bytes,
        "1KiB",
        "Length of a label or metric name (422).",
    ),
    Flag::size(
        "limit.label-value-bytes",
        |flags| &mut flags.label_value_bytes,
        "16KiB",
        "Length of a label value (422).",
    ),
    Flag::size(
        "limit.help-bytes",
        |flags| &mut flags.help_bytes,
        "16KiB",
        "Length of a HELP text (422).",
    ),
    Flag::size(
        "limit.head-bytes",
        |flags| &mut flags.head_bytes,
        "1MiB",
        "Size of a request's first line and headers together; there may be 100 headers (431).",
    ),
    Flag::timeout(
        "limit.head-timeout",
        |flags| &mut flags.head_timeout,
        "10s",
        "Time for the TLS handshake, and for the first line and headers of a request.",
    ),
    Flag::timeout(
        "limit.body-timeout",
        |flags| &mut flags.body_timeout,
        "60s",
        "Time that may pass without progress of a request body (408).",
    ),
    Flag::timeout(
        "limit.idle-timeout",
        |flags| &mut flags.idle_timeout,
        "2m",
        "Time that a connection may stay open between requests.",
    ),
    Flag::count(
        "limit.connections",
        |flags| &mut flags.connections,
        "10000",
        "Open connections; further ones are closed at once.",
    ),
    Flag::count(
        "limit.queued-pushes",
        |flags| &mut flags.queued_pushes,
        "1000",
        "Pushes and deletions that wait for being stored (503 with Retry-After).",
    ),
];
