import { expect, test } from 'vitest';
import { PartSize } from '../../../src/pull/part-size.ts';

test('parts grow to a whole page while nobody minds, and shrink under the bound when the table is busy', () => {
  const size = new PartSize();
  for (let part = 0; part < 8; part += 1) size.learn(size.records, { busy: false, locked_ms: 900 });
  expect(size.records).toBe(10_000);
  size.learn(10_000, { busy: true, locked_ms: 2_000 });
  // Two seconds for ten thousand: at most a thousand in 200 ms.
  expect(size.records).toBeLessThanOrEqual(1_000);
  expect(size.records).toBeGreaterThan(100);
  size.learn(size.records, { busy: true, locked_ms: 60_000 });
  expect(size.records).toBe(25);
  size.learn(25, { busy: false, locked_ms: 1 });
  expect(size.records).toBe(50);
});
