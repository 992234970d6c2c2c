import { expect, test } from 'vitest';
import { fc } from '../../support/seed.ts';
import { threeWayMerge } from './three-way-merge.ts';
import type { Field, Value } from './three-way-merge.ts';

const still: Field = {
  record: 1, local: 1, remoteImage: 1, localImage: 1, direction: 'both', authority: null, policy: null, sent: null,
  newLink: false, compares: false, force: false, localTime: null, recordTime: null,
}; // prettier-ignore
const merge = (field: Partial<Field>) => threeWayMerge({ ...still, ...field });

const cases: readonly (readonly [string, Partial<Field>, Partial<ReturnType<typeof merge>>])[] = [
  ['nothing changed: nothing happens', {}, { write: false, push: false, conflict: null }],
  ['an absent field is untouched', { record: undefined, local: 5 }, { write: false, localImage: 1, remoteImage: 1 }],
  ['a remote change is written', { record: 2 }, { write: true, value: 2, localImage: 2, remoteImage: 2, conflict: null }],
  ['null is a value', { record: null }, { write: true, value: null, remoteImage: null }],
  ['a local change is pushed', { local: 2 }, { write: false, push: true, localImage: 1 }],
  ['both to the same value is no conflict', { record: 2, local: 2 }, { write: false, localImage: 2, remoteImage: 2, conflict: null, push: false }],
  ['remote wins and is recorded', { record: 2, local: 3 }, { write: true, value: 2, conflict: { kind: 'update_origin_differs', resolution: 'remote' } }],
  ['local wins and is pushed', { record: 2, local: 3, policy: 'local' }, { write: false, push: true, remoteImage: 2, localImage: 1, conflict: { kind: 'update_origin_differs', resolution: 'local' } }],
  ['delta adds both changes', { record: 8, local: 12, remoteImage: 10, localImage: 10, policy: 'delta' }, { write: true, value: 10, localImage: 8, remoteImage: 8, push: true }],
  ['a manual conflict moves nothing', { record: 2, local: 3, policy: 'manual' }, { write: false, push: false, localImage: 1, remoteImage: 1, conflict: { kind: 'update_origin_differs', resolution: null } }],
  ['the newer side wins', { record: 2, local: 3, policy: 'newest', localTime: 2, recordTime: 1 }, { write: false, push: true }],
  ['a tie is the app\'s', { record: 2, local: 3, policy: 'newest', localTime: 1, recordTime: 1 }, { write: true, value: 2 }],
  ['without a time the app wins', { record: 2, local: 3, policy: 'newest', localTime: 1 }, { write: true, value: 2 }],
  ['a source of truth reverts a local edit when it compares', { local: 3, authority: 'source_of_truth', compares: true }, { write: true, value: 1, conflict: { kind: 'local_edit_reverted', resolution: 'remote' } }],
  ['a source of truth is never pushed to', { local: 3, authority: 'source_of_truth' }, { write: false, push: false }],
  ['a field in flight waits', { record: 2, sent: { value: 3, before: [1], answered: false, resent: false, settles: false } }, { wait: true, write: false }],
  ['what was sent and shown is settled', { record: 3, local: 3, sent: { value: 3, before: [1], answered: true, resent: false, settles: true } }, { sent: 'cleared', localImage: 3, remoteImage: 3, push: false }],
  ['an older value of ours is sent again', { record: 1, local: 3, sent: { value: 3, before: [1], answered: true, resent: false, settles: true } }, { sent: 'kept', push: true, write: false }],
  ['and the second time raised', { record: 1, local: 3, sent: { value: 3, before: [1], answered: true, resent: true, settles: true } }, { sent: 'cleared', notKept: true, write: false }],
  ['a push-only field is never written', { record: 2, direction: 'push' }, { write: false, push: true }],
  ['first sync: equal links', { remoteImage: undefined, localImage: undefined }, { write: false, localImage: 1, remoteImage: 1, conflict: null }],
  ['first sync: an empty record is filled', { record: null, remoteImage: undefined, localImage: undefined }, { write: false, push: true, conflict: null }],
  ['first sync: an empty row is filled', { local: null, remoteImage: undefined, localImage: undefined }, { write: true, value: 1, conflict: null }],
  ['first sync: two values ask a person', { local: 2, remoteImage: undefined, localImage: undefined, newLink: true }, { write: false, push: false, conflict: { kind: 'insert_exists', resolution: null } }],
  ['first sync: a new field of an old link', { local: 2, direction: 'pull', remoteImage: undefined, localImage: undefined }, { write: true, conflict: { kind: 'update_exists', resolution: 'remote' } }],
  ['first sync: the source of truth writes', { local: 2, authority: 'source_of_truth', remoteImage: undefined, localImage: undefined }, { write: true, value: 1, conflict: null }],
]; // prettier-ignore

test.each(cases)('%s', (_, field, expected) => {
  expect(merge(field)).toMatchObject(expected);
});

const value: fc.Arbitrary<Value> = fc.constantFrom<Value>(null, 1, 2, 3);
const fields: fc.Arbitrary<Field> = fc.record({
  record: value,
  local: value,
  remoteImage: fc.option(value, { nil: undefined }),
  localImage: fc.option(value, { nil: undefined }),
  direction: fc.constantFrom('pull', 'push', 'both', 'none'),
  authority: fc.constantFrom('source_of_truth', 'reference', 'derived', null),
  policy: fc.constantFrom('remote', 'local', 'delta', 'manual', 'newest', null),
  sent: fc.constant(null),
  newLink: fc.boolean(),
  compares: fc.boolean(),
  force: fc.boolean(),
  localTime: fc.constantFrom(null, 1, 2),
  recordTime: fc.constantFrom(null, 1, 2),
});
const again = (field: Field, merged = threeWayMerge(field)): Field => ({
  ...field,
  local: merged.value,
  localImage: merged.localImage,
  remoteImage: merged.remoteImage,
});

test('reading the same record twice writes once', () => {
  fc.assert(
    fc.property(fields, (field) => {
      const second = threeWayMerge(again(field));
      expect(second.write).toBe(false);
      expect(second.conflict === null || second.conflict.resolution === null).toBe(true);
    }),
    { numRuns: 5_000 },
  );
});

test('a field that may not be pulled is never written, and one that may not be pushed never pushed', () => {
  fc.assert(
    fc.property(fields, (field) => {
      const merged = threeWayMerge(field);
      const pulls = field.direction === 'pull' || field.direction === 'both';
      const pushes = field.direction === 'push' || field.direction === 'both';
      if (!pulls || field.authority === 'derived') expect(merged.write).toBe(false);
      if (!pushes || field.authority === 'derived') expect(merged.push).toBe(false);
    }),
    { numRuns: 5_000 },
  );
});

test('a value that was on neither image is never overwritten without a word', () => {
  fc.assert(
    fc.property(fields, (field) => {
      const merged = threeWayMerge(field);
      const edited = field.localImage !== undefined && field.localImage !== field.local;
      const foreign = field.localImage === undefined && field.local !== null && field.authority !== 'source_of_truth';
      if (merged.write && field.remoteImage !== undefined && (edited || foreign))
        expect(merged.conflict).not.toBeNull();
    }),
    { numRuns: 5_000 },
  );
});

test('once a push is done both sides are equal, or a person is asked, or the field is kept beside', () => {
  fc.assert(
    fc.property(fields, (field) => {
      const merged = threeWayMerge(field);
      const both =
        field.direction === 'both' && (field.authority === null || field.force) && field.authority !== 'derived';
      const open = merged.conflict !== null && merged.conflict.resolution === null;
      const lossy =
        field.localImage !== field.remoteImage && field.localImage !== undefined && field.remoteImage !== undefined;
      if (!both || open || lossy || field.authority === 'reference') return;
      expect(merged.push || merged.value === field.record).toBe(true);
    }),
    { numRuns: 5_000 },
  );
});
