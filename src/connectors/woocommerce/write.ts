import { Fault, type FaultFacts } from '../../model/fault.ts';
import type { FieldValue } from '../../model/record.ts';
import type { CreateRow, DeleteRow, UpdateRow, WriteOutcome, WriteRow } from '../../model/write.ts';
import type { Session, WriteRequest } from '../connector.ts';
import { outcomesOf } from '../write-outcomes.ts';
import {
  codeOf,
  columnOfError,
  createWooClient,
  plainText,
  type BatchItem,
  type WooClient,
  type WooError,
} from './client.ts';
import { idOf, toBody, toRecord, type WooRow } from './fields.ts';
import { addresses, readRows, tableNamed, variationsPath } from './read.ts';
import type { WooSettings } from './settings.ts';
import type { WooTable } from './tables.ts';

interface Work {
  readonly client: WooClient;
  readonly table: WooTable;
  readonly path: string;
}

export async function writeBatch(
  session: Session<WooSettings>,
  { table: name, rows }: WriteRequest,
): Promise<readonly WriteOutcome[]> {
  const table = tableNamed(name);
  const client = createWooClient(session);
  const outcomes: WriteOutcome[] = [];
  for (const [path, part] of byPath(table, rows, outcomes)) {
    const work = { client, table, path };
    const toBin = table.trash && session.settings.deletes === 'trash';
    const inBatch = part.filter((row) => row.op !== 'delete' || !toBin);
    outcomes.push(...(await writeTogether(work, inBatch)));
    // A batch deletes for good; only a delete of its own moves a record to the bin.
    for (const row of part) if (row.op === 'delete' && toBin) outcomes.push(await moveToBin(work, row));
  }
  const byRef = new Map(outcomes.map((outcome) => [outcome.ref, outcome]));
  return rows.flatMap(({ ref }) => byRef.get(ref) ?? []);
}

/** Rows by the address they are written to; a row without one is refused at once. */
function byPath(table: WooTable, rows: readonly WriteRow[], refused: WriteOutcome[]): Map<string, WriteRow[]> {
  const groups = new Map<string, WriteRow[]>();
  for (const row of rows) {
    const path = pathOf(table, row);
    if (path instanceof Fault) refused.push({ ref: row.ref, result: 'refused', fault: path.facts });
    else if (path === undefined) refused.push({ ref: row.ref, result: 'not_found' });
    else groups.set(path, [...(groups.get(path) ?? []), row]);
  }
  return groups;
}

function pathOf(table: WooTable, row: WriteRow): string | Fault | undefined {
  if (!table.ofProduct) return row.op === 'create' || /^\d+$/.test(row.id) ? table.path : undefined;
  if (row.op !== 'create') return [...addresses(table, [row.id]).keys()][0];
  const product = row.fields['parent_id'];
  if (/^\d+$/.test(text(product))) return variationsPath(text(product));
  return new Fault('VALUE_REFUSED', 'A variation needs "parent_id", the number of its product.', {
    column: 'parent_id',
  });
}

function text(value: FieldValue | undefined): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}

async function writeTogether(work: Work, rows: readonly WriteRow[]): Promise<WriteOutcome[]> {
  if (rows.length === 0) return [];
  const { client, table, path } = work;
  const outcomes: WriteOutcome[] = [];
  const groups = { create: [] as CreateRow[], update: [] as UpdateRow[], delete: [] as DeleteRow[] };
  const bodies = { create: [] as unknown[], update: [] as unknown[], delete: [] as unknown[] };
  try {
    const present = await rowsThatLoseMeta(work, rows);
    for (const row of rows) {
      try {
        if (row.op === 'create') bodies.create.push(toBody(table, row.fields));
        else if (row.op === 'update')
          bodies.update.push({ id: numberOf(row), ...toBody(table, row.changed, present.get(numberOf(row))) });
        else bodies.delete.push(numberOf(row));
        (groups[row.op] as WriteRow[]).push(row);
      } catch (problem) {
        if (!(problem instanceof Fault)) throw problem;
        outcomes.push({ ref: row.ref, result: 'refused', fault: problem.facts });
      }
    }
  } catch (problem) {
    // Only read so far.
    if (!(problem instanceof Fault)) throw problem;
    return outcomesOf(rows, { ...problem.facts, uncertain: false });
  }
  const sent = [...groups.create, ...groups.update, ...groups.delete];
  if (sent.length === 0) return outcomes;

  let taken: { row: CreateRow; error: WooError }[] = [];
  try {
    const answer = await client.batch(
      path,
      Object.fromEntries(Object.entries(bodies).filter(([, list]) => list.length > 0)),
    );
    for (const op of ['create', 'update', 'delete'] as const) {
      groups[op].forEach((row, index) => {
        const item = answer[op][index];
        const error = errorOf(item);
        if (row.op === 'create' && error && isTaken(error)) taken.push({ row, error });
        else outcomes.push(outcomeOf(work, row, item));
      });
    }
  } catch (problem) {
    if (!(problem instanceof Fault)) throw problem;
    return [...outcomes, ...outcomesOf(sent, problem.facts)];
  }
  while (taken.length > 0) {
    const [one, ...rest] = taken;
    taken = rest;
    if (one) outcomes.push(await adopt(work, one.row, one.error));
  }
  return outcomes;
}

/** To take meta data away the app wants the number of its entry. */
async function rowsThatLoseMeta(
  { client, table, path }: Work,
  rows: readonly WriteRow[],
): Promise<Map<number, WooRow>> {
  const losing = rows.filter(
    (row) =>
      row.op === 'update' &&
      Object.entries(row.changed).some(([name, value]) => name.startsWith('meta:') && value === null),
  );
  const found = await readRows(client, table, path, losing.map(numberOf), ['meta_data']);
  return new Map(found.map((row) => [row.id, row]));
}

function numberOf(row: WriteRow): number {
  return row.op === 'create' ? 0 : Number(row.id.split('/').at(-1));
}

function errorOf(item: BatchItem | undefined): WooError | undefined {
  return item !== undefined && 'error' in item ? (item.error as WooError) : undefined;
}

/** A product in the bin holds its SKU. */
function isInBin({ code, message }: WooError): boolean {
  return code === 'woocommerce_rest_product_not_created' && message.includes('already present in the lookup table');
}

function isTaken(error: WooError): boolean {
  const { code, message } = error;
  return (
    isInBin(error) ||
    (/^(product_invalid_sku|registration-error-email-exists|woocommerce_rest_coupon_code_already_exists|term_exists|existing_user_)/.test(
      code,
    ) &&
      !/invalid email/i.test(message))
  );
}

/**
 * The key is taken: a record with it is there already, made by a create whose answer was lost or by somebody else.
 * It becomes this row's record and gets its values; one in the bin is taken out of it.
 */
async function adopt(work: Work, row: CreateRow, error: WooError): Promise<WriteOutcome> {
  const { client, table, path } = work;
  const refused = (): WriteOutcome => ({ ref: row.ref, result: 'refused', fault: faultOf(error).facts });
  try {
    const id = await holderOf(work, row, error);
    if (id === undefined) return refused();
    const answer = await client.batch(path, {
      update: [{ id, ...(isInBin(error) ? { status: 'publish' } : {}), ...toBody(table, row.fields) }],
    });
    const item = answer.update[0];
    return errorOf(item) ? refused() : outcomeOf(work, row, item);
  } catch (problem) {
    if (!(problem instanceof Fault)) throw problem;
    return outcomesOf([row], problem.facts)[0] ?? refused();
  }
}

async function holderOf(
  { client, table, path }: Work,
  { fields }: CreateRow,
  error: WooError,
): Promise<number | undefined> {
  const named = (error.data as { resource_id?: unknown } | undefined)?.resource_id;
  if (typeof named === 'number' && named > 0) return named;
  for (const [column, parameter] of Object.entries(table.findBy)) {
    const value = text(fields[column]);
    if (value === '' || parameter === 'search') continue;
    const where = { ...table.query, ...(isInBin(error) ? { status: 'trash' } : {}), [parameter]: value };
    const { rows } = await client.list(path, { ...where, per_page: '2', _fields: 'id' });
    if (rows.length === 1) return rows[0]?.id;
  }
  return undefined;
}

async function moveToBin({ client, path }: Work, row: DeleteRow): Promise<WriteOutcome> {
  try {
    await client.remove(`${path}/${String(numberOf(row))}`);
    return { ref: row.ref, result: 'written', id: row.id };
  } catch (problem) {
    if (!(problem instanceof Fault)) throw problem;
    if (problem.facts.code === 'NOT_FOUND') return { ref: row.ref, result: 'not_found' };
    return outcomesOf([row], problem.facts)[0] ?? { ref: row.ref, result: 'uncertain', fault: problem.facts };
  }
}

function outcomeOf({ table, path }: Work, row: WriteRow, item: BatchItem | undefined): WriteOutcome {
  const { ref } = row;
  if (item === undefined) {
    const fault = new Fault('UNKNOWN_OUTCOME', 'The answer says nothing about this row.', { uncertain: true });
    return { ref, result: 'uncertain', fault: fault.facts };
  }
  const error = errorOf(item);
  if (error) {
    if (codeOf(error, 400) === 'NOT_FOUND' && row.op !== 'create') return { ref, result: 'not_found' };
    const fault = faultOf(error).facts;
    return fault.uncertain ? { ref, result: 'uncertain', fault } : { ref, result: 'refused', fault };
  }
  const shown = item as WooRow;
  // What is in the bin takes writes and shows them to nobody.
  if (row.op === 'update' && shown['status'] === 'trash') return { ref, result: 'not_found' };
  if (row.op === 'delete') return { ref, result: 'written', id: row.id };
  const product = /^products\/(\d+)\//.exec(path)?.[1];
  const record = table.ofProduct && product !== undefined ? { ...shown, parent_id: Number(product) } : shown;
  const columns = Object.keys(row.op === 'create' ? row.fields : row.changed);
  return { ref, result: 'written', id: idOf(table, record), record: toRecord(table, record, columns) };
}

function faultOf(error: WooError): { readonly facts: FaultFacts } {
  const column = columnOfError(error);
  const failed = error.code === 'internal_server_error';
  const code = failed ? 'SERVER_ERROR' : (codeOf(error, 400) ?? 'REQUEST_REFUSED');
  return new Fault(code, plainText(error.message) || error.code, {
    ...(failed ? { uncertain: true } : {}),
    ...(column === undefined ? {} : { column }),
  });
}
