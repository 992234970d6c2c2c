import { expect, test } from 'vitest';
import { violations } from '../../faults/checker.ts';
import type { Effect, History, Values } from '../../faults/history.ts';
import { judge, render, tally, type Run } from '../../soak/report.ts';
import { growths, type Usage } from '../../soak/usage.ts';

const row = (id: string, name: string): Values => ({ id, name, qty: `10${id}` });
const at = (second: number): string => new Date(1_000_000 + second * 1000).toISOString();
const effect = (
  second: number,
  side: string,
  by: Effect['by'],
  before: Values | null,
  after: Values | null,
): Effect => ({ side, at: at(second), by, before, after });
const [v1, v2, v3] = [row('1', 'v1'), row('1', 'v2'), row('1', 'v3')];
const began = [effect(0, 'table', 'person', null, v1), effect(1, 'app', 'tideway', null, v1)];

/** What the report says of a daemon that did this. */
function told(
  effects: readonly Effect[],
  table: readonly Values[],
  app = table,
  { faults = [1_000_500], kills = [] as number[] } = {},
) {
  const history: History = {
    effects: [...began, ...effects],
    held: new Map([
      ['table', table],
      ['app', app],
    ]),
    blind: new Map(),
    told: { values: [], rows: [], errors: [] },
  };
  return tally('shop', history, violations(history, { deletionsFound: true }), faults, kills);
}

const good: Run = {
  seed: 1,
  minutes: 1,
  began: at(0),
  load: [1, 1],
  tallies: [told([], [v1])],
  troubles: { kills: 1 },
  kills: 1,
  stops: [{ milliseconds: 300, load: 1 }],
  growths: [{ what: 'memory', first: 100, last: 110, limit: 200 }],
  problems: [],
};
const says = (change: Partial<Run>): string => {
  const { verdict, reasons } = judge({ ...good, ...change });
  return [verdict, ...reasons].join(' ');
};

test('what arrived is ok, and how long it took is told', () => {
  const edited = [effect(5, 'app', 'person', v1, v2), effect(9, 'table', 'tideway', v1, v2)];
  expect(told(edited, [v2])).toMatchObject({ attempted: 2, ok: 2, indeterminate: 0, lost: 0, stale: [1000, 4000] });
  expect(says({ tallies: [told(edited, [v2])] })).toBe('passed');
  expect(render({ ...good, tallies: [told(edited, [v2])] })).toMatch(/shop +2 +2 +0 +0 +0 +0 +1 +4.0 s +4.0 s/);
});

test('what arrived after a fault or a kill is recovered', () => {
  const edited = [effect(5, 'app', 'person', v1, v2), effect(9, 'table', 'tideway', v1, v2)];
  expect(told(edited, [v2], [v2], { faults: [] }).recovered).toBe(0);
  expect(told(edited, [v2], [v2], { faults: [1_006_000] }).recovered).toBe(1);
  expect(told(edited, [v2], [v2], { faults: [], kills: [1_000_500, 1_006_000] }).recovered).toBe(2);
});

test('a write that a newer one overtook is neither ok nor lost', () => {
  const edited = [
    effect(5, 'app', 'person', v1, v2),
    effect(6, 'app', 'person', v2, v3),
    effect(9, 'table', 'tideway', v1, v3),
  ];
  expect(told(edited, [v3])).toMatchObject({ attempted: 3, ok: 2, indeterminate: 1, lost: 0 });
});

test('a deletion is ok when the row is gone on the other side too; what it waited for is not told', () => {
  const deleted = [effect(5, 'app', 'person', v1, null), effect(99, 'table', 'tideway', v1, null)];
  expect(told(deleted, [])).toMatchObject({ attempted: 2, ok: 2, lost: 0, stale: [1000] });
});

test('a daemon that forgets an edit fails', () => {
  const forgotten = told([effect(5, 'app', 'person', v1, v2)], [v1], [v2]);
  expect(forgotten).toMatchObject({ ok: 1, lost: 1, indeterminate: 0 });
  expect(says({ tallies: [forgotten] })).toBe('failed shop: 1 lost');
});

test('a daemon that brings an old value back fails', () => {
  const undone = [
    effect(5, 'app', 'person', v1, v2),
    effect(6, 'table', 'tideway', v1, v2),
    effect(7, 'app', 'tideway', v2, v1),
    effect(8, 'table', 'tideway', v2, v1),
  ];
  expect(says({ tallies: [told(undone, [v1])] })).toMatch(/^failed shop: \d lost/);
});

test('a daemon that creates twice fails', () => {
  const twice = told([effect(5, 'app', 'tideway', null, v1)], [v1], [v1, v1]);
  expect(twice.duplicated).toBeGreaterThan(0);
  expect(says({ tallies: [twice] })).toMatch(/^failed shop: \d duplicated/);
});

test('a daemon that makes values up fails', () => {
  const made = told([effect(5, 'app', 'tideway', v1, row('1', 'nobody'))], [v1]);
  expect(says({ tallies: [made] })).toMatch(/^failed shop: 1 unexpected/);
});

test('without a fault, a kill, a stop, a write or a measurement nothing is known', () => {
  expect(says({})).toBe('passed');
  expect(says({ tallies: [] })).toMatch(/^unknown/);
  expect(says({ tallies: [told([], [v1], [v1], { faults: [] })] })).toBe('unknown shop: no request failed');
  expect(says({ tallies: [{ ...told([], [v1]), ok: 0 }] })).toBe('unknown shop: no write arrived');
  expect(says({ kills: 0 })).toMatch(/^unknown/);
  expect(says({ stops: [] })).toMatch(/^unknown/);
  expect(says({ growths: [] })).toMatch(/^unknown/);
});

test('a daemon that stops too late fails, unless the machine was busy', () => {
  expect(says({ stops: [{ milliseconds: 10_500, load: 3 }] })).toBe('failed a daemon took 10.5 s to stop');
  expect(says({ stops: [{ milliseconds: 10_500, load: 20 }] })).toBe('passed');
});

test('a daemon that ends by itself fails, whatever else is not known', () => {
  expect(says({ problems: ['a daemon ended by itself with 1'], kills: 0 })).toBe(
    'failed a daemon ended by itself with 1',
  );
});

test('growth is seen over the daemon that lived longest', () => {
  const usage = (pid: number | undefined, memory: number, queues = 100): Usage => ({
    pid,
    memory,
    handles: 30,
    backends: 10,
    queues,
    partitions: 12,
    log: 0,
  });
  const life = (memory: (second: number) => number): Usage[] =>
    Array.from({ length: 90 }, (_, second) => usage(2, memory(second)));
  const others = Array.from({ length: 30 }, () => usage(1, 900));
  expect(says({ growths: growths([...others, ...life(() => 150)]) })).toBe('passed');
  expect(says({ growths: growths([...others, ...life((second) => 150 + second * 3)]) })).toMatch(
    /^failed memory of the daemon in MB grew from 195 to 375$/,
  );
  const bloat = life(() => 150).map((one, second) => ({ ...one, queues: second * 1000 }));
  expect(says({ growths: growths(bloat) })).toMatch(/^failed outbox .* grew from 15000 to 75000$/);
});
