import { expect, test } from 'vitest';
import { Fault } from '../../../src/model/fault.ts';
import { backoffDelay, retry } from '../../../src/runtime/retry.ts';

const options = (waits: number[]) => ({
  base: 1000,
  cap: 60_000,
  attempts: 4,
  signal: new AbortController().signal,
  wait: async (milliseconds: number) => {
    waits.push(milliseconds);
    return Promise.resolve();
  },
  random: () => 1,
});

test('waits double, are capped, and may be anything below', () => {
  expect([1, 2, 3, 20, 2000].map((attempt) => backoffDelay(attempt, { base: 1000, cap: 60_000 }, () => 1))).toEqual([
    1000, 2000, 4000, 60_000, 60_000,
  ]);
  expect(backoffDelay(5, { base: 1000, cap: 60_000 }, () => 0)).toBe(0);
});

test('what passes is tried again, as late as the app asked', async () => {
  const waits: number[] = [];
  let tries = 0;
  const result = await retry(async () => {
    tries += 1;
    if (tries < 3) throw new Fault('RATE_LIMITED', 'slow down', { retryAfter: 1500 });
    return Promise.resolve('done');
  }, options(waits));
  expect([result, waits]).toEqual(['done', [1500, 2000]]);
});

test.for([
  ['permanent', new Fault('VALUE_REFUSED', 'no'), 1],
  ['uncertain', new Fault('TIMEOUT', 'who knows', { uncertain: true }), 1],
  ['not ours', new Error('bug'), 1],
  ['passing but lasting', new Fault('SERVER_ERROR', 'down'), 4],
] as const)('an error that is %s ends it', async ([, error, expected]) => {
  let tries = 0;
  const failing = retry(async () => {
    tries += 1;
    return Promise.reject(error);
  }, options([]));
  await expect(failing).rejects.toBe(error);
  expect(tries).toBe(expected);
});
