//! What stands around the groups: the head of the page, the gateway's own status, and the foot.

use crate::web::Settings;
use crate::web::chunks::append;
use crate::web::html::Escaped;
use crate::web::local_time;

const HELP_URL: &str = "https://github.com/prometheus/pushgateway/blob/v1.11.3/README.md";

pub(super) fn append_head(out: &mut Vec<u8>, settings: &Settings) {
    let assets = Escaped(&settings.external_prefix);
    append(
        out,
        format_args!(
            "<!DOCTYPE html>
<html lang=\"en\">
<head>
<meta charset=\"utf-8\">
<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">
<meta name=\"robots\" content=\"noindex,nofollow\">
<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; connect-src 'self'; \
             img-src 'self'; script-src 'self'; style-src 'self'; base-uri 'none'; form-action 'self'\">
<title>Prometheus Pushgateway</title>
<link rel=\"icon\" href=\"{assets}/static/favicon.ico\">
<link rel=\"stylesheet\" href=\"{assets}/static/prometheus.css\">
<script src=\"{assets}/static/functions.js\" defer></script>
</head>
<body>
<header>
<a class=\"brand\" href=\"#metrics\">Pushgateway</a>
<nav><a href=\"#metrics\">Metrics</a> <a href=\"#status\">Status</a> \
             <a href=\"{HELP_URL}\" target=\"_blank\" rel=\"noopener noreferrer\">Help</a></nav>
</header>
<main>
"
        ),
    );
}

/// Closes what [`append_head`] and the section of the groups opened, with the dialog that deleting asks in.
pub(super) const FOOT: &str = "</section>
</main>
<dialog id=\"confirm\" aria-labelledby=\"question\"><p id=\"question\"></p>
<form method=\"dialog\"><button value=\"yes\">Delete</button> \
<button class=\"plain\" value=\"\" autofocus>Cancel</button></form></dialog>
</body>
</html>
";

pub(super) fn append_status(out: &mut Vec<u8>, settings: &Settings) {
    let started = local_time::rfc3339(settings.started, &settings.zone);
    out.extend_from_slice(b"<section id=\"status\">\n");
    append_table(out, "Runtime Information", [("Started", &*started)]);
    append_table(out, "Build Information", settings.build_entries());
    let flags = settings.flags.iter();
    let flags = flags.map(|(name, value)| (&**name, &**value));
    append_table(out, "Startup Flags", flags);
    out.extend_from_slice(b"</section>\n");
}

fn append_table<'a>(
    out: &mut Vec<u8>,
    title: &str,
    rows: impl IntoIterator<Item = (&'a str, &'a str)>,
) {
    append(out, format_args!("<h2>{title}</h2>\n<table>\n"));
    for (name, value) in rows {
        let (name, value) = (Escaped(name), Escaped(value));
        append(
            out,
            format_args!("<tr><th scope=\"row\">{name}</th><td>{value}</td></tr>\n"),
        );
    }
    out.extend_from_slice(b"</table>\n");
}
