import { createHash } from 'node:crypto';
import { z } from 'zod';
import { Fault } from '../../model/fault.ts';
import type { Fields, RemoteRecord } from '../../model/record.ts';
import type { RemoteColumn } from '../../model/remote-table.ts';
import type { CreateRow, DeleteRow, UpdateRow, WriteOutcome, WriteRow } from '../../model/write.ts';
import type { IdsAnswer, IdsRequest, KeyAnswer, KeyRequest, Page, PageRequest, Session } from '../connector.ts';
import { parsedObject } from '../parsed-object.ts';
import { settleAll } from '../write-outcomes.ts';
import { ask, refused, send } from './client.ts';
import { kindsFor, ROW_ID_COLUMN } from './directory.ts';
import { placesOf, type GlideSettings } from './settings.ts';
import { keyText, ROW_ID, toCells, toRecord, type GlideRow } from './values.ts';

export const BIG_TABLE_PAGE = 10_000;

const list = z.object({ data: z.array(parsedObject), continuation: z.string().nullish() });
const single = z.object({ data: parsedObject });
const added = z.object({ data: z.object({ rowIDs: z.array(z.string().min(1)) }) });

function rowsUrl({ settings }: Session<GlideSettings>, table: string, id?: string): string {
  const rows = `${placesOf(settings).v2}/tables/${encodeURIComponent(table)}/rows`;
  return id === undefined ? rows : `${rows}/${encodeURIComponent(id)}`;
}

/** The table's version: it moves with every change of its data, and asking for it is free. */
async function versionOf(session: Session<GlideSettings>, table: string): Promise<string | undefined> {
  const answer = await send(session, { method: 'HEAD', url: rowsUrl(session, table) });
  if (answer.status < 300) return answer.headers['etag'];
  // A HEAD has no words; the same question as a GET has.
  await listRows(session, table, 1, null);
  throw refused(answer);
}

async function listRows(
  session: Session<GlideSettings>,
  table: string,
  limit: number,
  continuation: string | null,
): Promise<{ readonly rows: readonly GlideRow[]; readonly next: string | null; readonly version?: string }> {
  const query = new URLSearchParams({ limit: String(limit), ...(continuation === null ? {} : { continuation }) });
  try {
    const { data, answer } = await ask(session, list, {
      method: 'GET',
      url: `${rowsUrl(session, table)}?${query.toString()}`,
    });
    const next = data.continuation === '' ? null : (data.continuation ?? null);
    if (next !== null && next === continuation) {
      throw answer.fault('the same place of the table came again', { code: 'BAD_RESPONSE' });
    }
    const version = answer.headers['etag'];
    return { rows: data.data, next, ...(version === undefined ? {} : { version }) };
  } catch (error) {
    if (continuation !== null && error instanceof Fault && error.facts.status === 400) {
      throw new Fault('CURSOR_EXPIRED', `Glide no longer knows the place in "${table}": ${error.message}`);
    }
    throw error;
  }
}

/** A read of changes asks for the version first: while it stands still no row is read, and none is paid for. */
export async function readBigTablePage(session: Session<GlideSettings>, request: PageRequest): Promise<Page> {
  const { table, columns, after, askedFor } = request;
  const text = (name: string): string | null => {
    const value = after?.[name];
    return typeof value === 'string' ? value : null;
  };
  const continuation = text('continuation');
  const known = text('version');
  if (request.mode === 'changes' && continuation === null && known !== null) {
    const version = await versionOf(session, table);
    if (version === known) return { records: [], gone: [], next: { version }, complete: true, askedFor };
  }
  const { rows, next, version } = await listRows(session, table, Math.min(request.limit, BIG_TABLE_PAGE), continuation);
  // What changes after the first page was asked for belongs to the next read.
  const began = continuation === null ? (version ?? null) : text('began');
  const kinds = await kindsFor(session, table, rows, columns);
  const complete = next === null;
  return {
    records: rows.map((row) => toRecord(row, columns, table, kinds, version)),
    gone: [],
    next: complete ? (began === null ? null : { version: began }) : { continuation: next, began },
    complete,
    askedFor,
  };
}

export async function readBigTableIds(session: Session<GlideSettings>, request: IdsRequest): Promise<IdsAnswer> {
  const { table, columns, ids, askedFor } = request;
  // Asked before the rows: a row that moves in between is found changed, never overwritten.
  const before = await versionOf(session, table);
  const records: RemoteRecord[] = [];
  const missing: string[] = [];
  for (const id of ids) {
    try {
      const { data } = await ask(session, single, { method: 'GET', url: rowsUrl(session, table, id) });
      const row = { [ROW_ID]: id, ...data.data };
      records.push(toRecord(row, columns, table, await kindsFor(session, table, [row], columns), before));
    } catch (error) {
      if (!(error instanceof Fault) || error.facts.code !== 'NOT_FOUND') throw error;
      missing.push(id);
    }
  }
  return { records, missing, askedFor };
}

export async function findBigTableKeys(session: Session<GlideSettings>, request: KeyRequest): Promise<KeyAnswer> {
  const { table, columns, column, values, askedFor } = request;
  const texts = new Set(values.map(keyText));
  const found = new Map<string, RemoteRecord>();
  let continuation: string | null = null;
  do {
    const page = await listRows(session, table, BIG_TABLE_PAGE, continuation);
    const rows = page.rows.filter((row) => row[column] !== undefined && texts.has(keyText(row[column])));
    const kinds = await kindsFor(session, table, rows, columns);
    for (const row of rows) {
      const record = toRecord(row, columns, table, kinds, page.version);
      found.set(record.id, record);
    }
    continuation = page.next;
  } while (continuation !== null);
  return { records: [...found.values()], askedFor };
}

/** The columns of a table whose app is not known, as its first rows show them. */
export async function guessColumns(session: Session<GlideSettings>, table: string): Promise<readonly RemoteColumn[]> {
  const { rows } = await listRows(session, table, 100, null);
  const names = [...new Set(rows.flatMap((row) => Object.keys(row)))].filter((name) => name !== ROW_ID);
  return [
    ROW_ID_COLUMN,
    ...names.map((name): RemoteColumn => {
      const kinds = new Set(
        rows
          .map((row) => row[name])
          .filter((value) => value != null)
          .map((value) => typeof value),
      );
      const [kind] = kinds;
      const type = kinds.size === 1 && (kind === 'string' || kind === 'number' || kind === 'boolean') ? kind : 'json';
      return { name, type, appType: type, writable: true, required: false };
    }),
  ];
}

/** New rows go together; a change and a delete are one request each, because Glide has no other. */
export async function writeBigTable(
  session: Session<GlideSettings>,
  table: string,
  rows: readonly WriteRow[],
): Promise<readonly WriteOutcome[]> {
  const creates = rows.filter((row) => row.op === 'create');
  const outcomes: WriteOutcome[] = [];
  if (creates.length > 0) outcomes.push(...(await settleAll(creates, () => addRows(session, table, creates))));
  for (const row of rows) {
    if (row.op === 'create') continue;
    outcomes.push(...(await settleAll([row], async () => [await changeRow(session, table, row)])));
  }
  const byRef = new Map(outcomes.map((outcome) => [outcome.ref, outcome]));
  return settleAll(rows, () => Promise.resolve([...byRef.values()]));
}

async function addRows(
  session: Session<GlideSettings>,
  table: string,
  rows: readonly CreateRow[],
): Promise<readonly WriteOutcome[]> {
  const cells = rows.map(({ fields }) => filled(fields));
  const { data, answer } = await ask(session, added, {
    method: 'POST',
    url: rowsUrl(session, table),
    json: rows.length > session.settings.stash_above ? { $stashID: await stash(session, rows, cells) } : cells,
  });
  const ids = data.data.rowIDs;
  if (ids.length !== rows.length) {
    const counts = `${String(rows.length)} rows were sent and ${String(ids.length)} Row IDs came back`;
    throw answer.fault(counts, { code: 'BAD_RESPONSE', uncertain: true });
  }
  return rows.map(({ ref }, index) => ({ ref, result: 'written', id: ids[index] ?? '' }));
}

/** Named by its rows: the same batch, sent again, overwrites its own pieces. Nothing is in the table yet. */
async function stash(
  session: Session<GlideSettings>,
  rows: readonly CreateRow[],
  cells: readonly Fields[],
): Promise<string> {
  const keys = rows.map(({ idempotencyKey }) => idempotencyKey).join('\n');
  const id = `tideway-${createHash('sha256').update(keys).digest('hex')}`;
  const { stash_above: size } = session.settings;
  for (let at = 0, serial = 0; at < cells.length; at += size, serial += 1) {
    await ask(session, z.looseObject({}), {
      method: 'PUT',
      url: `${placesOf(session.settings).v2}/stashes/${id}/${String(serial)}`,
      json: cells.slice(at, at + size),
      safe: true,
    });
  }
  return id;
}

function filled(fields: Fields): Fields {
  return Object.fromEntries(Object.entries(toCells(fields, null)).filter(([, value]) => value !== null));
}

async function changeRow(
  session: Session<GlideSettings>,
  table: string,
  row: UpdateRow | DeleteRow,
): Promise<WriteOutcome> {
  const { ref, id } = row;
  const url = rowsUrl(session, table, id);
  try {
    if (row.op === 'delete') {
      await ask(session, z.looseObject({}), { method: 'DELETE', url });
      return { ref, result: 'written', id };
    }
    const cells = toCells(row.changed, session.settings.clear_with === 'null' ? null : '');
    if (Object.keys(cells).length === 0) return { ref, result: 'written', id };
    const headers = row.expectedVersion === undefined ? {} : { 'if-match': row.expectedVersion };
    await ask(session, z.looseObject({}), { method: 'PATCH', url, json: cells, headers });
    return { ref, result: 'written', id };
  } catch (error) {
    if (error instanceof Fault && error.facts.code === 'NOT_FOUND') return { ref, result: 'not_found' };
    if (error instanceof Fault && error.facts.status === 412) return { ref, result: 'conflict', current: null };
    throw error;
  }
}
