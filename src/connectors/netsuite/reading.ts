import { z } from 'zod';
import { Fault } from '../../model/fault.ts';
import type { Fields, FieldValue, RemoteRecord } from '../../model/record.ts';
import { parseExactJson } from '../../runtime/exact-json.ts';
import type { Cursor, IdsAnswer, IdsRequest, KeyAnswer, KeyRequest, Page, PageRequest, Session } from '../connector.ts';
import { createNetsuiteClient, type NetsuiteClient } from './client.ts';
import type { NetsuiteSettings } from './settings.ts';
import { kindsOf, knownSource, queryName, type Kind, type Source } from './tables.ts';

const ROWS = 1000;
const DAY = 86_400_000;

const place = z.object({
  /** When the last complete read began, by the app's clock; null for a read of everything. */
  since: z.string().nullable(),
  began: z.string(),
  last: z.array(z.string()).nullable(),
});

/**
 * Pages follow the key, which never changes: a record that is changed or removed meanwhile moves no other.
 * What is changed behind the reader is found by the next read of changes, which begins when this one began.
 */
export async function readPage(session: Session<NetsuiteSettings>, request: PageRequest): Promise<Page> {
  const client = createNetsuiteClient(session);
  const source = knownSource(request.table);
  const at = await placeOf(client, request);
  const after = at.since === null ? null : Date.parse(at.since) - session.settings.overlap;
  if (after !== null && source.modified === null) {
    throw new Fault('SETTINGS_INVALID', `NetSuite keeps no time of change for "${request.table}".`, {
      suggestion: 'Read it whole: schedule sweeps instead of reads of changes.',
    });
  }
  const conditions = [
    ...(source.only === undefined ? [] : [source.only]),
    ...(request.filter === null ? [] : [`(${request.filter})`]),
    ...(after === null || source.modified === null ? [] : changedSince(source.modified, after)),
    ...(at.last === null ? [] : [beyond(source.keys, at.last)]),
  ];
  const kinds = await kindsOf(client, request.table);
  const answer = await client.query(select(source, kinds, request.columns, conditions), Math.min(request.limit, ROWS));
  const records = answer.items.map((row) => recordOf(row, source, kinds, request.columns));
  const last = records.at(-1);
  const gone =
    after !== null && at.last === null && session.settings.deletions && source.keys.length === 1
      ? await deletedSince(client, source, after)
      : [];
  const complete = !answer.hasMore;
  const next: Cursor = complete
    ? { since: at.began }
    : { since: at.since, began: at.began, last: last === undefined ? null : last.id.split(':') };
  return { records, gone, next, complete, askedFor: request.askedFor };
}

export async function readByIds(session: Session<NetsuiteSettings>, request: IdsRequest): Promise<IdsAnswer> {
  const client = createNetsuiteClient(session);
  const source = knownSource(request.table);
  const kinds = await kindsOf(client, request.table);
  const ids = request.ids.filter((id) => isId(id, source));
  const conditions = [...(source.only === undefined ? [] : [source.only]), among(source, ids)];
  const { items } =
    ids.length === 0 ? { items: [] } : await client.query(select(source, kinds, request.columns, conditions), ROWS);
  const records = items.map((row) => recordOf(row, source, kinds, request.columns));
  const found = new Set(records.map(({ id }) => id));
  return { records, missing: request.ids.filter((id) => !found.has(id)), askedFor: request.askedFor };
}

export async function findByKey(session: Session<NetsuiteSettings>, request: KeyRequest): Promise<KeyAnswer> {
  const client = createNetsuiteClient(session);
  const source = knownSource(request.table);
  const kinds = await kindsOf(client, request.table);
  const values = request.values.flatMap((value) => literal(value, kinds.get(request.column)));
  const records: RemoteRecord[] = [];
  let more = values.length > 0;
  while (more) {
    const last = records.at(-1)?.id.split(':');
    const conditions = [
      ...(source.only === undefined ? [] : [source.only]),
      `t.${queryName(request.column)} IN (${values.join(', ')})`,
      ...(last === undefined ? [] : [beyond(source.keys, last)]),
    ];
    const answer = await client.query(select(source, kinds, request.columns, conditions), ROWS);
    records.push(...answer.items.map((row) => recordOf(row, source, kinds, request.columns)));
    more = answer.hasMore;
  }
  return { records, askedFor: request.askedFor };
}

/** The record that carries this external id, if any. */
export async function findExternal(client: NetsuiteClient, from: string, externalId: string): Promise<string | null> {
  const q = `SELECT t.id AS id FROM ${from} t WHERE t.externalid = ${quote(externalId)} ORDER BY t.id`;
  const { items } = await client.query(q, 2);
  const [row] = items;
  return row === undefined ? null : textOf(row['id']);
}

/** The log's spelling of types is not known for certain, so a logged id counts only when the table lacks it now. */
async function deletedSince(client: NetsuiteClient, source: Source, after: number): Promise<string[]> {
  const gone: string[] = [];
  let last: string | null = null;
  for (let more = true; more;) {
    const conditions = [...changedSince('deleteddate', after), ...(last === null ? [] : [`t.recordid > ${last}`])];
    const q = `SELECT t.recordid AS id FROM deletedrecord t WHERE ${conditions.join(' AND ')} ORDER BY t.recordid`;
    const answer = await client.query(q, ROWS);
    const ids: string[] = [...new Set(answer.items.map((row) => textOf(row['id'])))].filter((id) => /^\d+$/.test(id));
    if (ids.length > 0) {
      const only = source.only === undefined ? '' : `${source.only} AND `;
      const there = await client.query(
        `SELECT t.id AS id FROM ${source.from} t WHERE ${only}${among(source, ids)} ORDER BY t.id`,
        ROWS,
      );
      const present = new Set(there.items.map((row) => textOf(row['id'])));
      gone.push(...ids.filter((id) => !present.has(id)));
    }
    more = answer.hasMore && ids.length > 0;
    last = ids.at(-1) ?? null;
  }
  return [...new Set(gone)];
}

async function placeOf(client: NetsuiteClient, { mode, after }: PageRequest): Promise<z.infer<typeof place>> {
  const going = place.safeParse(after);
  if (going.success) return going.data;
  const { serverTime } = await client.json(
    z.object({ serverTime: z.iso.datetime() }),
    '/services/rest/system/v1/serverTime',
  );
  const since = after?.['since'];
  return { since: mode === 'changes' && typeof since === 'string' ? since : null, began: serverTime, last: null };
}

/** The first bound, a day early, is for the index and in the zone of the session; the second is exact. */
function changedSince(column: string, after: number): string[] {
  const stamp = (time: number): string => `'${new Date(time).toISOString().slice(0, 19).replace('T', ' ')}'`;
  return [
    `t.${column} >= TO_DATE(${stamp(after - DAY)}, 'YYYY-MM-DD HH24:MI:SS')`,
    `SYS_EXTRACT_UTC(t.${column}) >= TO_TIMESTAMP(${stamp(after)}, 'YYYY-MM-DD HH24:MI:SS')`,
  ];
}

function beyond(keys: readonly string[], last: readonly string[]): string {
  if (last.length !== keys.length || !last.every((part) => /^\d+$/.test(part))) {
    throw new Fault('CURSOR_EXPIRED', 'The place of this read is not one of NetSuite’s.');
  }
  const [first = '', second] = keys;
  const [a = '', b = ''] = last;
  if (second === undefined) return `t.${first} > ${a}`;
  return `(t.${first} > ${a} OR (t.${first} = ${a} AND t.${second} > ${b}))`;
}

function among({ keys }: Source, ids: readonly string[]): string {
  const [first = '', second] = keys;
  if (second === undefined) return `t.${first} IN (${ids.join(', ')})`;
  const pairs = ids.map((id) => id.split(':')).map(([a = '', b = '']) => `(t.${first} = ${a} AND t.${second} = ${b})`);
  return `(${pairs.join(' OR ')})`;
}

export function isId(id: string, { keys }: Source): boolean {
  const parts = id.split(':');
  return parts.length === keys.length && parts.every((part) => /^\d+$/.test(part));
}

/** Answers carry short names of our own: NetSuite lowers every alias, and leaves empty columns out. */
function select(
  source: Source,
  kinds: ReadonlyMap<string, Kind>,
  columns: readonly string[],
  conditions: readonly string[],
): string {
  const shown = columns.map((column, index) => `${expression(column, kinds.get(column))} AS c${String(index)}`);
  const keys = source.keys.map((key, index) => `t.${key} AS k${String(index)}`);
  const where = conditions.length === 0 ? '' : ` WHERE ${conditions.join(' AND ')}`;
  const order = source.keys.map((key) => `t.${key}`).join(', ');
  return `SELECT ${[...keys, ...shown].join(', ')} FROM ${source.from} t${where} ORDER BY ${order}`;
}

/** A bare date comes in the user's own format and without its time, so dates are always spelled out. */
function expression(column: string, kind: Kind | undefined): string {
  const name = `t.${queryName(column)}`;
  if (kind?.appType === 'date') return `TO_CHAR(${name}, 'YYYY-MM-DD')`;
  if (kind?.appType === 'datetime') return `TO_CHAR(SYS_EXTRACT_UTC(${name}), 'YYYY-MM-DD"T"HH24:MI:SS"Z"')`;
  return name;
}

function recordOf(
  row: Readonly<Record<string, unknown>>,
  source: Source,
  kinds: ReadonlyMap<string, Kind>,
  columns: readonly string[],
): RemoteRecord {
  const id = source.keys.map((_, index) => textOf(row[`k${String(index)}`])).join(':');
  if (!isId(id, source)) throw new Fault('BAD_RESPONSE', 'NetSuite shows a row without its id.');
  const fields: Fields = Object.fromEntries(
    columns.map((column, index) => [column, shown(row[`c${String(index)}`], kinds.get(column))]),
  );
  return { id, fields };
}

function shown(value: unknown, kind: Kind | undefined): FieldValue {
  if (value === undefined || value === null) return null;
  const text = textOf(value);
  if (kind?.type === 'boolean') return text === 'T' || text === 'true';
  if (kind?.type === 'number') return exactNumber(text);
  return text;
}

/** `.5` and `-.5` are no JSON; what is no number at all stays what it is. */
function exactNumber(text: string): FieldValue {
  const full = text.replace(/^(-?)\./, '$10.');
  return /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/.test(full) ? (parseExactJson(full) as number | string) : text;
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : typeof value === 'number' ? String(value) : '';
}

function literal(value: FieldValue, kind: Kind | undefined): string[] {
  if (value === null || value === '') return [];
  if (typeof value === 'boolean') return [value ? `'T'` : `'F'`];
  if (typeof value === 'number') return [String(value)];
  if (typeof value !== 'string') return [];
  if (kind?.type === 'number') return /^-?\d+(\.\d+)?$/.test(value) ? [value] : [];
  return [quote(value)];
}

function quote(text: string): string {
  return `'${text.replaceAll(`'`, `''`)}'`;
}
