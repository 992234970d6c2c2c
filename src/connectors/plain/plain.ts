import type { FieldType } from '../../model/field-type.ts';
import { Fault } from '../../model/fault.ts';
import type { FieldValue, RemoteRecord } from '../../model/record.ts';
import type { RemoteTable } from '../../model/remote-table.ts';
import type { WriteOutcome, WriteRow } from '../../model/write.ts';
import type { AppType, Connector, Cursor, Description, PageRequest } from '../connector.ts';
import { outcomesOf } from '../write-outcomes.ts';
import { codeOf, createPlainClient, type PlainRecord } from './client.ts';
import { plainSettings, type PlainSettings } from './settings.ts';
import { verifyPlainWebhook } from './webhook.ts';

const TYPES: readonly AppType[] = [
  { name: 'text', type: 'string', writable: true },
  { name: 'number', type: 'number', writable: true },
  { name: 'boolean', type: 'boolean', writable: true },
  { name: 'date', type: 'date', writable: true },
  { name: 'datetime', type: 'date-time', writable: true, note: 'Kept to the millisecond.' },
  { name: 'json', type: 'json', writable: true },
];

const EVERYTHING = { create: true, update: true, delete: true, changes: true, findBy: true } as const;

/** The app of the demo and of the tests: a strict little JSON API that behaves as badly as one asks it to. */
export const plain: Connector<PlainSettings> = {
  describe: (settings) => describe(settings ?? plainSettings.parse({ base_url: 'http://plain.invalid' })),

  origins: ({ base_url: baseUrl }) => [new URL(baseUrl).origin],

  identify: (session) => createPlainClient(session).account(),

  discover: async (session, wanted) => {
    const { tables } = await createPlainClient(session).tables();
    return tables
      .filter(({ id }) => wanted === undefined || wanted.includes(id))
      .map((table): RemoteTable => ({
        name: table.id,
        title: table.title,
        columns: table.columns.map((column) => ({
          name: column.id,
          title: column.title,
          type: fieldType(column.type),
          appType: column.type,
          writable: column.writable,
          required: column.required,
        })),
        capabilities: EVERYTHING,
      }));
  },

  readPage: async (session, request) => {
    if (request.filter !== null) {
      throw new Fault(
        'SETTINGS_INVALID',
        `Plain has no filters of its own, but "${request.table}" is mapped with one.`,
        {
          suggestion: 'Map it again without the filter.',
        },
      );
    }
    const place = placeOf(request);
    const after =
      place.since === null ? null : new Date(Date.parse(place.since) - session.settings.overlap).toISOString();
    const query = new URLSearchParams({ limit: String(request.limit) });
    for (const column of request.columns) query.append('column', column);
    const modifiedAfter = place.after ?? after;
    if (modifiedAfter !== null) query.set('modified_after', modifiedAfter);
    if (place.page !== null) query.set('cursor', place.page);
    const answer = await createPlainClient(session).list(request.table, query);
    // The app's clock when the read began: what changes from then on belongs to the next read.
    const began = place.began ?? answer.now;
    const complete = answer.next === undefined;
    if (complete && place.page === null && answer.records.length !== answer.total) {
      throw new Fault(
        'BAD_RESPONSE',
        `The app shows ${String(answer.records.length)} of ${String(answer.total)} records of "${request.table}" and no next page.`,
      );
    }
    const next: Cursor = complete
      ? { since: began }
      : { since: place.since, after: place.after ?? after, began, page: answer.next ?? null };
    return {
      records: answer.records.map((record) => toRecord(record, request.columns)),
      gone: [],
      next,
      complete,
      total: answer.total,
      askedFor: request.askedFor,
    };
  },

  readByIds: async (session, { table, columns, ids, askedFor }) => {
    const { records, missing } = await createPlainClient(session).read(table, { ids, columns });
    return { records: records.map((record) => toRecord(record, columns)), missing, askedFor };
  },

  findByKey: async (session, { table, columns, column, values, askedFor }) => {
    const { records } = await createPlainClient(session).find(table, { column, values, columns });
    return { records: records.map((record) => toRecord(record, columns)), askedFor };
  },

  writeBatch: async (session, { table, rows }) => {
    try {
      const { results } = await createPlainClient(session).write(table, rows.map(toRow));
      return rows.map((row, index) => outcomeOf(row, results[index]));
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      const [row] = rows;
      // Alone in its batch, the row is the one that the app misses.
      if (row && rows.length === 1 && error.facts.code === 'NOT_FOUND') return [{ ref: row.ref, result: 'not_found' }];
      return outcomesOf(rows, error.facts);
    }
  },

  verifyWebhook: verifyPlainWebhook,

  keepWebhook: async (session, { url, tables, known }) => {
    const client = createPlainClient(session);
    if (known) {
      try {
        const { id, expires_at: expiresAt } = await client.webhook({ id: known.id });
        return { id, expiresAt };
      } catch (error) {
        if (!(error instanceof Fault) || error.facts.code !== 'NOT_FOUND') throw error;
      }
    }
    const made = await client.webhook({ url, tables });
    await session.tokens.store('webhook_secret', made.secret ?? '');
    return { id: made.id, expiresAt: made.expires_at };
  },
};

function describe(settings: PlainSettings): Description<PlainSettings> {
  return {
    title: 'Plain',
    settings: plainSettings,
    secret: { required: true, hint: 'The token that the app was started with.' },
    types: TYPES,
    limits: {
      recordsPerPage: settings.records_per_page,
      rowsPerWrite: settings.rows_per_write,
      bytesPerWrite: 1024 * 1024,
      idsPerRead: 200,
      keysPerFind: 100,
      rates: { requestsPerSecond: 500, burst: 50, concurrency: 8 },
    },
    timing: {
      writeVisibleAfter: settings.write_visible_after,
      searchVisibleAfter: settings.write_visible_after,
      requestLife: settings.request_life,
      changesOverlap: settings.overlap,
    },
    capabilities: {
      partialUpdate: true,
      delete: 'permanent',
      compareAndSet: 'version',
      idempotencyKeys: 'all',
      changes: 'modified_time',
      reportsDeletions: false,
      dateTimes: 'utc',
    },
  };
}

interface Place {
  /** The app's clock when the last complete read began; null for a read of everything. */
  readonly since: string | null;
  /** The limit this read was begun with. */
  readonly after: string | null;
  readonly began: string | null;
  readonly page: string | null;
}

function placeOf({ mode, after: cursor }: PageRequest): Place {
  const page = text(cursor?.['page']);
  const since = mode === 'changes' || page !== null ? text(cursor?.['since']) : null;
  return {
    since,
    page,
    after: page === null ? null : text(cursor?.['after']),
    began: page === null ? null : text(cursor?.['began']),
  };
}

function text(value: FieldValue | undefined): string | null {
  return typeof value === 'string' ? value : null;
}

/** The app may leave empty values out. Of columns that it was asked for, or was given, it knows: absent is empty. */
function toRecord(record: PlainRecord, known: readonly string[]): RemoteRecord {
  const { id, version, modified_at: modifiedAt, values } = record;
  const empty = known.filter((name) => !Object.hasOwn(values, name)).map((name) => [name, null] as const);
  return {
    id,
    version: String(version),
    modifiedAt,
    fields: Object.fromEntries([...Object.entries(values), ...empty]),
  };
}

function toRow(row: WriteRow): unknown {
  return {
    op: row.op,
    key: row.idempotencyKey,
    ...(row.op === 'create' ? { values: row.fields } : { id: row.id }),
    ...(row.op === 'update' ? { values: row.changed } : {}),
    ...(row.op !== 'create' && row.expectedVersion !== undefined ? { if_version: Number(row.expectedVersion) } : {}),
  };
}

type Result = Awaited<ReturnType<ReturnType<typeof createPlainClient>['write']>>['results'][number];

function outcomeOf(row: WriteRow, result: Result | undefined): WriteOutcome {
  const { ref } = row;
  if (result === undefined) {
    const fault = new Fault('UNKNOWN_OUTCOME', 'The answer says nothing about this row.', { uncertain: true });
    return { ref, result: 'uncertain', fault: fault.facts };
  }
  if ('error' in result) {
    const code = codeOf(result.error);
    const { message, column } = result.error;
    if (code === 'NOT_FOUND') return { ref, result: 'not_found' };
    if (code === 'CONFLICT') {
      return { ref, result: 'conflict', current: result.current ? toRecord(result.current, []) : null };
    }
    return { ref, result: 'refused', fault: new Fault(code, message, column === undefined ? {} : { column }).facts };
  }
  const sent = row.op === 'create' ? row.fields : row.op === 'update' ? row.changed : {};
  const shown = result.record ? { record: toRecord(result.record, Object.keys(sent)) } : {};
  return { ref, result: 'written', id: result.id, version: String(result.version), ...shown };
}

function fieldType(name: string): FieldType {
  return TYPES.find((type) => type.name === name)?.type ?? 'json';
}
