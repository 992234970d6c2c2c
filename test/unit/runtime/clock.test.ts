import { expect, test } from 'vitest';
import { createServerClock } from '../../../src/runtime/clock.ts';

/** A clock that only grows, by hand. */
function byHand() {
  const hand = { at: 5_000 };
  return { hand, clock: createServerClock({ now: () => hand.at, wait: () => Promise.resolve() }) };
}

const NOON = Date.parse('2026-11-21T12:00:00Z');

test('before the server was asked it is as late as this machine says', () => {
  const { clock } = byHand();
  expect(Math.abs(clock.time() - Date.now())).toBeLessThan(5_000);
});

test('the date is the server’s, and goes on with the clock that only grows', () => {
  const { hand, clock } = byHand();
  clock.see(5_000, 5_010, NOON);
  expect(clock.time()).toBe(NOON - 5);
  hand.at += 60_000;
  expect(clock.time()).toBe(NOON + 59_995);
});

test('a slow answer moves nothing that it does not contradict; a clock that was set is followed', () => {
  const { hand, clock } = byHand();
  clock.see(5_000, 5_000, NOON);
  // The server looked at its clock at some moment of these four seconds.
  hand.at = 9_000;
  clock.see(5_000, 9_000, NOON + 3_500);
  expect(clock.time()).toBe(NOON + 4_000);
  clock.see(9_000, 9_010, NOON - 3_600_000);
  expect(clock.time()).toBe(NOON - 3_600_000 - 5);
});
