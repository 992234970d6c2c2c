import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { DASHBOARDS, dashboardText } from '../../grafana/dashboards.ts';
import { createMetrics } from '../../src/runtime/metrics.ts';
import { panelsOf, targetsOf } from '../support/grafana-panels.ts';

const runbook = readFileSync('docs/runbook.md', 'utf8');
const anchors = [...runbook.matchAll(/^##? (.+)$/gm)].map(([, title = '']) =>
  title
    .toLowerCase()
    .replaceAll(/[^\w -]/g, '')
    .replaceAll(' ', '-'),
);

test('grafana/dashboards is what the sources say (npm run dashboards)', () => {
  const files = Object.keys(DASHBOARDS).map((name) => `${name}.json`);
  expect(readdirSync('grafana/dashboards').sort()).toEqual(files.sort());
  for (const [name, dashboard] of Object.entries(DASHBOARDS)) {
    expect(readFileSync(`grafana/dashboards/${name}.json`, 'utf8'), name).toBe(dashboardText(dashboard));
  }
});

test('every dashboard has an address of its own, rows that ask a question, and panels that say what they show', () => {
  const uids = Object.values(DASHBOARDS).map(({ uid }) => uid);
  expect(new Set(uids).size).toBe(uids.length);
  for (const [name, dashboard] of Object.entries(DASHBOARDS)) {
    const rows = (dashboard.panels ?? []).filter(({ type }) => type === 'row');
    expect(rows.length, name).toBeGreaterThan(1);
    for (const { title } of rows) expect(title, name).toMatch(/\?$/);
    for (const panel of panelsOf(dashboard)) {
      const what = `${name}: ${String(panel.title)}`;
      expect(panel.title, what).toBeTruthy();
      expect(panel.description, what).toBeTruthy();
      expect(panel.fieldConfig?.defaults.unit, what).toBeTruthy();
      expect(panel.fieldConfig?.defaults.thresholds?.steps.length, what).toBeGreaterThan(0);
      expect(targetsOf(panel).length, what).toBeGreaterThan(0);
      for (const { url } of panel.links ?? []) {
        const [, anchor = ''] = /^\$\{docs\}\/runbook\.md#(.*)$/.exec(url ?? '') ?? [];
        expect(['', ...anchors], `${what} → ${String(url)}`).toContain(anchor);
      }
    }
  }
});

test('every metric on a dashboard is registered', async () => {
  const known = (await createMetrics({ version: '0' }).registry.getMetricsAsJSON()).map(({ name }) => name);
  const used = Object.values(DASHBOARDS).flatMap(
    (dashboard) => JSON.stringify(dashboard).match(/\btideway_\w+/g) ?? [],
  );
  const metrics = [...new Set(used)].filter((name) => !/^tideway_(private|reader|monitor)/.test(name));
  expect(metrics.length).toBeGreaterThan(25);
  expect(
    metrics.filter((name) => !known.includes(name) && !known.includes(name.replace(/_(bucket|sum|count)$/, ''))),
  ).toEqual([]);
});
