import { z } from 'zod';
import { Fault } from '../../model/fault.ts';
import type { RemoteRecord } from '../../model/record.ts';
import type { WriteOutcome, WriteRow } from '../../model/write.ts';
import type { Connector, Session } from '../connector.ts';
import { shelfNamed, type Shelf } from './shelf.ts';

const memorySettings = z.strictObject({ shelf: z.string().min(1) });

type MemorySettings = z.infer<typeof memorySettings>;

/** The contract at its plainest: an app inside this process. */
export const memory: Connector<MemorySettings> = {
  describe: () => ({
    title: 'Memory',
    settings: memorySettings,
    secret: { required: false, hint: 'None is needed.' },
    types: [{ name: 'json', type: 'json', writable: true }],
    limits: {
      recordsPerPage: 1000,
      rowsPerWrite: 500,
      idsPerRead: 1000,
      keysPerFind: 500,
      rates: { requestsPerSecond: 10_000, burst: 1000, concurrency: 16 },
    },
    timing: { writeVisibleAfter: 0, searchVisibleAfter: 0, requestLife: 0, changesOverlap: 0 },
    capabilities: {
      partialUpdate: true,
      delete: 'permanent',
      compareAndSet: 'version',
      idempotencyKeys: 'all',
      changes: 'feed',
      reportsDeletions: true,
      dateTimes: 'utc',
    },
  }),

  origins: () => [],

  identify: async ({ settings }) => Promise.resolve({ id: settings.shelf, title: settings.shelf }),

  discover: async (session, wanted) =>
    Promise.resolve(enter(session).tables.filter(({ name }) => wanted === undefined || wanted.includes(name))),

  readPage: async (session, { table, columns, mode, after, limit, askedFor }) => {
    const shelf = enter(session, table);
    const started = Number(after?.['started'] ?? shelf.journal.length);
    const since = mode === 'changes' ? after?.['since'] : undefined;
    const begin = Number(since ?? 0);
    const from = Number(after?.['at'] ?? begin);
    const found = shelf.changedSince(table, from);
    const page = found.slice(0, limit);
    const complete = page.length === found.length;
    const gone = shelf.journal.slice(begin).filter((effect) => effect.table === table && effect.op === 'delete');
    return Promise.resolve({
      records: page.map(({ record }) => choose(record, columns)),
      gone: complete && since !== undefined ? [...new Set(gone.map(({ id }) => id))] : [],
      next: complete
        ? { since: started }
        : { ...(since === undefined ? {} : { since }), at: page.at(-1)?.changed ?? from, started },
      complete,
      askedFor,
    });
  },

  readByIds: async (session, { table, columns, ids, askedFor }) => {
    const shelf = enter(session, table);
    return Promise.resolve({
      records: ids.flatMap((id) => shelf.find(table, id) ?? []).map((record) => choose(record, columns)),
      missing: ids.filter((id) => shelf.find(table, id) === undefined),
      askedFor,
    });
  },

  findByKey: async (session, { table, columns, column, values, askedFor }) => {
    const found = enter(session, table)
      .records(table)
      .filter(({ fields }) => values.some((value) => value === fields[column]));
    return Promise.resolve({ records: found.map((record) => choose(record, columns)), askedFor });
  },

  writeBatch: async (session, { table, rows }) => {
    const shelf = enter(session, table);
    return Promise.resolve(rows.map((row) => write(shelf, table, row)));
  },
};

/** A column that was asked for and never written is empty. */
function choose(record: RemoteRecord, columns: readonly string[]): RemoteRecord {
  return { ...record, fields: Object.fromEntries(columns.map((name) => [name, record.fields[name] ?? null])) };
}

function write(shelf: Shelf, table: string, row: WriteRow): WriteOutcome {
  const { ref, idempotencyKey: key } = row;
  const scope = `${table}\n${key}`;
  const before = shelf.answered.get(scope);
  if (before) return written(ref, before);
  const current = row.op === 'create' ? undefined : shelf.find(table, row.id);
  if (row.op !== 'create') {
    if (current === undefined) return { ref, result: 'not_found' };
    if (row.expectedVersion !== undefined && row.expectedVersion !== current.version)
      return { ref, result: 'conflict', current };
  }
  const fields = row.op === 'create' ? row.fields : row.op === 'update' ? row.changed : {};
  const columns = shelf.tables.find(({ name }) => name === table)?.columns ?? [];
  const unknown = Object.keys(fields).find(
    (name) => !columns.some((column) => column.name === name && column.writable),
  );
  if (unknown !== undefined) {
    const fault = new Fault('MAPPING_FIELD_MISSING', `"${table}" has no column "${unknown}" that can be written.`, {
      column: unknown,
    });
    return { ref, result: 'refused', fault: fault.facts };
  }
  const record = shelf.apply({ table, op: row.op, fields, key, ...(row.op === 'create' ? {} : { id: row.id }) });
  const answer = { id: record?.id ?? current?.id ?? '', record };
  shelf.answered.set(scope, answer);
  return written(ref, answer);
}

function written(ref: string, { id, record }: { id: string; record: RemoteRecord | null }): WriteOutcome {
  return {
    ref,
    result: 'written',
    id,
    ...(record ? { record, ...(record.version === undefined ? {} : { version: record.version }) } : {}),
  };
}

function enter({ settings }: Session<MemorySettings>, table?: string): Shelf {
  const shelf = shelfNamed(settings.shelf);
  if (shelf === undefined) {
    throw new Fault('SETTINGS_INVALID', `There is no shelf "${settings.shelf}" in this process.`, {
      suggestion: 'Place it before the connection is used.',
    });
  }
  shelf.enter();
  if (table !== undefined && !shelf.tables.some(({ name }) => name === table)) {
    throw new Fault('TABLE_MISSING', `Shelf "${settings.shelf}" has no table "${table}".`);
  }
  return shelf;
}
