import { expect, test } from 'vitest';
import { violations } from './checker.ts';
import type { Effect, History, Values } from './history.ts';

const row = (name: string): Values => ({ id: '1', name, qty: '7' });
const effect = (side: string, by: Effect['by'], before: Values | null, after: Values | null): Effect => ({
  side,
  by,
  before,
  after,
  at: '',
});
const began = [effect('table', 'person', null, row('v1')), effect('app', 'tideway', null, row('v1'))];
/** A person writes v3 into the app; Tideway brings v2 of the table over it. */
const crossed = [
  effect('table', 'person', row('v1'), row('v2')),
  effect('app', 'person', row('v1'), row('v3')),
  effect('app', 'tideway', row('v3'), row('v2')),
];
const history = (
  effects: readonly Effect[],
  blind: 'nothing' | 'deletes' | 'writes',
  last: Values | null,
): History => ({
  effects: [...began, ...effects],
  held: new Map([
    ['table', last === null ? [] : [last]],
    ['app', last === null ? [] : [last]],
  ]),
  blind: new Map([
    ['table', 'nothing'],
    ['app', blind],
  ]),
  told: { values: [], rows: [], errors: [] },
});
const says = (...of: Parameters<typeof history>) => violations(history(...of), { deletionsFound: true });

test('what Tideway wrote over before it could see it is lost, unless the app cannot compare', () => {
  expect(says(crossed, 'nothing', row('v2')).join()).toMatch(/I-LOSS: name v3/);
  expect(says(crossed, 'deletes', row('v2')).join()).toMatch(/I-LOSS: name v3/);
  expect(says(crossed, 'writes', row('v2'))).toEqual([]);
});

test('what was seen before it was written over is lost, whatever the app can do', () => {
  const [table, app, over] = crossed as [Effect, Effect, Effect];
  const seen = [
    app,
    effect('table', 'tideway', row('v1'), row('v3')),
    effect('table', 'tideway', row('v3'), row('v1')),
  ];
  expect(says([...seen, table, over], 'writes', row('v2')).join()).toMatch(/I-LOSS: name v3|I-ORDER/);
});

test('an edit in the app that a deletion here takes along is lost, unless the app deletes without comparing', () => {
  const deleted = [
    effect('app', 'person', row('v1'), row('v3')),
    effect('table', 'person', row('v1'), null),
    effect('app', 'tideway', row('v3'), null),
  ];
  expect(says(deleted, 'nothing', null).join()).toMatch(/I-LOSS: v3/);
  expect(says(deleted, 'deletes', null)).toEqual([]);
});

test('of two edits in a row that nobody saw, the first is excused as the last is', () => {
  const [table, app] = crossed as [Effect, Effect, Effect];
  const twice = [
    table,
    effect('app', 'tideway', row('v1'), row('v2')),
    { ...app, before: row('v2') },
    effect('app', 'person', row('v3'), row('v5')),
    effect('app', 'tideway', row('v5'), row('v2')),
  ];
  expect(says(twice, 'nothing', row('v2')).join()).toMatch(/I-ORDER/);
  expect(says(twice, 'writes', row('v2'))).toEqual([]);
});

test('what hit another record is excused where writes go to places, and only when it was put right at once', () => {
  const other = { id: '2', name: 'w1', qty: '8' };
  const hit = { ...row('w1'), qty: '8' };
  const others = [effect('table', 'person', null, other), effect('app', 'tideway', null, other)];
  const stray = effect('app', 'tideway', row('v1'), hit);
  const mended = effect('app', 'tideway', hit, row('v1'));
  const judge = (effects: readonly Effect[], byPlace: readonly string[]) =>
    violations(
      {
        ...history([...others, ...effects], 'writes', null),
        held: new Map(['table', 'app'].map((side) => [side, [row('v1'), other]])),
        byPlace: new Set(byPlace),
      },
      { deletionsFound: true },
    ).join();
  expect(judge([stray, mended], ['app'])).toBe('');
  expect(judge([stray, mended], [])).toMatch(/a mixture of rows/);
  expect(judge([stray], ['app'])).toMatch(/a mixture of rows/);
  const seen = [
    effect('app', 'person', hit, { ...hit, name: 'v9' }),
    effect('app', 'tideway', { ...hit, name: 'v9' }, row('v1')),
  ];
  expect(judge([stray, ...seen], ['app'])).toMatch(/a mixture of rows/);
});

test('a value that a write for another record took is excused where people were told of this record and column, and only once', () => {
  const [other, came] = [
    { id: '2', name: 'w2', qty: '8' },
    { id: '3', name: 'w3', qty: '9' },
  ];
  const emptied = { ...came, name: 'null' };
  const base = [
    effect('table', 'person', null, other),
    effect('app', 'tideway', null, other),
    effect('table', 'person', other, { ...other, name: 'w5' }),
    effect('app', 'person', null, came),
  ];
  const hit = [
    effect('app', 'tideway', came, { ...came, name: 'w5' }),
    effect('app', 'tideway', { ...came, name: 'w5' }, emptied),
  ];
  const after = [
    effect('app', 'tideway', other, { ...other, name: 'w5' }),
    effect('table', 'tideway', null, emptied),
    effect('table', 'person', emptied, { ...emptied, qty: '10' }),
    effect('app', 'tideway', emptied, { ...emptied, qty: '10' }),
  ];
  const report = { side: 'app', key: '3', field: 'name' };
  const judge = (
    effects: readonly Effect[],
    last: Values,
    overwritten: NonNullable<History['told']['overwritten']>,
    byPlace = ['app'],
  ) =>
    violations(
      {
        ...history([...base, ...effects], 'writes', null),
        held: new Map(['table', 'app'].map((side) => [side, [row('v1'), { ...other, name: 'w5' }, last]])),
        byPlace: new Set(byPlace),
        told: { values: [], rows: [], errors: [], overwritten },
      },
      { deletionsFound: true },
    ).join();
  const last = { ...emptied, qty: '10' };
  expect(judge([...hit, ...after], last, [report])).toBe('');
  // Whoever types a value again has the last word.
  const typed = [
    effect('app', 'person', last, { ...last, name: 'w7' }),
    effect('table', 'tideway', last, { ...last, name: 'w7' }),
  ];
  expect(judge([...hit, ...after, ...typed], { ...last, name: 'w7' }, [report])).toBe('');
  // It could not be taken out again.
  const [stray] = hit as [Effect];
  const left = { ...came, name: 'w5' };
  expect(judge([stray, after[0] as Effect, effect('table', 'tideway', null, left)], left, [report])).toBe('');

  for (const untold of [[], [{ ...report, key: '2' }], [{ ...report, field: 'qty' }], [{ ...report, side: 'table' }]])
    expect(judge([...hit, ...after], last, untold)).toMatch(/UNEXPECTED: table was given 3\/null\/9.*I-LOSS/);
  expect(judge([...hit, ...after], last, [report], [])).toMatch(/UNEXPECTED/);
  const twice = [
    effect('app', 'tideway', { ...last, name: 'w7' }, { ...last, name: 'v1' }),
    effect('app', 'tideway', { ...last, name: 'v1' }, last),
  ];
  expect(judge([...hit, ...after, ...typed, ...twice], last, [report])).not.toBe('');
});
