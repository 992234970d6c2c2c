import { expect, test } from 'vitest';
import { firstDue, nextDue } from '../../../src/pull/schedule.ts';

const at = (text: string) => new Date(text);
const never = () => 0;
const cron = (schedule: string, timezone = 'UTC', windows: Parameters<typeof nextDue>[0]['windows'] = null) => ({
  schedule,
  every: null,
  timezone,
  windows,
});
const every = (milliseconds: number, windows: Parameters<typeof nextDue>[0]['windows'] = null, timezone = 'UTC') => ({
  schedule: `${String(milliseconds)} ms`,
  every: milliseconds,
  timezone,
  windows,
});
const office = [{ days: '1-5', from: '08:00', to: '18:00' }];

test('an interval is due after itself, at first at once', () => {
  expect(nextDue(every(60_000), at('2026-11-21T10:00:00Z'), never)).toEqual(at('2026-11-21T10:01:00Z'));
  expect(firstDue(every(60_000), at('2026-11-21T10:00:00Z'))).toEqual(at('2026-11-21T10:00:00Z'));
});

test('cron fields are read in the zone, also where the clock jumps', () => {
  expect(nextDue(cron('0 2 * * *', 'Asia/Tokyo'), at('2026-11-21T10:00:00Z'), never)).toEqual(
    at('2026-11-21T17:00:00Z'),
  );
  const berlin = cron('0 2 * * *', 'Europe/Berlin');
  expect(nextDue(berlin, at('2026-06-01T10:00:00Z'), never)).toEqual(at('2026-06-02T00:00:00Z'));
  // In the night to 29 March 2026 there is no two o'clock in Berlin; the sweep comes nevertheless.
  const jump = nextDue(berlin, at('2026-03-28T10:00:00Z'), never);
  expect(jump.getTime()).toBeGreaterThan(at('2026-03-29T00:00:00Z').getTime());
  expect(jump.getTime()).toBeLessThan(at('2026-03-29T02:00:00Z').getTime());
});

test('what falls outside of the windows waits for the next one', () => {
  // A Saturday.
  expect(firstDue(every(60_000, office), at('2026-11-21T10:00:00Z'))).toEqual(at('2026-11-23T08:00:00Z'));
  expect(nextDue(every(60_000, office), at('2026-11-20T17:59:30Z'), never)).toEqual(at('2026-11-23T08:00:00Z'));
  expect(nextDue(every(60_000, office), at('2026-11-20T12:00:00Z'), never)).toEqual(at('2026-11-20T12:01:00Z'));
  expect(nextDue(cron('0 * * * *', 'UTC', office), at('2026-11-20T17:30:00Z'), never)).toEqual(
    at('2026-11-23T08:00:00Z'),
  );
  const tokyo = every(60_000, office, 'Asia/Tokyo');
  expect(firstDue(tokyo, at('2026-11-20T08:59:00Z'))).toEqual(at('2026-11-20T08:59:00Z'));
  expect(firstDue(tokyo, at('2026-11-20T09:00:00Z'))).toEqual(at('2026-11-22T23:00:00Z'));
});

test('a window may go over midnight, and belongs to the day on which it begins', () => {
  const night = [{ days: '5', from: '22:00', to: '06:00' }];
  expect(firstDue(every(60_000, night), at('2026-11-21T05:00:00Z'))).toEqual(at('2026-11-21T05:00:00Z'));
  expect(firstDue(every(60_000, night), at('2026-11-21T23:00:00Z'))).toEqual(at('2026-11-27T22:00:00Z'));
});

test('many with one schedule are spread by a little', () => {
  const last = nextDue(every(60_000), at('2026-11-21T10:00:00Z'), () => 1);
  expect(last).toEqual(at('2026-11-21T10:01:03Z'));
  expect(nextDue(cron('0 2 * * *'), at('2026-11-21T10:00:00Z'), () => 1)).toEqual(at('2026-11-22T02:01:00Z'));
});

test('a schedule that cannot be, says so', () => {
  expect(() => nextDue(cron('99 2 * * *'), at('2026-11-21T10:00:00Z'))).toThrow(/99|range|invalid/i);
  expect(() => nextDue(cron('0 2 * * *', 'UTC', office), at('2026-11-21T10:00:00Z'))).toThrow('never due');
});
