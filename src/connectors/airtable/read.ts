import { Fault } from '../../model/fault.ts';
import type { FieldValue, RemoteRecord } from '../../model/record.ts';
import type { IdsAnswer, IdsRequest, KeyAnswer, KeyRequest, Page, PageRequest, Session } from '../connector.ts';
import { createAirtableClient, type AirtableClient, type AirtableTable } from './client.ts';
import { fieldNamed, kindOf, toRecord } from './fields.ts';
import type { AirtableSettings } from './settings.ts';
import { HOOK_ID } from './webhook.ts';

const PER_PAGE = 100;

export async function tableNamed(client: AirtableClient, name: string): Promise<AirtableTable> {
  const find = (tables: readonly AirtableTable[]): AirtableTable | undefined =>
    tables.find(({ id }) => id === name) ?? tables.find((table) => table.name === name);
  const found = find(await client.schema()) ?? find(await client.schema(true));
  if (found !== undefined) return found;
  throw new Fault('TABLE_MISSING', `The base has no table "${name}".`, {
    suggestion: 'Call tideway.discover(...) and map the table by its id, which no renaming changes.',
  });
}

/** Where a read is; `since` is null for a read of everything. */
interface Place {
  readonly since: string | null;
  readonly began: string | null;
  readonly offset: string | null;
  /** The number of the first webhook payload that the next read of changes must look at. */
  readonly payload: number | null;
}

export async function readPage(session: Session<AirtableSettings>, request: PageRequest): Promise<Page> {
  const client = createAirtableClient(session);
  const table = await tableNamed(client, request.table);
  const place = placeOf(request);
  const beginning = place.offset === null;
  // Read before the records: what is deleted from here on is named by a later payload.
  const payload = beginning && place.since === null ? await nextPayload(client, session) : place.payload;
  const body = {
    fields: request.columns.map((column) => fieldNamed(table, column).id),
    pageSize: Math.max(1, Math.min(request.limit, PER_PAGE)),
    returnFieldsByFieldId: true,
    ...(place.offset === null ? {} : { offset: place.offset }),
  };
  const after =
    place.since === null ? null : new Date(Date.parse(place.since) - session.settings.overlap).toISOString();
  const { records, offset, at } = await listChanged(client, table, body, request.filter, after);
  const began = place.began ?? new Date(at).toISOString();
  const complete = offset === undefined;
  const deletions = complete && place.since !== null ? await deletedSince(client, session, table, payload) : undefined;
  return {
    records: records.map((record) => toRecord(table, record, request.columns)),
    gone: deletions?.ids ?? [],
    next: complete
      ? { since: began, payload: deletions === undefined ? payload : deletions.next }
      : { since: place.since, began, payload, offset },
    complete,
    askedFor: request.askedFor,
  };
}

function placeOf({ mode, after: cursor }: PageRequest): Place {
  const text = (name: string): string | null => (typeof cursor?.[name] === 'string' ? cursor[name] : null);
  const payload = cursor?.['payload'];
  const offset = text('offset');
  return {
    since: mode === 'changes' || offset !== null ? text('since') : null,
    began: offset === null ? null : text('began'),
    offset,
    payload: typeof payload === 'number' ? payload : null,
  };
}

/** A new record that nobody has edited may have no time of change, only one of creation. */
async function listChanged(
  client: AirtableClient,
  table: AirtableTable,
  body: Readonly<Record<string, unknown>>,
  filter: string | null,
  after: string | null,
): ReturnType<AirtableClient['list']> {
  if (after === null)
    return client.list(table.id, { ...body, ...(filter === null ? {} : { filterByFormula: filter }) });
  const modified = `IS_AFTER(LAST_MODIFIED_TIME(), '${after}')`;
  const changed = `OR(${modified}, IS_AFTER(CREATED_TIME(), '${after}'))`;
  const formula = (part: string): string => (filter === null ? part : `AND(${filter}, ${part})`);
  return client.list(table.id, { ...body, filterByFormula: formula(changed) });
}

async function nextPayload(client: AirtableClient, session: Session<AirtableSettings>): Promise<number | null> {
  const id = await session.tokens.load(HOOK_ID);
  if (id === null) return null;
  const hook = (await client.hooks()).find((one) => one.id === id);
  return hook?.cursorForNextPayload ?? null;
}

/** Deletions appear in webhook payloads only; without a webhook, or when its payloads are gone, the sweep finds them. */
async function deletedSince(
  client: AirtableClient,
  session: Session<AirtableSettings>,
  table: AirtableTable,
  from: number | null,
): Promise<{ ids: string[]; next: number | null }> {
  const id = await session.tokens.load(HOOK_ID);
  if (id === null) return { ids: [], next: null };
  if (from === null) return { ids: [], next: await nextPayload(client, session) };
  const ids = new Set<string>();
  let cursor = from;
  try {
    for (;;) {
      const { payloads, cursor: next, mightHaveMore } = await client.payloads(id, cursor);
      if (payloads.some(({ error }) => error === true)) return { ids: [], next: null };
      for (const { changedTablesById } of payloads)
        for (const gone of changedTablesById?.[table.id]?.destroyedRecordIds ?? []) ids.add(gone);
      const moved = next > cursor;
      cursor = next;
      if (!mightHaveMore || !moved) return { ids: [...ids], next: cursor };
    }
  } catch (error) {
    // A webhook that was removed or has expired.
    if (error instanceof Fault && ['NOT_FOUND', 'TABLE_MISSING', 'REQUEST_REFUSED'].includes(error.facts.code)) {
      return { ids: [], next: null };
    }
    throw error;
  }
}

export async function readByIds(session: Session<AirtableSettings>, request: IdsRequest): Promise<IdsAnswer> {
  const client = createAirtableClient(session);
  const table = await tableNamed(client, request.table);
  // What is no id of a record has never been one; nothing else may stand in the formula.
  const known = request.ids.filter((id) => /^rec\w+$/.test(id));
  const records: RemoteRecord[] = [];
  for (let at = 0; at < known.length; at += PER_PAGE) {
    const part = known.slice(at, at + PER_PAGE);
    const formula = part.map((id) => `RECORD_ID()='${id}'`).join(',');
    records.push(...(await listAll(client, table, part.length > 1 ? `OR(${formula})` : formula, request.columns)));
  }
  const found = new Set(records.map(({ id }) => id));
  return { records, missing: request.ids.filter((id) => !found.has(id)), askedFor: request.askedFor };
}

export async function findByKey(session: Session<AirtableSettings>, request: KeyRequest): Promise<KeyAnswer> {
  const client = createAirtableClient(session);
  const table = await tableNamed(client, request.table);
  const field = fieldNamed(table, request.column);
  const columns = [...new Set([...request.columns, request.column])];
  const values = [...new Set(request.values.filter((value) => value !== null).map(textOf))];
  const numeric = kindOf(field).type === 'number';
  const wanted = numeric ? values.filter((value) => /^-?\d+(\.\d+)?$/.test(value)) : values;
  const name = `{${field.name.replaceAll(/[\\{}]/g, '\\$&')}}`;
  const records: RemoteRecord[] = [];
  for (let at = 0; at < wanted.length; at += PER_PAGE) {
    const tests = wanted.slice(at, at + PER_PAGE).map((value) => `${name}=${numeric ? value : quoted(value)}`);
    const formula = tests.length > 1 ? `OR(${tests.join(',')})` : (tests[0] ?? '');
    const found = await listAll(client, table, formula, columns);
    // A formula compares with less care than we do.
    records.push(...found.filter(({ fields }) => wanted.includes(textOf(fields[request.column] ?? null))));
  }
  return { records, askedFor: request.askedFor };
}

async function listAll(
  client: AirtableClient,
  table: AirtableTable,
  formula: string,
  columns: readonly string[],
): Promise<RemoteRecord[]> {
  const records: RemoteRecord[] = [];
  let offset: string | undefined;
  do {
    const page = await client.list(table.id, {
      fields: columns.map((column) => fieldNamed(table, column).id),
      filterByFormula: formula,
      pageSize: PER_PAGE,
      returnFieldsByFieldId: true,
      ...(offset === undefined ? {} : { offset }),
    });
    records.push(...page.records.map((record) => toRecord(table, record, columns)));
    offset = page.offset;
  } while (offset !== undefined);
  return records;
}

function textOf(value: FieldValue): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function quoted(text: string): string {
  return `'${text.replaceAll(/[\\']/g, '\\$&').replaceAll('\n', '\\n').replaceAll('\r', '\\r').replaceAll('\t', '\\t')}'`;
}
