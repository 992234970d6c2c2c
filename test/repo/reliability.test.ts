import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const ROOMS = { A: 15, B: 19, C: 21, D: 17, E: 10, F: 10, G: 14, H: 8 };
const SCENARIOS = 32;

const rows = [
  ...readFileSync('docs/reliability.md', 'utf8').matchAll(
    /^\| ([A-H]?\d*) *\|([^|]*)\| (none|`test\/[^`]+`) *\| ([^|]+?) *\|$/gm,
  ),
].map(([, id = '', what = '', test = '', words = '']) => ({ id, what: what.trim(), test, words }));

test('docs/reliability.md has a row for every fault case and every scenario', () => {
  const wanted = [
    ...Object.entries(ROOMS).flatMap(([room, last]) =>
      Array.from({ length: last }, (_, n) => `${room}${String(n + 1)}`),
    ),
    ...Array.from({ length: SCENARIOS }, (_, n) => String(n + 1)),
  ];
  expect(rows.map(({ id }) => id).filter((id) => id !== '')).toEqual(wanted);
  expect(rows.filter(({ id, what }) => (id === '') !== (what === ''))).toEqual([]);
});

test('every test that docs/reliability.md names exists, and a case without one says why', () => {
  const missing = rows.filter(({ test, words }) =>
    test === 'none' ? !/[.]$/.test(words) : !readFileSync(test.slice(1, -1), 'utf8').includes(words),
  );
  expect(missing).toEqual([]);
});
