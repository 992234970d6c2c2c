import { spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { createMetrics } from '../../src/runtime/metrics.ts';
import { isInstalled } from '../support/debian-server.ts';

const promtool = '/usr/bin/promtool';
const amtool = '/usr/bin/amtool';

function run(command: string, args: string[], input = ''): string {
  const { status, stdout, stderr } = spawnSync(command, args, { input, encoding: 'utf8' });
  return status === 0 ? 'fine' : `${String(status)}: ${stdout}${stderr}`;
}

describe.runIf(isInstalled({ promtool, amtool }, 'alerts and the form of metrics'))('alerts and metrics', () => {
  test('the rules are rules, and every alert fires when it should and only then', () => {
    expect(run(promtool, ['check', 'rules', 'grafana/alerts/tideway.yaml'])).toBe('fine');
    expect(run(promtool, ['test', 'rules', 'grafana/alerts/tideway.test.yaml'])).toBe('fine');
  });

  test('the examples for Prometheus and Alertmanager are accepted', () => {
    expect(run(promtool, ['check', 'config', '--syntax-only', 'deploy/prometheus/prometheus.yaml'])).toBe('fine');
    expect(run(amtool, ['check-config', 'deploy/prometheus/alertmanager.yaml'])).toBe('fine');
  });

  test('promtool finds nothing to say about our metrics', async () => {
    const { registry, show } = createMetrics({ version: '0' });
    show([
      {
        name: 'tideway_outbox_rows',
        labels: { mapping: 'm', connection: 'c', system: 's', state: 'marked' },
        value: 1,
      },
    ]);
    // Of Node's own metrics some are named in its own way.
    const own = registry.getMetricsAsArray().filter(({ name }) => name.startsWith('tideway_'));
    const text = await Promise.all(own.map(({ name }) => registry.getSingleMetricAsString(name)));
    expect(run(promtool, ['check', 'metrics'], `${text.join('\n')}\n`)).toBe('fine');
  });
});
