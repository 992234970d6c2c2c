import { Fault } from '../../model/fault.ts';
import type { FieldValue, RemoteRecord } from '../../model/record.ts';
import type { IdsAnswer, IdsRequest, KeyAnswer, KeyRequest, Page, PageRequest, Session } from '../connector.ts';
import { createOdooClient, type OdooClient, type OdooRecord } from './client.ts';
import { columnsOf, fieldsToRead, toRecord } from './records.ts';
import type { OdooSettings } from './settings.ts';
import { fromOdoo, toId, toOdoo } from './values.ts';

/**
 * Pages are cut by id, never by offset or write date: an id stays where it is whatever happens to other records.
 * A read of changes takes every record written since a moment well before the last read began: transactions that
 * were still open then carry an older write date than records that were already seen, and write dates hide
 * microseconds that order and compare differently from one version of Odoo to the next.
 */
export async function readPage(session: Session<OdooSettings>, request: PageRequest): Promise<Page> {
  const client = createOdooClient(session);
  const place = placeOf(request);
  const columns = await columnsOf(client, request.table, request.columns);
  const domain = [...(place.from === null ? [] : [['write_date', '>=', place.from]]), ...filterOf(request)];
  const counts = place.id === null && place.from === null;
  const total = counts ? await client.count(request.table, domain) : place.total;
  const { records, answer } = await client.search(
    request.table,
    [...domain, ['id', '>', place.id ?? 0]],
    // One more than fits: only a page with no successor is the last.
    { fields: fieldsToRead(columns, request.columns), limit: request.limit + 1 },
  );
  checkOrder(records, place.id ?? 0);
  if (records.length > request.limit + 1)
    throw answer.fault('more records came than were asked for', { code: 'BAD_RESPONSE' });
  const complete = records.length <= request.limit;
  const page = records.slice(0, request.limit);
  const began = place.began ?? odooTime(serverNow(answer.headers, session) - session.settings.overlap);
  const gone = page.filter((row) => isArchived(session, row));
  return {
    records: page.filter((row) => !gone.includes(row)).map((row) => toRecord(row, columns, request.columns)),
    gone: place.from === null ? [] : gone.map(({ id }) => String(id)),
    next: complete
      ? Object.hasOwn(columns, 'write_date')
        ? { since: began }
        : null
      : { from: place.from, began, total, id: page.at(-1)?.id ?? 0 },
    complete,
    ...(total === null ? {} : { total }),
    askedFor: request.askedFor,
  };
}

interface Place {
  /** Records written since then, in Odoo's own words; null for a read of everything. */
  readonly from: string | null;
  /** Where the next read of changes begins. */
  readonly began: string | null;
  readonly total: number | null;
  /** The last id that was read. */
  readonly id: number | null;
}

function placeOf({ mode, after }: PageRequest): Place {
  const id = after?.['id'];
  if (after && typeof id === 'number') {
    const total = after['total'];
    return {
      from: text(after['from']),
      began: text(after['began']),
      total: typeof total === 'number' ? total : null,
      id,
    };
  }
  return { from: mode === 'changes' ? text(after?.['since']) : null, began: null, total: null, id: null };
}

function text(value: FieldValue | undefined): string | null {
  return typeof value === 'string' ? value : null;
}

/** The server's clock stamps the write dates, so it also says when a read began. */
function serverNow(headers: Readonly<Record<string, string>>, session: Session<OdooSettings>): number {
  const time = Date.parse(headers['date'] ?? '');
  return Number.isNaN(time) ? session.now() : time;
}

function odooTime(time: number): string {
  return new Date(time).toISOString().slice(0, 19).replace('T', ' ');
}

function filterOf({ filter, table }: PageRequest): readonly unknown[] {
  if (filter === null) return [];
  try {
    const domain: unknown = JSON.parse(filter);
    if (Array.isArray(domain)) return domain as readonly unknown[];
  } catch {
    // Reported below, as for JSON that is no list.
  }
  throw new Fault('SETTINGS_INVALID', `The filter of "${table}" is no Odoo domain in JSON.`, {
    suggestion:
      'Write it like [["is_company", "=", true]]: double quotes, lists for tuples, true and false in lower case.',
  });
}

/** A page out of order could hide records behind the next cursor. */
function checkOrder(records: readonly OdooRecord[], after: number): void {
  records.reduce((last, { id }) => {
    if (id <= last) throw new Fault('BAD_RESPONSE', 'Odoo showed records that are not in the order of their ids.');
    return id;
  }, after);
}

function isArchived({ settings }: Session<OdooSettings>, row: OdooRecord): boolean {
  return settings.archived === 'deleted' && row['active'] === false;
}

export async function readByIds(session: Session<OdooSettings>, request: IdsRequest): Promise<IdsAnswer> {
  const { table, columns: names, ids, askedFor } = request;
  const client = createOdooClient(session);
  const columns = await columnsOf(client, table, names);
  const wanted = ids.flatMap((id) => toId(id) ?? []);
  const fields = fieldsToRead(columns, names);
  const { rows, unknown } =
    wanted.length === 0 ? { rows: [], unknown: [] } : await readKnown(client, table, wanted, fields);
  const shown = rows.filter((row) => !isArchived(session, row));
  const there = new Set([...shown.map(({ id }) => id), ...unknown]);
  return {
    records: shown.map((row) => toRecord(row, columns, names)),
    missing: ids.filter((id) => !there.has(toId(id) ?? 0)),
    askedFor,
  };
}

/**
 * `read` leaves out what does not exist, and refuses everything when a single record is barred from the user.
 * What is barred exists: it is neither shown nor gone.
 */
export async function readKnown(
  client: OdooClient,
  model: string,
  ids: readonly number[],
  fields: readonly string[],
): Promise<{ rows: readonly OdooRecord[]; unknown: readonly number[] }> {
  try {
    return { rows: await client.read(model, ids, fields), unknown: [] };
  } catch (error) {
    if (!(error instanceof Fault) || !['PERMISSION_DENIED', 'NOT_FOUND'].includes(error.facts.code)) throw error;
    const [only] = ids;
    if (ids.length === 1 && only !== undefined) {
      if (error.facts.code === 'NOT_FOUND') return { rows: [], unknown: [] };
      // Barred from one record, or from the whole model? The search of a model without access fails as well.
      await client.search(model, [['id', '=', only]], { fields: [], limit: 1 });
      return { rows: [], unknown: [only] };
    }
    const half = Math.ceil(ids.length / 2);
    const first = await readKnown(client, model, ids.slice(0, half), fields);
    const second = await readKnown(client, model, ids.slice(half), fields);
    return { rows: [...first.rows, ...second.rows], unknown: [...first.unknown, ...second.unknown] };
  }
}

const FIND_LIMIT = 500;

export async function findByKey(session: Session<OdooSettings>, request: KeyRequest): Promise<KeyAnswer> {
  const { table, columns: names, column, values, askedFor } = request;
  const client = createOdooClient(session);
  const columns = await columnsOf(client, table, [...names, column]);
  const info = columns[column] ?? { type: 'char' };
  const wanted = values.flatMap((value) => searched(column, info.type, value));
  const found: RemoteRecord[] = [];
  for (let after = 0, more = wanted.length > 0; more;) {
    const domain = [
      [column, 'in', wanted],
      ['id', '>', after],
    ];
    const { records } = await client.search(table, domain, {
      fields: fieldsToRead(columns, [...names, column]),
      limit: FIND_LIMIT,
    });
    checkOrder(records, after);
    for (const row of records) {
      // Some fields are searched in another form than they are shown; what does not have the value is not found.
      const same = column === 'id' || isSame(info.type, row[column], wanted);
      if (same && !isArchived(session, row)) found.push(toRecord(row, columns, names));
    }
    after = records.at(-1)?.id ?? after;
    more = records.length === FIND_LIMIT;
  }
  return { records: found, askedFor };
}

/** A value that the column cannot have is in no record; it must not keep the others from being found. */
function searched(column: string, type: string, value: FieldValue): unknown[] {
  try {
    return value === null ? [] : [toOdoo(column, { type }, value)];
  } catch (error) {
    if (error instanceof Fault) return [];
    throw error;
  }
}

function isSame(type: string, shown: unknown, wanted: readonly unknown[]): boolean {
  const value = fromOdoo(type, shown);
  return wanted.some((one) => String(one) === value || one === value);
}
