import { z } from 'zod';
import { Fault } from '../../model/fault.ts';
import type { FieldValue, RemoteRecord } from '../../model/record.ts';
import type { WriteOutcome, WriteRow } from '../../model/write.ts';
import type { HttpAnswer } from '../../runtime/http-client.ts';
import type { IdsAnswer, IdsRequest, KeyAnswer, KeyRequest, Page, PageRequest, Session } from '../connector.ts';
import { parsedObject } from '../parsed-object.ts';
import { settleAll } from '../write-outcomes.ts';
import { ask, believe, codeOfWords, readWords, refused, send } from './client.ts';
import { kindsFor } from './directory.ts';
import { appIdOf, placesOf, type GlideSettings } from './settings.ts';
import { keyText, ROW_ID, toCells, toRecord, type GlideRow } from './values.ts';

/** Questions in SQL that one request carries; above `SQL_LOOKUPS` values reading the whole table is cheaper. */
const QUERIES_PER_REQUEST = 25;
const SQL_LOOKUPS = 100;

const queried = z.array(z.object({ rows: z.array(parsedObject), next: z.string().nullish() }));

type Queried = z.infer<typeof queried>[number];

interface Query {
  readonly tableName?: string;
  readonly sql?: string;
  readonly params?: readonly FieldValue[];
  readonly startAt?: string;
}

async function query(session: Session<GlideSettings>, queries: readonly Query[]): Promise<readonly Queried[]> {
  const { data, answer } = await ask(session, queried, {
    method: 'POST',
    safe: true,
    url: `${placesOf(session.settings).functions}/queryTables`,
    json: { appID: appIdOf(session.settings), queries: queries.map((one) => ({ ...one, utc: true })) },
  });
  if (data.length === queries.length) return data;
  const [asked, came] = [String(queries.length), String(data.length)];
  throw answer.fault(`${asked} questions were asked and ${came} answered`, { code: 'BAD_RESPONSE' });
}

async function pageOf(
  session: Session<GlideSettings>,
  table: string,
  startAt: string | null,
): Promise<{ readonly rows: readonly GlideRow[]; readonly next: string | null }> {
  try {
    const [page] = await query(session, [{ tableName: table, ...(startAt === null ? {} : { startAt }) }]);
    const next = page?.next === '' ? null : (page?.next ?? null);
    if (next !== null && next === startAt) {
      throw new Fault('BAD_RESPONSE', `Glide gave the same place of "${table}" again: the read would never end.`);
    }
    return { rows: page?.rows ?? [], next };
  } catch (error) {
    // How long a continuation lives is not documented; one that is refused is begun anew.
    if (startAt !== null && error instanceof Fault && error.facts.status === 400) {
      throw new Fault('CURSOR_EXPIRED', `Glide no longer knows the place in "${table}": ${error.message}`);
    }
    throw error;
  }
}

export async function readClassicPage(session: Session<GlideSettings>, request: PageRequest): Promise<Page> {
  const { table, columns, after, askedFor } = request;
  const place = after?.['startAt'];
  const { rows, next } = await pageOf(session, table, typeof place === 'string' ? place : null);
  const kinds = await kindsFor(session, table, rows, columns);
  return {
    records: rows.map((row) => toRecord(row, columns, table, kinds)),
    gone: [],
    next: next === null ? null : { startAt: next },
    complete: next === null,
    askedFor,
  };
}

/** Every row that is wanted, from a read of the whole table. */
async function scan(
  session: Session<GlideSettings>,
  table: string,
  wanted: (row: GlideRow) => boolean,
): Promise<{ readonly rows: readonly GlideRow[]; readonly pages: number }> {
  const found = new Map<string, GlideRow>();
  let startAt: string | null = null;
  let pages = 0;
  do {
    const page = await pageOf(session, table, startAt);
    for (const row of page.rows) if (wanted(row)) found.set(keyText(row[ROW_ID]), row);
    startAt = page.next;
    pages += 1;
  } while (startAt !== null);
  return { rows: [...found.values()], pages };
}

async function select(
  session: Session<GlideSettings>,
  table: string,
  column: string,
  values: readonly FieldValue[],
): Promise<readonly GlideRow[]> {
  const quote = (name: string): string => `"${name.replaceAll('"', '""')}"`;
  const sql = `SELECT * FROM ${quote(table)} WHERE ${quote(column)} = $1`;
  const rows: GlideRow[] = [];
  let open: Query[] = values.map((value) => ({ sql, params: [value] }));
  while (open.length > 0) {
    const part = open.slice(0, QUERIES_PER_REQUEST);
    const answers = await query(session, part);
    rows.push(...answers.flatMap((answer) => answer.rows));
    const unfinished = answers.flatMap(({ next }, index) => (next ? [{ ...part[index], startAt: next }] : []));
    open = [...unfinished, ...open.slice(QUERIES_PER_REQUEST)];
  }
  return rows;
}

async function look(
  session: Session<GlideSettings>,
  { table, columns }: { readonly table: string; readonly columns: readonly string[] },
  column: string,
  values: readonly FieldValue[],
): Promise<{ readonly records: readonly RemoteRecord[]; readonly pages: number }> {
  const bySql = session.settings.big_tables.includes(table) && values.length <= SQL_LOOKUPS;
  const texts = new Set(values.map(keyText));
  const { rows, pages } = bySql
    ? { rows: await select(session, table, column, values), pages: 1 }
    : await scan(session, table, (row) => row[column] !== undefined && texts.has(keyText(row[column])));
  const kinds = await kindsFor(session, table, rows, columns);
  return { records: rows.map((row) => toRecord(row, columns, table, kinds)), pages };
}

export async function readClassicIds(session: Session<GlideSettings>, request: IdsRequest): Promise<IdsAnswer> {
  const { ids, askedFor } = request;
  const { records, pages } = await look(session, request, ROW_ID, ids);
  const seen = new Set(records.map(({ id }) => id));
  const absent = ids.filter((id) => !seen.has(id));
  if (absent.length === 0 || pages === 1) return { records, missing: absent, askedFor };
  // Rows that move while several pages are read can slip between them: only two reads that agree prove absence.
  const again = await look(session, request, ROW_ID, absent);
  const late = new Set(again.records.map(({ id }) => id));
  return { records: [...records, ...again.records], missing: absent.filter((id) => !late.has(id)), askedFor };
}

export async function findClassicKeys(session: Session<GlideSettings>, request: KeyRequest): Promise<KeyAnswer> {
  const { records } = await look(session, request, request.column, request.values);
  return { records, askedFor: request.askedFor };
}

const entries = z.array(z.looseObject({ rowID: z.string().nullish(), error: z.unknown().optional() }).nullable());

type Entry = z.infer<typeof entries>[number];

export async function writeClassic(
  session: Session<GlideSettings>,
  table: string,
  rows: readonly WriteRow[],
): Promise<readonly WriteOutcome[]> {
  return settleAll(rows, async () => {
    // An update of nothing but the Row ID would cost an update and change nothing.
    const idle = rows.filter((row) => row.op === 'update' && Object.keys(toCells(row.changed, '')).length === 0);
    const busy = rows.filter((row) => !idle.includes(row));
    const untouched = idle.map(({ ref, ...row }): WriteOutcome => ({
      ref,
      result: 'written',
      id: row.op === 'create' ? '' : row.id,
    }));
    if (busy.length === 0) return untouched;
    const answer = await send(session, {
      method: 'POST',
      url: `${placesOf(session.settings).functions}/mutateTables`,
      json: { appID: appIdOf(session.settings), mutations: busy.map((row) => mutation(table, row)) },
    });
    return [...untouched, ...judge(busy, answer)];
  });
}

function mutation(table: string, row: WriteRow): unknown {
  if (row.op === 'create') {
    return { kind: 'add-row-to-table', tableName: table, columnValues: withoutNulls(toCells(row.fields, null)) };
  }
  if (row.op === 'delete') return { kind: 'delete-row', tableName: table, rowID: row.id };
  return { kind: 'set-columns-in-row', tableName: table, rowID: row.id, columnValues: toCells(row.changed, '') };
}

function withoutNulls(cells: Readonly<Record<string, FieldValue>>): Readonly<Record<string, FieldValue>> {
  return Object.fromEntries(Object.entries(cells).filter(([, value]) => value !== null));
}

/** A list speaks of each mutation, whatever the status; anything else speaks of the call as a whole. */
function judge(rows: readonly WriteRow[], answer: HttpAnswer): readonly WriteOutcome[] {
  const good = answer.status < 300;
  if (!good && (answer.status >= 500 || answer.status === 429 || !isList(answer))) throw refused(answer);
  const results = believe(entries, answer);
  if (results.length !== rows.length) {
    const counts = `${String(rows.length)} mutations were sent and ${String(results.length)} answered`;
    throw answer.fault(counts, { code: 'BAD_RESPONSE', uncertain: true });
  }
  return rows.map((row, index) => outcomeOf(row, results[index] ?? null, good));
}

function isList(answer: HttpAnswer): boolean {
  if (readWords(answer) !== undefined) return false;
  try {
    return Array.isArray(answer.json());
  } catch {
    return false;
  }
}

function outcomeOf(row: WriteRow, entry: Entry, good: boolean): WriteOutcome {
  const { ref } = row;
  if (entry?.error !== undefined && entry.error !== null && entry.error !== false) {
    const said = entry.error;
    const message = typeof said === 'string' ? said : ((said as { message?: string }).message ?? JSON.stringify(said));
    const { code = 'REQUEST_REFUSED', ...options } = codeOfWords({ type: '', message });
    return { ref, result: 'refused', fault: new Fault(code, `Glide refused the row: ${message}`, options).facts };
  }
  if (!good) return unknown(ref, 'Another mutation of the call failed; whether this one was queued is not said.');
  if (row.op !== 'create') return { ref, result: 'written', id: row.id };
  if (typeof entry?.rowID === 'string' && entry.rowID !== '') return { ref, result: 'written', id: entry.rowID };
  return unknown(ref, 'Glide took the row but did not tell its Row ID.');
}

function unknown(ref: string, message: string): WriteOutcome {
  return { ref, result: 'uncertain', fault: new Fault('UNKNOWN_OUTCOME', message, { uncertain: true }).facts };
}
