import { Fault } from '../../model/fault.ts';
import type { Fields } from '../../model/record.ts';
import type { UpdateRow, WriteOutcome, WriteRow } from '../../model/write.ts';
import type { Session, WriteRequest } from '../connector.ts';
import { outcomesOf } from '../write-outcomes.ts';
import { createCloseClient, type CloseClient, type CloseRow } from './client.ts';
import { checkNew, needsPresent, toBody, toRecord, type Amounts } from './fields.ts';
import { tableNamed } from './read.ts';
import type { CloseSettings } from './settings.ts';
import type { CloseTable } from './tables.ts';

interface Work {
  readonly client: CloseClient;
  readonly table: CloseTable;
  readonly amounts: Amounts;
}

/** The app writes one record a request; as many are under way as the connection allows. */
export async function writeBatch(
  session: Session<CloseSettings>,
  { table: name, rows }: WriteRequest,
): Promise<readonly WriteOutcome[]> {
  const table = tableNamed(name);
  if (!table.writable) {
    throw new Fault('SETTINGS_INVALID', `"${table.name}" of Close can only be read; map it with direction pull.`);
  }
  const work: Work = { client: createCloseClient(session), table, amounts: session.settings.amounts };
  return (await Promise.all(rows.map((row) => settle(work, row)))).flat();
}

async function settle(work: Work, row: WriteRow): Promise<WriteOutcome[]> {
  try {
    return [await write(work, row)];
  } catch (problem) {
    if (!(problem instanceof Fault)) throw problem;
    return outcomesOf([row], problem.facts);
  }
}

async function write(work: Work, row: WriteRow): Promise<WriteOutcome> {
  const { client, table, amounts } = work;
  const { ref } = row;
  if (row.op === 'update') return update(work, row);
  if (row.op === 'delete') {
    const removed = await client.remove(table.path, row.id);
    return removed ? { ref, result: 'written', id: row.id } : { ref, result: 'not_found' };
  }
  checkNew(table, row.fields);
  const body = toBody(table, row.fields, amounts);
  const made = await client.create(table.path, table.object === 'task.lead' ? { ...body, _type: 'lead' } : body);
  return written(work, ref, made, row.fields);
}

/** Once it is written, nothing in the answer can make it unwritten: what cannot be understood is read again. */
function written({ table, amounts }: Work, ref: string, row: CloseRow, fields: Fields): WriteOutcome {
  try {
    const record = toRecord(table, row, Object.keys(fields), amounts);
    return { ref, result: 'written', id: row.id, record };
  } catch (problem) {
    if (!(problem instanceof Fault)) throw problem;
    return { ref, result: 'written', id: row.id };
  }
}

async function update(work: Work, { ref, id, changed }: UpdateRow): Promise<WriteOutcome> {
  const { client, table, amounts } = work;
  let present;
  if (needsPresent(table, changed)) {
    present = await client.get(table.path, id, {});
    if (present === null) return { ref, result: 'not_found' };
  }
  const shown = await client.update(table.path, id, toBody(table, changed, amounts, present));
  if (shown === null) return { ref, result: 'not_found' };
  return written(work, ref, shown, changed);
}
