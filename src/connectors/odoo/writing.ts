import { Fault, type FaultFacts } from '../../model/fault.ts';
import type { Fields } from '../../model/record.ts';
import type { CreateRow, DeleteRow, UpdateRow, WriteOutcome } from '../../model/write.ts';
import type { Session, WriteRequest } from '../connector.ts';
import { outcomesOf } from '../write-outcomes.ts';
import { createOdooClient, type OdooClient } from './client.ts';
import { readKnown } from './reading.ts';
import { columnsOf, KEPT_BY_ODOO, type Columns } from './records.ts';
import type { OdooSettings } from './settings.ts';
import { toId, toOdoo } from './values.ts';

type Values = Readonly<Record<string, unknown>>;

/** Rows that one call of Odoo can write, and so one transaction: all of them or none. */
interface Group {
  readonly rows: readonly (CreateRow | UpdateRow | DeleteRow)[];
  readonly write: (rows: readonly Ready[]) => Promise<readonly WriteOutcome[]>;
  readonly ready: readonly Ready[];
}

interface Ready {
  readonly row: CreateRow | UpdateRow | DeleteRow;
  /** The record's id; 0 for one that is to be made. */
  readonly id: number;
  readonly values: Values;
}

/**
 * One call for all creates, one for every set of updates with equal values, one for all deletes. What Odoo would
 * silently turn into nothing, or refuse a whole batch for, is refused here, row by row, before anything is sent.
 */
export async function writeBatch(
  session: Session<OdooSettings>,
  { table, rows }: WriteRequest,
): Promise<readonly WriteOutcome[]> {
  const client = createOdooClient(session);
  const names = [...new Set(rows.flatMap((row) => Object.keys(sentBy(row))))];
  const columns = await columnsIn(client, table, names).catch((error: unknown) => {
    if (error instanceof Fault) return error;
    throw error;
  });
  if (columns instanceof Fault) return outcomesOf(rows, columns.facts);
  const outcomes: WriteOutcome[] = [];
  const ready: Ready[] = [];
  for (const row of rows) {
    const id = row.op === 'create' ? 0 : toId(row.id);
    try {
      const values = convert(table, columns, sentBy(row));
      if (id === undefined) outcomes.push({ ref: row.ref, result: 'not_found' });
      else ready.push({ row, id, values });
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      outcomes.push({ ref: row.ref, result: 'refused', fault: error.facts });
    }
  }
  const archives = session.settings.archived === 'deleted' && Object.hasOwn(columns, 'active');
  let stopped: FaultFacts | undefined;
  for (const group of groupsOf(client, table, ready, archives)) {
    if (stopped) {
      outcomes.push(...outcomesOf(group.rows, stopped));
      continue;
    }
    try {
      outcomes.push(...(await group.write(group.ready)));
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      const facts = error.facts.code === 'PERMISSION_DENIED' ? barred(error.facts) : error.facts;
      outcomes.push(...outcomesOf(group.rows, facts));
      // What follows was not sent, so it is certain, whatever became of this call.
      if (stopsAll(facts)) stopped = { ...facts, uncertain: false };
    }
  }
  const byRef = new Map(
    (await confirm(client, table, columns, rows, outcomes)).map((outcome) => [outcome.ref, outcome]),
  );
  return rows.flatMap(({ ref }) => byRef.get(ref) ?? []);
}

/** Where no record rule guards a model, Odoo writes to a record that is gone without a word. */
async function confirm(
  client: OdooClient,
  model: string,
  columns: Columns,
  rows: readonly (CreateRow | UpdateRow | DeleteRow)[],
  outcomes: readonly WriteOutcome[],
): Promise<readonly WriteOutcome[]> {
  const updates = new Set(rows.flatMap((row) => (row.op === 'update' ? [row.ref] : [])));
  const isClaim = (outcome: WriteOutcome): outcome is WriteOutcome & { result: 'written' } =>
    outcome.result === 'written' && updates.has(outcome.ref);
  const claims = outcomes.filter(isClaim);
  if (claims.length === 0) return outcomes;
  try {
    const ids = claims.flatMap(({ id }) => toId(id) ?? []);
    // Asked for ids alone, Odoo gives back those that it was asked about.
    const looked = Object.hasOwn(columns, 'write_date') ? 'write_date' : (Object.keys(columns)[0] ?? 'id');
    const { rows: shown, unknown } = await readKnown(client, model, ids, [looked]);
    const there = new Set([...shown.map(({ id }) => String(id)), ...unknown.map(String)]);
    return outcomes.map((outcome) =>
      isClaim(outcome) && !there.has(outcome.id) ? { ref: outcome.ref, result: 'not_found' } : outcome,
    );
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    const fault: FaultFacts = { ...error.facts, uncertain: true };
    return outcomes.map((outcome) => (isClaim(outcome) ? { ref: outcome.ref, result: 'uncertain', fault } : outcome));
  }
}

function sentBy(row: CreateRow | UpdateRow | DeleteRow): Fields {
  return row.op === 'create' ? row.fields : row.op === 'update' ? row.changed : {};
}

/** Fields that the model does not have are the row's fault, not the batch's. */
async function columnsIn(client: OdooClient, table: string, names: readonly string[]): Promise<Columns> {
  try {
    return await columnsOf(client, table, names);
  } catch (error) {
    if (error instanceof Fault && error.facts.code === 'MAPPING_FIELD_MISSING') {
      return client.fields(table, [...names, 'active', 'write_date']);
    }
    throw error;
  }
}

function convert(model: string, columns: Columns, fields: Fields): Values {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => {
      const info = Object.hasOwn(columns, name) ? columns[name] : undefined;
      if (info === undefined) {
        throw new Fault('MAPPING_FIELD_MISSING', `Odoo’s model "${model}" has no field "${name}".`, { column: name });
      }
      if (KEPT_BY_ODOO.has(name)) {
        throw new Fault('VALUE_REFUSED', `Odoo keeps the field "${name}" itself and ignores what is written to it.`, {
          column: name,
          suggestion: `Map "${name}" for reading only.`,
        });
      }
      return [name, toOdoo(name, info, value)] as const;
    }),
  );
}

function groupsOf(client: OdooClient, model: string, ready: readonly Ready[], archives: boolean): Group[] {
  const groups: Group[] = [];
  const add = (members: readonly Ready[], write: Group['write']): void => {
    if (members.length > 0) groups.push({ rows: members.map(({ row }) => row), ready: members, write });
  };
  add(
    ready.filter(({ row }) => row.op === 'create'),
    (members) => create(client, model, members),
  );
  const alike = new Map<string, Ready[]>();
  for (const member of ready.filter(({ row }) => row.op === 'update')) {
    const key = JSON.stringify(Object.entries(member.values).sort(([a], [b]) => (a < b ? -1 : 1)));
    alike.set(key, [...(alike.get(key) ?? []), member]);
  }
  for (const members of alike.values()) {
    const values = members[0]?.values ?? {};
    add(members, (given) => change(client, model, given, (ids) => client.write(model, ids, values)));
  }
  const remove = (ids: readonly number[]): Promise<void> =>
    archives ? client.write(model, ids, { active: false }) : client.unlink(model, ids);
  add(
    ready.filter(({ row }) => row.op === 'delete'),
    (given) => change(client, model, given, remove),
  );
  return groups;
}

async function create(client: OdooClient, model: string, members: readonly Ready[]): Promise<readonly WriteOutcome[]> {
  try {
    const ids = await client.create(
      model,
      members.map(({ values }) => values),
    );
    return members.map(({ row }, index) => ({ ref: row.ref, result: 'written', id: String(ids[index]) }));
  } catch (error) {
    throw missingReference(error);
  }
}

/** A record that is missing makes Odoo refuse all of them: nothing was written, so the rest is sent again without it. */
async function change(
  client: OdooClient,
  model: string,
  members: readonly Ready[],
  write: (ids: readonly number[]) => Promise<void>,
): Promise<readonly WriteOutcome[]> {
  const written = ({ row, id }: Ready): WriteOutcome => ({ ref: row.ref, result: 'written', id: String(id) });
  try {
    await write(members.map(({ id }) => id));
    return members.map(written);
  } catch (error) {
    if (!(error instanceof Fault) || error.facts.code !== 'NOT_FOUND') throw error;
    const ids = members.map(({ id }) => id);
    const { records } = await client.search(model, [['id', 'in', ids]], { fields: ['id'] }).catch(notSent);
    const there = new Set(records.map(({ id }) => id));
    const rest = members.filter(({ id }) => there.has(id));
    if (rest.length === members.length) throw missingReference(error);
    const missing = members
      .filter(({ id }) => !there.has(id))
      .map(({ row }): WriteOutcome => ({ ref: row.ref, result: 'not_found' }));
    if (rest.length === 0) return missing;
    try {
      await write(rest.map(({ id }) => id));
      return [...missing, ...rest.map(written)];
    } catch (again) {
      if (!(again instanceof Fault)) throw again;
      const fault = again.facts.code === 'NOT_FOUND' ? missingReference(again) : again;
      return [
        ...missing,
        ...outcomesOf(
          rest.map(({ row }) => row),
          fault instanceof Fault ? fault.facts : again.facts,
        ),
      ];
    }
  }
}

/** The look-up failed after the write was refused: the rows are certainly not written. */
function notSent(error: unknown): never {
  if (error instanceof Fault && !error.facts.retryable) {
    throw new Fault('SERVER_ERROR', `Odoo misses a record, and which one could not be asked: ${error.message}`, {
      cause: error,
    });
  }
  throw error;
}

/** All records exist, so it is one that a field points to; Odoo 16 says that with the same exception. */
function missingReference(error: unknown): unknown {
  if (!(error instanceof Fault) || error.facts.code !== 'NOT_FOUND') return error;
  return new Fault('VALUE_REFUSED', `A field refers to a record that Odoo does not have: ${error.message}`, {
    cause: error,
  });
}

/** A record rule bars single records; that must not stop the connection. */
function barred(facts: FaultFacts): FaultFacts {
  return { ...facts, class: 'API_ERROR', code: 'REQUEST_REFUSED' };
}

function stopsAll({ class: kind, code }: FaultFacts): boolean {
  return kind === 'AUTH_ERROR' || kind === 'NETWORK_ERROR' || kind === 'RATE_LIMIT' || code === 'SERVER_ERROR';
}
