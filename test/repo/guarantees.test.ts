import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

test('every test that docs/guarantees.md names exists', () => {
  const rows = [
    ...readFileSync('docs/guarantees.md', 'utf8').matchAll(/^\|[^|]*\| `(test\/[^`]+)` *\| ([^|]+?) *\|$/gm),
  ];
  expect(rows.length).toBeGreaterThan(20);
  const missing = rows.filter(([, file = '', title = '']) => !readFileSync(file, 'utf8').includes(title));
  expect(missing.map(([row]) => row)).toEqual([]);
});
