import { createHash } from 'node:crypto';
import { Fault } from '../../model/fault.ts';
import type { Fields, FieldValue } from '../../model/record.ts';
import type { CreateRow, DeleteRow, UpdateRow, WriteOutcome, WriteRow } from '../../model/write.ts';
import type { HttpAnswer } from '../../runtime/http-client.ts';
import type { Session, WriteRequest } from '../connector.ts';
import { outcomesOf, settleAll } from '../write-outcomes.ts';
import { createNetsuiteClient, type NetsuiteClient } from './client.ts';
import { findExternal, isId } from './reading.ts';
import type { NetsuiteSettings } from './settings.ts';
import { kindsOf, knownSource, STOCK_TABLE, type Kind } from './tables.ts';

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
    const outcomes: WriteOutcome[] = [];
    for (const [index, row] of rows.entries()) {
      try {
        outcomes.push(
          table === STOCK_TABLE
            ? await adjust(client, session.settings, row)
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
    return outcomes;
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
      `${type}/${id}`,
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
async function adjust(client: NetsuiteClient, settings: NetsuiteSettings, row: WriteRow): Promise<WriteOutcome> {
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
  const changed = row.op === 'create' ? row.fields : row.changed;
  const id = row.op === 'update' ? row.id : [changed['item'], changed['location']].map(partOf).join(':');
  if (!isId(id, knownSource(STOCK_TABLE))) {
    throw new Fault('VALUE_REFUSED', 'Stock needs the internal ids of its item and its location.', { column: 'item' });
  }
  const before = row.op === 'create' ? await onHand(client, id) : row.expected?.['quantityOnHand'];
  const delta = difference(changed['quantityOnHand'], before);
  const [item, location] = id.split(':');
  const externalId = keyOf(row);
  if (delta === 0) return { ref: row.ref, result: 'written', id };
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
function difference(after: FieldValue | undefined, before: FieldValue | undefined): number {
  if (after === undefined || after === null || before === undefined || before === null) {
    throw new Fault('VALUE_REFUSED', 'An adjustment needs the new quantity on hand and the one last seen.', {
      column: 'quantityOnHand',
      suggestion: 'Give quantityOnHand a number and the conflict policy "delta".',
    });
  }
  const delta = Number((Number(after) - Number(before)).toFixed(8));
  if (Number.isFinite(delta)) return delta;
  throw new Fault('VALUE_REFUSED', 'The quantity on hand is not a number.', { column: 'quantityOnHand' });
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

function sent(column: string, value: FieldValue, kind: Kind | undefined): unknown {
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

/** An item that Tideway has not linked may have stock there already. */
async function onHand(client: NetsuiteClient, id: string): Promise<FieldValue> {
  const [item = '', location = ''] = id.split(':');
  const q = `SELECT t.quantityonhand AS q FROM aggregateitemlocation t WHERE t.item = ${item} AND t.location = ${location} ORDER BY t.item`;
  const [row] = (await client.query(q, 1)).items;
  return Number(row?.['q'] ?? 0);
}
