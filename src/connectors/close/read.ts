import { Fault } from '../../model/fault.ts';
import type { FieldValue, RemoteRecord } from '../../model/record.ts';
import type { Cursor, IdsAnswer, IdsRequest, KeyAnswer, KeyRequest, Page, PageRequest, Session } from '../connector.ts';
import { createCloseClient, type CloseClient, type CloseEvents, type CloseRow, type Query } from './client.ts';
import { propertiesOf, toRecord } from './fields.ts';
import { fieldOf, searchAll, searchFrom, type Search } from './search.ts';
import type { CloseSettings } from './settings.ts';
import { CLOSE_TABLES, columnOf, type CloseTable } from './tables.ts';
import { listAll, listWindow, type Window } from './windows.ts';

/** The event log forgets after 30 days. */
const MEMORY = 29 * 86_400_000;
const EVENTS_PER_PAGE = 50;
const IDS = /^[A-Za-z]+_[A-Za-z0-9]+$/;

export function tableNamed(name: string): CloseTable {
  const table = CLOSE_TABLES.find((one) => one.name === name);
  if (table !== undefined) return table;
  throw new Fault('TABLE_MISSING', `Close has no table "${name}".`, {
    suggestion: `Use one of: ${CLOSE_TABLES.map((one) => one.name).join(', ')}.`,
  });
}

/** Where a read is: first the records, then, in a read of changes, the events that name what is gone. */
interface Place {
  readonly began: string;
  readonly since: string | null;
  readonly step: 'records' | 'events';
  readonly from: string | null;
  readonly width: number | null;
  readonly cursor: string | null;
}

interface Step {
  readonly rows: readonly CloseRow[];
  readonly gone: readonly string[];
  readonly next: Partial<Place> | null;
  readonly at: number;
  readonly wait?: number;
}

interface Reading extends Search {
  readonly table: CloseTable;
}

export async function readPage(session: Session<CloseSettings>, request: PageRequest): Promise<Page> {
  const table = tableNamed(request.table);
  if (request.filter !== null) {
    throw new Fault('SETTINGS_INVALID', `Tables of Close take no filter, but "${table.name}" is mapped with one.`, {
      suggestion: 'Map it again without the filter.',
    });
  }
  const { settings } = session;
  const client = createCloseClient(session);
  const reading: Reading = {
    client,
    table,
    properties: propertiesOf(table, request.columns),
    limit: Math.max(2, Math.min(request.limit, settings.records_per_page)),
  };
  const place = placeOf(request, table);
  if (place.since !== null && place.began === '' && Date.parse(place.since) < session.now() - MEMORY) {
    throw new Fault('CURSOR_EXPIRED', `Close forgets events after 30 days; the last read of "${table.name}" is older.`);
  }
  const { rows, gone, next, at, wait } = await nextStep(reading, place);
  const began = place.began || new Date(at).toISOString();
  const { since } = place;
  return {
    records: recordsOf(table, rows, request.columns, settings),
    gone,
    next: next === null ? endOf(table, began) : cursorOf({ ...next, began, since }),
    complete: next === null,
    ...(wait === undefined ? {} : { wait }),
    askedFor: request.askedFor,
  };
}

/** Every record has its times; one without them shows that the app left out what was asked for. */
function recordsOf(
  table: CloseTable,
  rows: readonly CloseRow[],
  columns: readonly string[],
  { amounts }: CloseSettings,
): RemoteRecord[] {
  return rows.map((row) => {
    if (table.read !== 'whole' && typeof row['date_updated'] !== 'string') {
      throw new Fault('BAD_RESPONSE', `The record ${row.id} of "${table.name}" came without its fields.`);
    }
    return toRecord(table, row, columns, amounts);
  });
}

function placeOf({ mode, after }: PageRequest, { read }: CloseTable): Place {
  const text = (name: string): string | null => (typeof after?.[name] === 'string' ? after[name] : null);
  const inside = text('step') !== null;
  const since = read !== 'whole' && (inside || mode === 'changes') ? text('since') : null;
  const width = after?.['width'];
  return {
    began: inside ? (text('began') ?? '') : '',
    since,
    step: text('step') === 'events' || (!inside && since !== null && read === 'events') ? 'events' : 'records',
    from: text('from'),
    width: typeof width === 'number' ? width : null,
    cursor: text('cursor'),
  };
}

function cursorOf({
  began = '',
  since = null,
  step = 'records',
  from = null,
  width = null,
  cursor = null,
}: Partial<Place>): Cursor {
  return { began, since, step, from, width, cursor };
}

/** A read of changes begins where this one began; what cannot show changes is read anew. */
function endOf({ read }: CloseTable, began: string): Cursor | null {
  return read === 'whole' ? null : { since: began };
}

async function nextStep(reading: Reading, place: Place): Promise<Step> {
  if (place.step === 'events') return eventsOf(reading, place);
  const afterRecords: Partial<Place> | null = place.since === null ? null : { step: 'events' };
  switch (reading.table.read) {
    case 'whole':
      return { rows: await listAll(reading), gone: [], next: null, at: 0 };
    case 'search': {
      const column = place.since === null ? 'date_created' : 'date_updated';
      const span = await searchFrom(reading, column, place.from ?? beginning(reading, place));
      const next = span.next === null ? afterRecords : { from: span.next };
      return { ...span, gone: [], next };
    }
    case 'window':
    case 'events': {
      const column = place.since === null ? 'date_created' : 'date_updated';
      const { rows, next, at } = await listWindow(reading, column, windowOf(reading, place));
      return {
        rows,
        gone: [],
        next: next === null ? afterRecords : { from: new Date(next.from).toISOString(), width: next.width },
        at,
      };
    }
  }
}

function beginning({ client }: Reading, { since }: Place): string | null {
  if (since === null) return null;
  return `${new Date(Date.parse(since) - client.settings.overlap).toISOString().slice(0, 19)}Z`;
}

function windowOf(reading: Reading, place: Place): Window {
  const from = place.from ?? beginning(reading, place);
  return { from: from === null ? 0 : Date.parse(from), width: place.width };
}

/** Newest first. Where there is no time of change, events also name what to read again. */
async function eventsOf(reading: Reading, place: Place): Promise<Step> {
  const { client, table, properties } = reading;
  const feed = table.read === 'events';
  const query: Query = {
    object_type: table.object,
    date_updated__gte: beginning(reading, place) ?? '',
    _limit: String(EVENTS_PER_PAGE),
    ...(place.cursor === null ? {} : { _cursor: place.cursor }),
  };
  const { data, at } = await askEvents(client, feed ? query : { ...query, action: 'deleted' });
  const events = data.data.filter((one) => one.object_type === table.object);
  const gone = new Set(events.filter(({ action }) => action === 'deleted').map((one) => one.object_id));
  const touched = feed ? [...new Set(events.map((one) => one.object_id))].filter((id) => !gone.has(id)) : [];
  const shown = await Promise.all(touched.map((id) => client.get(table.path, id, fieldsOf(properties))));
  touched.forEach((id, index) => {
    if (shown[index] === null) gone.add(id);
  });
  return {
    rows: shown.filter((row) => row !== null),
    gone: [...gone],
    next: data.cursor_next ? { step: 'events', cursor: data.cursor_next } : null,
    at,
  };
}

/** Only some filters go together, and a place in the log may be forgotten: then more is read, never less. */
async function askEvents(client: CloseClient, query: Query): Promise<{ data: CloseEvents; at: number }> {
  try {
    return await client.events(query);
  } catch (problem) {
    if (!(problem instanceof Fault) || problem.facts.status !== 400) throw problem;
    const without = problem.facts.column === '_cursor' ? '_cursor' : 'action';
    if (query[without] === undefined) throw problem;
    return askEvents(client, Object.fromEntries(Object.entries(query).filter(([name]) => name !== without)));
  }
}

/** Many names make an address too long; then the whole record is asked for. */
function fieldsOf(properties: readonly string[]): Query {
  return properties.length > 60 ? {} : { _fields: properties.join(',') };
}

export async function readByIds(session: Session<CloseSettings>, request: IdsRequest): Promise<IdsAnswer> {
  const table = tableNamed(request.table);
  const client = createCloseClient(session);
  const properties = propertiesOf(table, request.columns);
  // What does not look like an id was never one here.
  const ids = request.ids.filter((id) => IDS.test(id));
  const all = table.read === 'whole' ? await listAll({ client, table, properties, limit: 100 }) : [];
  const rows =
    table.read === 'whole'
      ? all.filter(({ id }) => ids.includes(id))
      : (await Promise.all(ids.map((id) => client.get(table.path, id, fieldsOf(properties))))).filter(
          (row) => row !== null,
        );
  const records = recordsOf(table, rows, request.columns, session.settings);
  const found = new Set(records.map(({ id }) => id));
  return { records, missing: request.ids.filter((id) => !found.has(id)), askedFor: request.askedFor };
}

export async function findByKey(session: Session<CloseSettings>, request: KeyRequest): Promise<KeyAnswer> {
  const table = tableNamed(request.table);
  const { column } = request;
  if (!table.findBy.includes(column) && !(column.startsWith('custom.') && columnOf(table, column))) {
    throw new Fault('SETTINGS_INVALID', `Close cannot search "${table.name}" by "${column}".`, { column });
  }
  const columns = [...new Set([...request.columns, column])];
  const search: Search = {
    client: createCloseClient(session),
    table,
    properties: propertiesOf(table, columns),
    limit: session.settings.records_per_page,
  };
  const wanted = new Set(request.values.filter((value) => value !== null).map(textOf));
  const queries = [...wanted].map((value) => ({
    type: 'field_condition',
    field: fieldOf(table, column),
    condition: { type: 'text', mode: 'exact_value', value },
  }));
  const rows = queries.length === 0 ? [] : await searchAll(search, { type: 'or', queries });
  const records = recordsOf(table, rows, columns, session.settings)
    // A search may find more than was asked for.
    .filter(({ fields }) => wanted.has(textOf(fields[column] ?? null)));
  return { records, askedFor: request.askedFor };
}

function textOf(value: FieldValue): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
