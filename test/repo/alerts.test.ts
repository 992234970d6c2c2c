import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const rules = readFileSync('grafana/alerts/tideway.yaml', 'utf8');
const runbook = readFileSync('docs/runbook.md', 'utf8');
const names = [...rules.matchAll(/- alert: (\w+)/g)].map(([, name = '']) => name);
const sections = [...runbook.matchAll(/^## (.+)\n([^]*?)(?=^## |$(?![^]))/gm)].map(([, title = '', text = '']) => ({
  anchor: title
    .toLowerCase()
    .replaceAll(/[^\w -]/g, '')
    .replaceAll(' ', '-'),
  text,
}));

test('every alert links to a section of the runbook that names it', () => {
  const links = rules.split('- alert: ').slice(1);
  expect(links).toHaveLength(names.length);
  for (const rule of links) {
    const [name = ''] = /^\w+/.exec(rule) ?? [];
    const anchor = /runbook_url: docs\/runbook\.md#(\S+)/.exec(rule)?.[1];
    const section = sections.find((one) => one.anchor === anchor);
    expect(section?.text, `${name} → ${String(anchor)}`).toContain(`\`${name}\``);
  }
});

test('every section says the symptom, a query and an action', () => {
  expect(sections.length).toBeGreaterThan(25);
  for (const { anchor, text } of sections) {
    expect(text, anchor).toMatch(/\*\*Symptom:\*\*[^]*```sql\n[^]*\*\*Action:\*\*/);
  }
});

test('every alert has a rule test in which it fires and one in which it does not', () => {
  const cases = readFileSync('grafana/alerts/tideway.test.yaml', 'utf8');
  const missing = names
    .flatMap((name) => [`${name} fires`, `${name} stays quiet`])
    .filter((one) => !cases.includes(`name: ${one}\n`));
  expect(missing).toEqual([]);
});

test('every metric in alerts is registered', async () => {
  const { createMetrics } = await import('../../src/runtime/metrics.ts');
  const known = (await createMetrics({ version: '0' }).registry.getMetricsAsJSON()).map(({ name }) => name);
  const used = [...new Set([...rules.matchAll(/\btideway_\w+/g)].map(([name]) => name))];
  expect(used.length).toBeGreaterThan(10);
  expect(used.filter((name) => !known.includes(name.replace(/_(bucket|sum|count)$/, '')))).toEqual([]);
});
