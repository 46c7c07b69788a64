// Pushes with prom-client as ../README.md says.
'use strict';

const readline = require('node:readline');
const { Counter, Gauge, Histogram, Pushgateway, Registry, Summary } = require('prom-client');

function everyType(registers) {
  new Counter({ name: 'jobs', help: 'Jobs \\ done', labelNames: ['kind'], registers }).inc({ kind: 'a "b"\n' }, 3);
  new Gauge({ name: 'temperature', help: 'Grad Celsius, draußen', registers }).set(-1.5);
  new Gauge({ name: 'not_a_number', help: 'NaN', registers }).set(NaN);
  new Summary({ name: 'size_bytes', help: 'Sizes', percentiles: [0.5, 0.99], registers }).observe(1e21);
  const histogram = new Histogram({ name: 'duration_seconds', help: 'Durations', labelNames: ['path'], registers });
  histogram.observe({ path: '/ä' }, 0.2);
  histogram.observe({ path: '/' }, 1e6);
}

function metrics(which) {
  const registry = new Registry();
  if (which === 'all') everyType([registry]);
  else if (which !== 'none') new Gauge({ name: which, help: 'One gauge', registers: [registry] }).set(1);
  return registry;
}

async function perform(address, [verb, form, which, jobName, ...labels]) {
  const groupings = Object.fromEntries(labels.map((label) => label.split(/=(.*)/s).slice(0, 2)));
  const registry = metrics(which);
  const headers = form === 'default' ? {} : { 'Content-Encoding': form };
  const gateway = new Pushgateway(`http://${address}`, { headers }, registry);
  await { put: gateway.push, post: gateway.pushAdd, delete: gateway.delete }[verb].call(gateway, { jobName, groupings });
  return verb === 'delete' ? '' : registry.metrics();
}

async function main(address) {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    try {
      process.stdout.write(`${await perform(address, line.split('\t'))}\ndone\n`);
    } catch (error) {
      process.stdout.write(`failed: ${error}\n`);
    }
  }
}

main(process.argv[2]);
