import io.prometheus.metrics.config.EscapingScheme;
import io.prometheus.metrics.core.metrics.Counter;
import io.prometheus.metrics.core.metrics.Gauge;
import io.prometheus.metrics.core.metrics.Histogram;
import io.prometheus.metrics.core.metrics.Info;
import io.prometheus.metrics.core.metrics.StateSet;
import io.prometheus.metrics.core.metrics.Summary;
import io.prometheus.metrics.exporter.pushgateway.Format;
import io.prometheus.metrics.exporter.pushgateway.PushGateway;
import io.prometheus.metrics.expositionformats.PrometheusTextFormatWriter;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;

/** Pushes with prometheus-metrics-exporter-pushgateway as ../README.md says. */
public final class Push {
  static void everyType(PrometheusRegistry registry) {
    Counter jobs = Counter.builder().name("jobs").help("Jobs \\ done").labelNames("kind").register(registry);
    jobs.labelValues("a \"b\"\n").inc(3);
    Gauge.builder().name("temperature").help("Grad Celsius, draußen").register(registry).set(-1.5);
    Gauge.builder().name("not_a_number").help("NaN").register(registry).set(Double.NaN);
    Summary size = Summary.builder().name("size_bytes").help("Sizes").quantile(0.5).register(registry);
    size.observe(1e21);
    Histogram duration =
        Histogram.builder().name("duration_seconds").help("Durations").labelNames("path").register(registry);
    duration.labelValues("/ä").observe(0.2);
    duration.labelValues("/").observe(1e6);
    Info build = Info.builder().name("build_info").help("Build").labelNames("version").register(registry);
    build.addLabelValues("1.2");
    StateSet state = StateSet.builder().name("state").help("State").states("up", "down").register(registry);
    state.setTrue("down");
  }

  static PrometheusRegistry metrics(String which) {
    PrometheusRegistry registry = new PrometheusRegistry();
    if (which.equals("all")) {
      everyType(registry);
    } else if (!which.equals("none")) {
      Gauge.builder().name(which).help("One gauge").register(registry).set(1);
    }
    return registry;
  }

  static void perform(String address, String[] command, PrintStream out) throws Exception {
    PrometheusRegistry registry = metrics(command[2]);
    PushGateway.Builder builder = PushGateway.builder().address(address).job(command[3]).registry(registry);
    if (command[1].equals("text")) {
      builder.format(Format.PROMETHEUS_TEXT);
    }
    for (int i = 4; i < command.length; i++) {
      String[] label = command[i].split("=", 2);
      builder.groupingKey(label[0], label[1]);
    }
    PushGateway gateway = builder.build();
    switch (command[0]) {
      case "put" -> gateway.push();
      case "post" -> gateway.pushAdd();
      default -> {
        gateway.delete();
        return;
      }
    }
    PrometheusTextFormatWriter.create().write(out, registry.scrape(), EscapingScheme.UNDERSCORE_ESCAPING);
  }

  public static void main(String[] arguments) throws Exception {
    var in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    var out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    for (String line; (line = in.readLine()) != null; ) {
      try {
        perform(arguments[0], line.split("\t", -1), out);
        out.println("done");
      } catch (Exception error) {
        out.println("failed: " + error);
      }
    }
  }
}
