import type { FaultFacts } from '../model/fault.ts';
import type { WriteOutcome, WriteRow } from '../model/write.ts';
import type { PushOutcome, RowError } from '../sql/outbound/complete-push.ts';
import type { PreparedRow } from '../sql/outbound/prepare-push.ts';

/** The row as a connector takes it. A lookup becomes a create: the app's idempotency key then decides. */
export function writeRow(row: PreparedRow, comparesVersions: boolean): WriteRow {
  const facts = { ref: row.link_id, idempotencyKey: row.idempotency_key };
  const expected = comparesVersions && row.version !== null ? { expectedVersion: row.version } : {};
  if (row.op === 'delete') return { ...facts, ...expected, op: 'delete', id: row.remote_id ?? '' };
  if (row.op === 'update') {
    return {
      ...facts,
      ...expected,
      op: 'update',
      id: row.remote_id ?? '',
      changed: row.payload,
      fields: { ...row.fields, ...row.payload },
      ...(row.expected === null ? {} : { expected: row.expected }),
    };
  }
  const [correlation] = Object.entries(row.correlation ?? {});
  return {
    ...facts,
    op: 'create',
    fields: row.payload,
    ...(correlation === undefined ? {} : { correlation: { column: correlation[0], value: correlation[1] } }),
  };
}

export function pushOutcome(outcome: WriteOutcome): PushOutcome {
  const { harmed = [] } = outcome;
  const link = {
    link_id: outcome.ref,
    ...(harmed.length === 0 ? {} : { harmed: harmed.map(({ id, fault }) => ({ remote_id: id, ...errorOf(fault) })) }),
  };
  switch (outcome.result) {
    case 'written':
      return {
        ...link,
        result: 'written',
        remote_id: outcome.id,
        ...(outcome.record === undefined ? {} : { shown: outcome.record.fields }),
        ...versionOf(outcome.version ?? outcome.record?.version),
      };
    case 'not_found':
      return { ...link, result: 'not_found' };
    case 'conflict':
      return {
        ...link,
        result: 'conflict',
        class: 'CONFLICT',
        code: 'CONFLICT',
        message: 'The record was changed in the app at the same time.',
      };
    case 'refused':
      return { ...link, ...errorOf(outcome.fault), result: isNobodysRow(outcome.fault) ? 'retry' : 'refused' };
    case 'retry':
    case 'uncertain':
      return { ...link, ...errorOf(outcome.fault), result: outcome.result };
  }
}

function versionOf(version: string | undefined): { readonly version?: string } {
  return version === undefined ? {} : { version };
}

/** A lost login, a limit or a host that cannot be reached is no reason to give a row up. */
function isNobodysRow({ class: kind }: FaultFacts): boolean {
  return kind === 'AUTH_ERROR' || kind === 'RATE_LIMIT' || kind === 'NETWORK_ERROR';
}

function errorOf(fault: FaultFacts): RowError & Pick<PushOutcome, 'retry_after_ms'> {
  return {
    class: fault.class,
    code: fault.code,
    message: fault.message,
    ...(fault.column === undefined ? {} : { column: fault.column }),
    ...(fault.retryAfter === undefined ? {} : { retry_after_ms: Math.round(fault.retryAfter) }),
  };
}
