// Pushes with client_golang as ../README.md says.
package main

import (
	"bufio"
	"fmt"
	"math"
	"os"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/push"
	"github.com/prometheus/common/expfmt"
)

func everyType(registry *prometheus.Registry) {
	jobs := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "jobs", Help: `Jobs \ done`}, []string{"kind"})
	jobs.WithLabelValues("a \"b\"\n").Add(3)
	temperature := prometheus.NewGauge(prometheus.GaugeOpts{Name: "temperature", Help: "Grad Celsius, draußen"})
	temperature.Set(-1.5)
	notANumber := prometheus.NewGauge(prometheus.GaugeOpts{Name: "not_a_number", Help: "NaN"})
	notANumber.Set(math.NaN())
	anything := prometheus.NewUntypedFunc(prometheus.UntypedOpts{Name: "anything", Help: "Untyped"}, func() float64 { return math.Inf(-1) })
	size := prometheus.NewSummary(prometheus.SummaryOpts{Name: "size_bytes", Help: "Sizes", Objectives: map[float64]float64{0.5: 0.05}})
	size.Observe(1e21)
	duration := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "duration_seconds", Help: "Durations"}, []string{"path"})
	duration.WithLabelValues("/ä").Observe(0.2)
	duration.WithLabelValues("/").Observe(1e6)
	native := prometheus.NewHistogram(prometheus.HistogramOpts{Name: "native_seconds", Help: "Native", NativeHistogramBucketFactor: 1.1})
	native.Observe(0.2)
	native.Observe(-3)
	registry.MustRegister(jobs, temperature, notANumber, anything, size, duration, native)
}

func metrics(which string) *prometheus.Registry {
	registry := prometheus.NewRegistry()
	if which == "all" {
		everyType(registry)
	} else if which != "none" {
		gauge := prometheus.NewGauge(prometheus.GaugeOpts{Name: which, Help: "One gauge"})
		gauge.Set(1)
		registry.MustRegister(gauge)
	}
	return registry
}

func perform(gateway, verb, form, which, job string, labels []string) error {
	registry := metrics(which)
	pusher := push.New(gateway, job).Gatherer(registry)
	if form == "text" {
		pusher.Format(expfmt.NewFormat(expfmt.TypeTextPlain))
	}
	for _, label := range labels {
		name, value, _ := strings.Cut(label, "=")
		pusher.Grouping(name, value)
	}
	action := map[string]func() error{"put": pusher.Push, "post": pusher.Add, "delete": pusher.Delete}[verb]
	if err := action(); err != nil || verb == "delete" {
		return err
	}
	families, err := registry.Gather()
	if err != nil {
		return err
	}
	for _, family := range families {
		if _, err := expfmt.MetricFamilyToText(os.Stdout, family); err != nil {
			return err
		}
	}
	return nil
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		fields := strings.Split(lines.Text(), "\t")
		if err := perform(os.Args[1], fields[0], fields[1], fields[2], fields[3], fields[4:]); err != nil {
			fmt.Println("failed:", strings.ReplaceAll(err.Error(), "\n", " "))
		} else {
			fmt.Println("done")
		}
	}
}
