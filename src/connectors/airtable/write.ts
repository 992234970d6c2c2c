import { Fault } from '../../model/fault.ts';
import type { CreateRow, DeleteRow, UpdateRow, WriteOutcome } from '../../model/write.ts';
import type { Session, WriteRequest } from '../connector.ts';
import { outcomesOf } from '../write-outcomes.ts';
import { createAirtableClient, type AirtableClient, type AirtableRecord, type AirtableTable } from './client.ts';
import { fieldNamed, toAirtable, toRecord } from './fields.ts';
import { readByIds, tableNamed } from './read.ts';
import type { AirtableSettings } from './settings.ts';

interface Work {
  readonly session: Session<AirtableSettings>;
  readonly client: AirtableClient;
  readonly table: AirtableTable;
}

/** One request for what is made, one for what is changed, one for what is removed: each is all or nothing. */
export async function writeBatch(
  session: Session<AirtableSettings>,
  { table: name, rows }: WriteRequest,
): Promise<readonly WriteOutcome[]> {
  const client = createAirtableClient(session);
  let table: AirtableTable;
  try {
    table = await tableNamed(client, name);
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return outcomesOf(rows, { ...error.facts, uncertain: false });
  }
  const work = { session, client, table };
  const outcomes: WriteOutcome[] = [];
  const bodies = new Map<string, Record<string, unknown>>();
  for (const row of rows) {
    if (row.op === 'delete') continue;
    try {
      bodies.set(row.ref, toAirtable(table, row.op === 'create' ? row.fields : row.changed));
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      outcomes.push({ ref: row.ref, result: 'refused', fault: error.facts });
    }
  }
  const good = rows.filter((row) => row.op === 'delete' || bodies.has(row.ref));
  for (const group of [
    ...byMergeField(
      session.settings,
      table,
      good.filter((row) => row.op === 'create'),
    ),
    { rows: good.filter((row) => row.op === 'update'), merge: undefined },
  ]) {
    if (group.rows.length > 0) outcomes.push(...(await save(work, group.rows, bodies, group.merge)));
  }
  const removed = good.filter((row) => row.op === 'delete');
  if (removed.length > 0) outcomes.push(...(await remove(work, removed)));
  const byRef = new Map(outcomes.map((outcome) => [outcome.ref, outcome]));
  return rows.flatMap(({ ref }) => byRef.get(ref) ?? []);
}

interface Group {
  readonly rows: readonly (CreateRow | UpdateRow)[];
  /** The field whose value tells whether the record is there already. */
  readonly merge: string | undefined;
}

const MERGEABLE: ReadonlySet<string> = new Set([
  'number',
  'singleLineText',
  'multilineText',
  'singleSelect',
  'multipleSelects',
  'date',
]);

/** With `upsert`, creates that have a key are merged by it; two of one request must not have the same key. */
function byMergeField({ upsert }: AirtableSettings, table: AirtableTable, rows: readonly CreateRow[]): Group[] {
  const groups: { rows: CreateRow[]; merge: string | undefined; keys: Set<string> }[] = [];
  for (const row of rows) {
    const field = upsert && row.correlation ? fieldNamed(table, row.correlation.column) : undefined;
    const merge = field && MERGEABLE.has(field.type) && row.correlation?.value !== null ? field.id : undefined;
    const key = JSON.stringify(row.correlation?.value ?? null);
    const group = groups.find((one) => one.merge === merge && (merge === undefined || !one.keys.has(key)));
    if (group === undefined) groups.push({ rows: [row], merge, keys: new Set([key]) });
    else {
      group.rows.push(row);
      group.keys.add(key);
    }
  }
  return groups;
}

async function save(
  { session, client, table }: Work,
  rows: readonly (CreateRow | UpdateRow)[],
  bodies: ReadonlyMap<string, Record<string, unknown>>,
  merge: string | undefined,
): Promise<readonly WriteOutcome[]> {
  const records = rows.map((row) => ({ ...(row.op === 'update' ? { id: row.id } : {}), fields: bodies.get(row.ref) }));
  const method = rows[0]?.op === 'create' && merge === undefined ? 'POST' : 'PATCH';
  try {
    const answer = await client.write(table.id, method, {
      records,
      returnFieldsByFieldId: true,
      ...(merge === undefined ? {} : { performUpsert: { fieldsToMergeOn: [merge] } }),
      ...(session.settings.typecast ? { typecast: true } : {}),
    });
    return rows.map((row, index) => written(table, row, answer[index]));
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    if (error.facts.code === 'MAPPING_FIELD_MISSING') session.memory.forget('schema');
    const [only] = rows;
    if (rows.length === 1 && only?.op === 'update' && error.facts.code === 'NOT_FOUND')
      return [{ ref: only.ref, result: 'not_found' }];
    return outcomesOf(rows, error.facts);
  }
}

function written(table: AirtableTable, row: CreateRow | UpdateRow, record: AirtableRecord | undefined): WriteOutcome {
  const { ref } = row;
  if (record === undefined) {
    const fault = new Fault('UNKNOWN_OUTCOME', 'The answer says nothing about this row.', { uncertain: true });
    return { ref, result: 'uncertain', fault: fault.facts };
  }
  const columns = Object.keys(row.op === 'create' ? row.fields : row.changed);
  return { ref, result: 'written', id: record.id, record: toRecord(table, record, columns) };
}

async function remove({ session, client, table }: Work, rows: readonly DeleteRow[]): Promise<readonly WriteOutcome[]> {
  try {
    await client.remove(
      table.id,
      rows.map(({ id }) => id),
    );
    return rows.map(({ ref, id }) => ({ ref, result: 'written', id }));
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    const [only] = rows;
    // For a record that is gone the app says 404, or that one may not: asked for by its id, it is missing.
    if (rows.length === 1 && only && ['NOT_FOUND', 'TABLE_MISSING'].includes(error.facts.code)) {
      const { missing } = await readByIds(session, { table: table.id, columns: [], ids: [only.id], askedFor: '0' });
      if (missing.includes(only.id)) return [{ ref: only.ref, result: 'not_found' }];
    }
    const code = rows.length > 1 && error.facts.code === 'TABLE_MISSING' ? 'NOT_FOUND' : error.facts.code;
    return outcomesOf(rows, { ...error.facts, code });
  }
}
