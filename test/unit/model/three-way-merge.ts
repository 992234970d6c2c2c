import { isDeepStrictEqual } from 'node:util';

export type Value = null | boolean | number | string | readonly Value[] | { readonly [name: string]: Value };
type Policy = 'remote' | 'local' | 'delta' | 'manual' | 'newest';

/** One field of one row at the moment a record is merged. Undefined: the record does not name it, or there is no image. */
export interface Field {
  readonly record: Value | undefined;
  readonly local: Value;
  readonly remoteImage: Value | undefined;
  readonly localImage: Value | undefined;
  readonly direction: 'pull' | 'push' | 'both' | 'none';
  readonly authority: 'source_of_truth' | 'reference' | 'derived' | null;
  readonly policy: Policy | null;
  /** What was sent and is not seen yet; `settles` when this read was asked for late enough to tell. */
  readonly sent: {
    readonly value: Value;
    readonly before: readonly Value[];
    readonly answered: boolean;
    readonly resent: boolean;
    readonly settles: boolean;
  } | null;
  /** The link is made by this record. */
  readonly newLink: boolean;
  /** This read compares everything, as a sweep does. */
  readonly compares: boolean;
  readonly force: boolean;
  readonly localTime: number | null;
  readonly recordTime: number | null;
}

interface Conflict {
  readonly kind: 'insert_exists' | 'update_exists' | 'update_origin_differs' | 'local_edit_reverted';
  /** Null: open, and the row waits for a person. */
  readonly resolution: 'remote' | 'local' | 'delta' | null;
}

export interface Merged {
  readonly write: boolean;
  readonly value: Value;
  readonly localImage: Value | undefined;
  readonly remoteImage: Value | undefined;
  readonly conflict: Conflict | null;
  readonly push: boolean;
  readonly wait: boolean;
  readonly sent: 'kept' | 'cleared';
  readonly notKept: boolean;
}

const same = isDeepStrictEqual;

/** What a record does to one field: the words of the design, one field at a time, with nothing of SQL in them. */
export function threeWayMerge(field: Field): Merged {
  const { record, local, sent } = field;
  const pushes = field.direction === 'push' || field.direction === 'both';
  const pulls = field.direction === 'pull' || field.direction === 'both';
  const untouched: Merged = {
    write: false,
    value: local,
    localImage: field.localImage,
    remoteImage: field.remoteImage,
    conflict: null,
    push: false,
    wait: false,
    sent: 'kept',
    notKept: false,
  };
  if (record === undefined || field.authority === 'derived' || field.direction === 'none') return untouched;

  if (sent !== null) {
    if (!sent.settles) return { ...untouched, wait: true };
    if (same(record, sent.value)) {
      const push = pushes && !same(local, sent.value);
      return { ...untouched, localImage: sent.value, remoteImage: record, push, sent: 'cleared' };
    }
    if (sent.before.some((older) => same(older, record))) {
      return sent.resent && sent.answered
        ? { ...untouched, localImage: sent.value, remoteImage: record, sent: 'cleared', notKept: true }
        : { ...untouched, push: true };
    }
    // Something that we never wrote: a change of the app, on top of what it had taken from us.
    const seen = sent.answered ? { ...field, localImage: sent.value, remoteImage: sent.value } : field;
    return { ...threeWayMerge({ ...seen, sent: null }), sent: 'cleared' };
  }

  const agreed: Merged = { ...untouched, localImage: local, remoteImage: record };
  const take = (conflict: Conflict | null): Merged => ({
    ...agreed,
    write: !same(local, record),
    value: record,
    localImage: record,
    conflict,
  });
  // The local image becomes what the app shows, so that the row differs from it and is sent, once.
  const give = (conflict: Conflict | null): Merged => ({ ...agreed, localImage: record, push: pushes, conflict });

  const decide = (kind: Conflict['kind'], policy: Policy, keep: Merged): Merged => {
    switch (policy) {
      case 'remote':
        return take({ kind, resolution: 'remote' });
      case 'local':
        return { ...keep, conflict: { kind, resolution: 'local' } };
      case 'manual':
        return { ...untouched, conflict: { kind, resolution: null } };
      case 'newest': {
        const localWins = field.localTime !== null && field.recordTime !== null && field.localTime > field.recordTime;
        return decide(kind, localWins ? 'local' : 'remote', keep);
      }
      case 'delta': {
        const { remoteImage, localImage } = field;
        if (
          typeof record !== 'number' ||
          typeof local !== 'number' ||
          typeof remoteImage !== 'number' ||
          typeof localImage !== 'number'
        ) {
          return decide(kind, 'remote', keep);
        }
        const change = record - remoteImage;
        const value = local + change;
        const moved = { value, localImage: localImage + change, remoteImage: record };
        return { ...untouched, ...moved, write: true, push: pushes, conflict: { kind, resolution: 'delta' } };
      }
    }
  };

  const firstSync = field.remoteImage === undefined || field.localImage === undefined;
  if (firstSync) {
    const kind = field.newLink ? 'insert_exists' : 'update_exists';
    if (same(record, local)) return agreed;
    if (field.force && pulls && field.authority !== 'reference')
      return take(local === null ? null : { kind, resolution: 'remote' });
    // No local image: a source of truth must not take the value that fills it for a local edit and revert it.
    if (record === null) return pushes ? { ...agreed, localImage: undefined, push: true } : agreed;
    if (local === null) return pulls ? take(null) : agreed;
    if (field.authority === 'source_of_truth' && pulls) return take(null);
    if (field.authority === 'reference') return agreed;
    if (!pulls) return give({ kind, resolution: 'local' });
    const usual: Policy = field.direction === 'pull' ? 'remote' : 'manual';
    return decide(kind, field.policy === null || field.policy === 'delta' ? usual : field.policy, give(null));
  }

  const remoteChanged = !same(record, field.remoteImage);
  const localChanged = !same(local, field.localImage);
  const push = pushes && localChanged;
  if (field.authority === 'reference') return { ...untouched, remoteImage: record, push };
  if (!pulls) {
    if (!remoteChanged) return { ...untouched, push };
    if (same(record, local)) return agreed;
    return give(localChanged ? { kind: 'update_origin_differs', resolution: 'local' } : null);
  }
  const both: Conflict = { kind: 'update_origin_differs', resolution: 'remote' };
  if (field.force && !same(record, local)) return take(localChanged ? both : null);
  if (field.authority === 'source_of_truth') {
    if (!remoteChanged && localChanged) {
      return field.compares && !same(record, local)
        ? take({ kind: 'local_edit_reverted', resolution: 'remote' })
        : untouched;
    }
    return remoteChanged ? take(localChanged && !same(record, local) ? both : null) : untouched;
  }
  if (!remoteChanged) return { ...untouched, push };
  if (!localChanged) return take(null);
  if (same(record, local)) return agreed;
  return decide('update_origin_differs', field.policy ?? 'remote', { ...untouched, remoteImage: record, push });
}
