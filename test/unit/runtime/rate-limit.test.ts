import { describe, expect, test } from 'vitest';
import type { Rates } from '../../../src/model/rates.ts';
import type { Clock } from '../../../src/runtime/clock.ts';
import {
  Budget,
  createLimiter,
  parseRetryAfter,
  type Lane,
  type Limiter,
  type Permit,
} from '../../../src/runtime/rate-limit.ts';

/** A clock that moves only when told, and then lets everything that was due happen. */
class HandClock implements Clock {
  private time = 0;
  private waiting: { at: number; wake: () => void }[] = [];

  readonly now = (): number => this.time;

  readonly wait = (milliseconds: number, signal?: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      const entry = { at: this.time + milliseconds, wake: resolve };
      this.waiting.push(entry);
      signal?.addEventListener('abort', () => {
        this.waiting = this.waiting.filter((one) => one !== entry);
        reject(new Error('stopped'));
      });
    });

  async advance(milliseconds: number): Promise<void> {
    const end = this.time + milliseconds;
    for (;;) {
      await settled();
      const next = this.waiting.sort((a, b) => a.at - b.at)[0];
      if (next === undefined || next.at > end) break;
      this.time = Math.max(this.time, next.at);
      this.waiting.shift();
      next.wake();
    }
    this.time = end;
    await settled();
  }
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Asks again and again, and notes when each request was let go. */
function runner(limiter: Limiter, clock: HandClock) {
  const left: { lane: Lane; at: number; permit: Permit }[] = [];
  const ask = (lane: Lane, count: number, cost = 1, settle = true): void => {
    for (let number = 0; number < count; number += 1) {
      void limiter.acquire(lane, cost).then((permit) => {
        left.push({ lane, at: clock.now(), permit });
        if (settle) permit.settle();
      });
    }
  };
  return { left, ask, times: () => left.map(({ at }) => at) };
}

const RATES: Rates = { requestsPerSecond: 5, concurrency: 4 };

function setUp(rates: Rates, shared?: (clock: HandClock) => Budget) {
  const clock = new HandClock();
  const limiter = createLimiter(rates, clock, shared?.(clock));
  return { clock, limiter, ...runner(limiter, clock) };
}

describe('a limiter', () => {
  test('spaces requests evenly, so that no second sees more than the rate', async () => {
    const { clock, ask, times } = setUp(RATES);
    ask('push', 11);
    await clock.advance(2000);
    expect(times()).toEqual([0, 200, 400, 600, 800, 1000, 1200, 1400, 1600, 1800, 2000]);
  });

  test('lets a burst go after a pause, and not twice', async () => {
    const { clock, ask, times } = setUp({ ...RATES, burst: 3 });
    ask('push', 5);
    await clock.advance(400);
    expect(times()).toEqual([0, 0, 0, 200, 400]);
  });

  test('keeps requests under way below the concurrency, with a place left for the other direction', async () => {
    const { clock, ask, left } = setUp({ requestsPerSecond: 1000, burst: 100, concurrency: 3 });
    ask('pull', 5, 1, false);
    await clock.advance(10_000);
    expect(left).toHaveLength(2);
    ask('push', 1, 1, false);
    await clock.advance(10);
    expect(left.map(({ lane }) => lane)).toEqual(['pull', 'pull', 'push']);
    left[0]?.permit.settle();
    left[0]?.permit.settle();
    await clock.advance(10);
    expect(left).toHaveLength(4);
  });

  test('shares fairly between pull and push, whoever asked first and most', async () => {
    const { clock, ask, left } = setUp(RATES);
    ask('pull', 20);
    await clock.advance(0);
    ask('push', 4);
    await clock.advance(1600);
    expect(left.slice(1, 9).filter(({ lane }) => lane === 'push')).toHaveLength(4);
  });

  test('obeys a quota over a longer window', async () => {
    const { clock, ask, left, times } = setUp({
      requestsPerSecond: 1000,
      burst: 100,
      concurrency: 8,
      windows: [{ requests: 10, per: 60_000 }],
    });
    ask('push', 15);
    await clock.advance(59_000);
    expect(left).toHaveLength(10);
    await clock.advance(10_000);
    expect(left).toHaveLength(15);
    expect(times()[10]).toBeGreaterThanOrEqual(60_000);
  });

  test('waits for points, believes the app’s count, and gives back what was not spent', async () => {
    const { clock, limiter, ask, left, times } = setUp({
      requestsPerSecond: 1000,
      burst: 100,
      concurrency: 8,
      points: { capacity: 100, restorePerSecond: 10 },
    });
    const first = await limiter.acquire('push', 80);
    first.settle({ cost: 30 });
    const second = await limiter.acquire('push', 70);
    second.settle({ points: { available: 0, restorePerSecond: 50 } });
    ask('push', 1, 100);
    await clock.advance(5000);
    expect(left).toHaveLength(1);
    expect(times()).toEqual([2000]);
    ask('push', 1, 5000);
    await clock.advance(2000);
    expect(left).toHaveLength(2);
  });

  test('stops for as long as the app says, and at least for its penalty', async () => {
    const { clock, limiter, ask, times } = setUp({ ...RATES, penalty: 30_000 });
    (await limiter.acquire('push')).settle({ throttled: { retryAfter: 100 } });
    ask('push', 1);
    await clock.advance(40_000);
    expect(times()).toEqual([30_000]);
  });

  test('one budget holds for every connection of an account', async () => {
    const clock = new HandClock();
    const shared = new Budget({ requestsPerSecond: 2 }, 0);
    const rigs = [1, 2].map(() =>
      runner(createLimiter({ requestsPerSecond: 100, concurrency: 4 }, clock, shared), clock),
    );
    for (const rig of rigs) rig.ask('push', 10);
    await clock.advance(3000);
    expect(rigs.flatMap(({ left }) => left)).toHaveLength(7);
  });

  test('a request that was given up leaves the queue and takes nothing', async () => {
    const { clock, limiter, ask, times } = setUp(RATES);
    ask('push', 1);
    await clock.advance(0);
    const stop = new AbortController();
    const given = limiter.acquire('push', 1, stop.signal);
    ask('push', 1);
    stop.abort(new Error('given up'));
    await expect(given).rejects.toThrow('given up');
    await clock.advance(200);
    expect(times()).toEqual([0, 200]);
  });
});

describe('Retry-After', () => {
  const now = Date.parse('2026-01-01T00:00:00Z');

  test.for<[string, number | undefined]>([
    ['7', 7000],
    ['4.0', 4000],
    ['0', 0],
    ['-5', 0],
    ['99999999', 3_600_000],
    ['Thu, 01 Jan 2026 00:00:30 GMT', 30_000],
    ['Wed, 31 Dec 2025 00:00:00 GMT', 0],
    ['soon', undefined],
    ['', undefined],
  ])('"%s" is %s ms', ([text, wait]) => {
    expect(parseRetryAfter({ 'retry-after': text }, now)).toBe(wait);
  });

  test('a date is read against the clock of the app', () => {
    const headers = { 'retry-after': 'Thu, 01 Jan 2026 01:00:30 GMT', date: 'Thu, 01 Jan 2026 01:00:00 GMT' };
    expect(parseRetryAfter(headers, now)).toBe(30_000);
  });
});
