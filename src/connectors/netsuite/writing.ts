import { createHash } from 'node:crypto';
import { z } from 'zod';
import { Fault } from '../../model/fault.ts';
import type { Fields, FieldValue } from '../../model/record.ts';
import type { CreateRow, DeleteRow, UpdateRow, WriteOutcome, WriteRow } from '../../model/write.ts';
import type { HttpAnswer } from '../../runtime/http-client.ts';
import type { Session, WriteRequest } from '../connector.ts';
import { outcomesOf, settleAll } from '../write-outcomes.ts';
import { createNetsuiteClient, type NetsuiteClient } from './client.ts';
import { among, findExternal, isId } from './reading.ts';
import type { NetsuiteSettings } from './settings.ts';
import { kindsOf, knownSource, LINES, STOCK_TABLE, type Kind } from './tables.ts';

/** Without it NetSuite drops what it does not know and answers that all went well. */
const STRICT = { 'x-netsuite-propertynamevalidation': 'error' };

/** One record at a time, in order: NetSuite's batches are jobs whose partial failures are not described. */
export async function writeBatch(
  session: Session<NetsuiteSettings>,
  { table, rows }: WriteRequest,
): Promise<readonly WriteOutcome[]> {
  return settleAll(rows, async () => {
    const source = knownSource(table);
    if (!source.writable) {
      throw new Fault('SETTINGS_INVALID', `Tideway does not write the NetSuite table "${table}".`);
    }
    const client = createNetsuiteClient(session);
    const kinds = await kindsOf(client, table);
    const there = table === STOCK_TABLE ? await onHand(client, rows) : NO_STOCK;
    const outcomes: WriteOutcome[] = [];
    for (const [index, row] of rows.entries()) {
      try {
        outcomes.push(
          table === STOCK_TABLE
            ? await adjust(client, session.settings, row, there)
            : await writeRow(client, table, kinds, row, source.from),
        );
      } catch (error) {
        if (!(error instanceof Fault)) throw error;
        outcomes.push(...outcomesOf([row], error.facts));
        if (!stops(error)) continue;
        // These rows were never sent, whatever became of the one before them.
        const rest = outcomesOf(rows.slice(index + 1), { ...error.facts, uncertain: false });
        return [...outcomes, ...rest];
      }
    }
    return table === STOCK_TABLE ? seen(client, rows, outcomes) : outcomes;
  });
}

/** After these the next row would fare no better. */
function stops({ facts }: Fault): boolean {
  return (
    facts.code === 'AUTH_EXPIRED' ||
    facts.code === 'AUTH_REVOKED' ||
    facts.class === 'RATE_LIMIT' ||
    facts.class === 'NETWORK_ERROR'
  );
}

async function writeRow(
  client: NetsuiteClient,
  table: string,
  kinds: ReadonlyMap<string, Kind>,
  row: WriteRow,
  from: string,
): Promise<WriteOutcome> {
  const type = `/services/rest/record/v1/${encodeURIComponent(table)}`;
  if (row.op === 'create') return create(client, type, kinds, row, from);
  return change(client, type, kinds, row);
}

/**
 * A mapped external id is the user's own key: the record that has it is updated. Else the record gets a key made
 * of the attempt's, so that a create that is sent again meets the first one instead of making a second.
 */
async function create(
  client: NetsuiteClient,
  type: string,
  kinds: ReadonlyMap<string, Kind>,
  row: CreateRow,
  from: string,
): Promise<WriteOutcome> {
  const { externalId: given, ...fields } = row.fields;
  if (typeof given === 'string' && given !== '') {
    if (!/^[A-Za-z0-9_-]+$/.test(given)) {
      throw new Fault('VALUE_REFUSED', 'An external id of NetSuite has letters, digits, "_" and "-" only.', {
        column: 'externalId',
      });
    }
    const json = bodyOf(fields, kinds);
    const answer = await client.send(`${type}/eid:${given}`, { method: 'PUT', headers: STRICT, json });
    return { ref: row.ref, result: 'written', id: madeId(answer) };
  }
  const externalId = keyOf(row);
  const json = { ...bodyOf(fields, kinds), externalId };
  return once(client, row, from, externalId, async () =>
    madeId(await client.send(type, { method: 'POST', headers: STRICT, json })),
  );
}

async function once(
  client: NetsuiteClient,
  { ref }: WriteRow,
  from: string,
  externalId: string,
  make: () => Promise<string>,
): Promise<WriteOutcome> {
  try {
    return { ref, result: 'written', id: await make() };
  } catch (error) {
    if (!(error instanceof Fault) || error.facts.code !== 'DUPLICATE_REMOTE') throw error;
    const id = await findExternal(client, from, externalId);
    if (id === null) throw error;
    return { ref, result: 'written', id };
  }
}

async function change(
  client: NetsuiteClient,
  type: string,
  kinds: ReadonlyMap<string, Kind>,
  row: UpdateRow | DeleteRow,
): Promise<WriteOutcome> {
  const { ref, id } = row;
  if (!/^\d+$/.test(id)) return { ref, result: 'not_found' };
  try {
    const answer = await client.send(
      // Lines without their number would be added to those that are there.
      row.op === 'update' && LINES in row.changed && kinds.get(LINES)?.appType === 'lines'
        ? `${type}/${id}?replace=${LINES}`
        : `${type}/${id}`,
      row.op === 'delete'
        ? { method: 'DELETE' }
        : { method: 'PATCH', headers: STRICT, json: bodyOf(row.changed, kinds) },
    );
    if (answer.status !== 204) throw answer.fault('it is not the answer to a write', { code: 'BAD_RESPONSE' });
    return { ref, result: 'written', id };
  } catch (error) {
    if (error instanceof Fault && error.facts.code === 'NOT_FOUND') return { ref, result: 'not_found' };
    throw error;
  }
}

/** Stock is never set: the difference is booked, under a key that makes a second booking impossible. */
async function adjust(
  client: NetsuiteClient,
  settings: NetsuiteSettings,
  row: WriteRow,
  there: ReadonlyMap<string, number>,
): Promise<WriteOutcome> {
  const { adjustment_account: account, adjustment_subsidiary: subsidiary } = settings;
  if (row.op === 'delete') {
    throw new Fault('REQUEST_REFUSED', 'The stock of an item cannot be deleted in NetSuite.', {
      suggestion: 'Set its quantity to 0, or ignore deletions in this mapping.',
    });
  }
  if (account === undefined) {
    throw new Fault('SETTINGS_INVALID', 'Stock is changed by adjustments, which need an account to be booked to.', {
      suggestion: 'Set adjustment_account to the internal id of the adjustment account.',
    });
  }
  const id = stockId(row);
  if (id === null) {
    throw new Fault('VALUE_REFUSED', 'Stock needs the internal ids of its item and its location.', { column: 'item' });
  }
  const now = there.get(id) ?? 0;
  const externalId = keyOf(row);
  const before = row.op === 'create' ? now : numberOf(row.expected?.['quantityOnHand']);
  const after = numberOf((row.op === 'create' ? row.fields : row.changed)['quantityOnHand']);
  if (before !== now) {
    // Either our own booking, whose answer was lost, or somebody's: then the difference is to be found anew.
    const own = await findExternal(client, 'transaction', externalId);
    return own === null ? { ref: row.ref, result: 'conflict', current: null } : { ref: row.ref, result: 'written', id };
  }
  const delta = Number((after - before).toFixed(8));
  if (delta === 0) return { ref: row.ref, result: 'written', id };
  const [item, location] = id.split(':');
  const json = {
    externalId,
    account: { id: account },
    ...(subsidiary === undefined ? {} : { subsidiary: { id: subsidiary } }),
    adjLocation: { id: location },
    inventory: { items: [{ item: { id: item }, location: { id: location }, adjustQtyBy: delta }] },
  };
  await once(client, row, 'transaction', externalId, async () =>
    madeId(
      await client.send('/services/rest/record/v1/inventoryAdjustment', { method: 'POST', headers: STRICT, json }),
    ),
  );
  return { ref: row.ref, result: 'written', id };
}

/** Without the quantity that Tideway last saw there is no difference to book, and a guess would be an accounting entry. */
function numberOf(quantity: FieldValue | undefined): number {
  const number = typeof quantity === 'number' || typeof quantity === 'string' ? Number(quantity) : Number.NaN;
  if (Number.isFinite(number) && quantity !== '') return number;
  throw new Fault('VALUE_REFUSED', 'An adjustment needs the new quantity on hand and the one last seen.', {
    column: 'quantityOnHand',
    suggestion: 'Give quantityOnHand a number and the conflict policy "delta".',
  });
}

function keyOf({ idempotencyKey }: WriteRow): string {
  return `tideway-${createHash('sha256').update(idempotencyKey).digest('hex').slice(0, 32)}`;
}

/** The answer to a create is empty: the new record's id stands at the end of an address. */
function madeId(answer: HttpAnswer): string {
  const id = /\/(\d+)$/.exec(answer.headers['location'] ?? '')?.[1];
  if (answer.status === 204 && id !== undefined) return id;
  throw answer.fault('it does not say which record was made', { code: 'BAD_RESPONSE', uncertain: true });
}

function bodyOf(fields: Fields, kinds: ReadonlyMap<string, Kind>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).map(([column, value]) => [column, sent(column, value, kinds.get(column))]),
  );
}

const line = z.object({
  item: z.union([z.string(), z.number()]).transform(String),
  quantity: z.coerce.number(),
  rate: z.coerce.number().optional(),
});

/** A sale is written with all of its lines or not at all. */
function linesOf(value: FieldValue): unknown {
  const lines = z.array(line).safeParse(value ?? []);
  if (!lines.success) {
    throw new Fault(
      'VALUE_REFUSED',
      'The lines of a sale are a list such as [{"item": "12", "quantity": 2, "rate": 9.5}].',
      {
        column: LINES,
      },
    );
  }
  return { items: lines.data.map(({ item, ...rest }) => ({ item: { id: item }, ...rest })) };
}

function sent(column: string, value: FieldValue, kind: Kind | undefined): unknown {
  if (kind?.appType === 'lines') return linesOf(value);
  if (value === null) return null;
  if (kind?.appType === 'reference') return { id: typeof value === 'number' ? String(value) : value };
  if (kind?.appType !== 'number' || typeof value === 'number') return value;
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : Number.NaN;
  if (Number.isFinite(number)) return number;
  throw new Fault('VALUE_REFUSED', `"${column}" is a number in NetSuite, and the value is none.`, { column });
}

function partOf(value: FieldValue | undefined): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}

const NO_STOCK: ReadonlyMap<string, number> = new Map();

/** Null where the row does not say which item it is at which location. */
function stockId(row: WriteRow): string | null {
  const id = row.op === 'create' ? [row.fields['item'], row.fields['location']].map(partOf).join(':') : row.id;
  return isId(id, knownSource(STOCK_TABLE)) ? id : null;
}

/** What is there of the items of these rows; an item that Tideway has not linked may have stock already. */
async function onHand(client: NetsuiteClient, rows: readonly WriteRow[]): Promise<ReadonlyMap<string, number>> {
  const source = knownSource(STOCK_TABLE);
  const ids = [...new Set(rows.flatMap((row) => stockId(row) ?? []))];
  if (ids.length === 0) return NO_STOCK;
  const q = `SELECT t.item AS i, t.location AS l, t.quantityonhand AS q FROM ${source.from} t WHERE ${among(source, ids)} ORDER BY t.item, t.location`;
  const { items } = await client.query(q, ids.length);
  return new Map(items.map((row) => [`${String(row['i'])}:${String(row['l'])}`, Number(row['q'] ?? 0)]));
}

/**
 * What is there now is what was written, unless somebody booked too: that is for the next read to tell. So the next
 * change of these rows need not wait for a read.
 */
async function seen(
  client: NetsuiteClient,
  rows: readonly WriteRow[],
  outcomes: readonly WriteOutcome[],
): Promise<readonly WriteOutcome[]> {
  const booked = rows.filter((_, index) => outcomes[index]?.result === 'written');
  let there: ReadonlyMap<string, number>;
  try {
    there = await onHand(client, booked);
  } catch (error) {
    if (error instanceof Fault) return outcomes;
    throw error;
  }
  return outcomes.map((outcome, index) => {
    const row = rows[index];
    if (outcome.result !== 'written' || row === undefined || row.op === 'delete') return outcome;
    const { quantityOnHand: wanted } = row.op === 'create' ? row.fields : row.changed;
    const fields = row.op === 'create' ? row.fields : row.changed;
    return (there.get(outcome.id) ?? 0) === Number(wanted)
      ? { ...outcome, record: { id: outcome.id, fields } }
      : outcome;
  });
}
