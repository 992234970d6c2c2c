import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { createMetrics } from '../../src/runtime/metrics.ts';

const OWN = /^tideway_/;

async function registered(): Promise<string[]> {
  const found = await createMetrics({ version: '0' }).registry.getMetricsAsJSON();
  return found
    .filter(({ name }) => OWN.test(name))
    .map(({ name, type }) => `${name} ${String(type)}`)
    .sort();
}

test('docs/metrics.md lists exactly the metrics that are registered', async () => {
  const listed = [...readFileSync('docs/metrics.md', 'utf8').matchAll(/^\| `(tideway_\w+)` *\| (\w+)/gm)]
    .map(([, name = '', type = '']) => `${name} ${type}`)
    .sort();
  expect(listed).toEqual(await registered());
});

test('every name in the view tideway.metrics is registered', async () => {
  const view = readFileSync('db/source/look/metrics.view.sql', 'utf8');
  const names = [...new Set([...view.matchAll(/'(tideway_\w+)'/g)].map(([, name = '']) => name))];
  expect(names.length).toBeGreaterThan(10);
  const known = await registered();
  expect(names.filter((name) => !known.includes(`${name} gauge`))).toEqual([]);
});
