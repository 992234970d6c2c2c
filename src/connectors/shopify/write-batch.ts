import { createHash } from 'node:crypto';
import { Fault, type FaultFacts } from '../../model/fault.ts';
import type { Fields, FieldValue, RemoteRecord } from '../../model/record.ts';
import type { CreateRow, DeleteRow, UpdateRow, WriteOutcome, WriteRow } from '../../model/write.ts';
import type { WriteRequest } from '../connector.ts';
import { outcomesOf } from '../write-outcomes.ts';
import {
  ask,
  graphqlFault,
  MOST_POINTS,
  objectsIn,
  type GraphqlReply,
  type Node,
  type ShopifySession,
} from './client.ts';
import { identifierText, keyOf, lookupOf } from './find-by-key.ts';
import { encodeMetafield, metafieldOf } from './metafields.ts';
import { columnOf, gid, isIdOf, isNode, numberOf, recordOf, selectionOf, tableOf, type Table } from './tables.ts';
import { readUserErrors, refusalOf, saysGone, type UserError } from './user-errors.ts';
import { encode, unfit } from './values.ts';

/** One mutation of a document; several stand side by side under aliases and fail each for itself. */
interface Step {
  /** One row, or several variants of one product. */
  readonly rows: readonly WriteRow[];
  readonly mutation: string;
  /** GraphQL text of the arguments that need no variable. */
  readonly literals?: readonly string[];
  /** An argument with the type of its variable. */
  readonly variable?: { readonly name: string; readonly type: string; readonly value: unknown };
  readonly idempotencyKey?: string;
  readonly payload: string;
  readonly codes: boolean;
  readonly read: (payload: Node, errors: readonly UserError[]) => readonly WriteOutcome[];
}

export async function writeBatch(
  session: ShopifySession,
  { table: name, rows }: WriteRequest,
): Promise<readonly WriteOutcome[]> {
  const table = tableOf(name);
  const outcomes = new Map<string, WriteOutcome>();
  const settle = (list: readonly WriteOutcome[]): void => {
    for (const outcome of list) outcomes.set(outcome.ref, outcome);
  };
  let steps: readonly Step[];
  try {
    steps = await plan(session, table, rows, settle);
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return rows.map((row) => outcomes.get(row.ref) ?? (outcomesOf([row], error.facts)[0] as WriteOutcome));
  }
  settle(await run(session, steps));
  settle(await clear(session, table, rows, outcomes));
  return rows.flatMap((row) => outcomes.get(row.ref) ?? []);
}

/** What is sent for each row; a row that cannot be sent is settled at once. */
async function plan(
  session: ShopifySession,
  table: Table,
  rows: readonly WriteRow[],
  settle: (outcomes: readonly WriteOutcome[]) => void,
): Promise<Step[]> {
  const good = rows.filter((row) => {
    const fault = unfitRow(table, row);
    if (fault !== undefined) settle([{ ref: row.ref, result: 'refused', fault }]);
    return fault === undefined;
  });
  const steps: Step[] = [];
  const make = (row: WriteRow, build: () => Step): void => {
    try {
      steps.push(build());
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      settle([{ ref: row.ref, result: 'refused', fault: error.facts }]);
    }
  };
  if (table.name === 'inventory_levels') {
    for (const row of good) make(row, () => stockStep(session, table, row));
    return steps;
  }
  if (table.name === 'variants') {
    const parents = await productsOf(session, good);
    const changed = good.filter((row) => row.op === 'update');
    for (const row of good) {
      if (row.op === 'create') make(row, () => variantCreate(table, row));
      else if (!parents.has(row.id)) settle([{ ref: row.ref, result: 'not_found' }]);
      else if (row.op === 'delete') make(row, () => variantDelete(row, parents.get(row.id) ?? ''));
    }
    for (const product of new Set(parents.values())) {
      const group = changed.filter((row) => parents.get(row.id) === product);
      const inputs: { row: UpdateRow; input: Fields }[] = [];
      for (const row of group) {
        try {
          inputs.push({ row, input: { id: row.id, ...inputOf(table, row.changed, false) } });
        } catch (error) {
          if (!(error instanceof Fault)) throw error;
          settle([{ ref: row.ref, result: 'refused', fault: error.facts }]);
        }
      }
      if (inputs.length > 0) steps.push(variantUpdates(table, product, inputs));
    }
    return steps;
  }
  const existing = await alreadyThere(session, table, good);
  for (const row of good) {
    if (row.op === 'delete') make(row, () => deleteStep(table, row));
    else if (row.op === 'update') make(row, () => updateStep(table, row, row.id, row.changed, row.fields));
    else {
      const there = existing.get(row.ref);
      make(row, () => {
        if (there?.id !== undefined) return updateStep(table, row, there.id, row.fields, row.fields);
        return table.name === 'products'
          ? productCreate(table, row, there?.identifier)
          : customerCreate(table, row, there?.identifier);
      });
    }
  }
  return steps;
}

function unfitRow(table: Table, row: WriteRow): FaultFacts | undefined {
  if (!table[row.op]) {
    return new Fault('REQUEST_REFUSED', `Shopify’s "${table.name}" take no ${row.op} through Tideway.`).facts;
  }
  if (row.op !== 'create' && !isIdOf(table, row.id)) {
    return new Fault('VALUE_REFUSED', `"${row.id}" is no id of Shopify’s "${table.name}".`).facts;
  }
  return undefined;
}

/** Fields as the input of a mutation. */
function inputOf(table: Table, fields: Fields, create: boolean): Fields {
  const input: Record<string, FieldValue> = {};
  const metafields: FieldValue[] = [];
  for (const [name, value] of Object.entries(fields)) {
    const one = columnOf(table, name);
    if (one.input === undefined || (one.createOnly && !create)) {
      throw new Fault('VALUE_REFUSED', `"${name}" cannot be ${create ? 'written' : 'changed'} in Shopify.`, {
        column: name,
      });
    }
    const metafield = metafieldOf(name);
    if (metafield !== undefined) {
      if (value !== null) metafields.push({ ...metafield, value: encodeMetafield(name, value) });
      continue;
    }
    if (create && value === null) continue;
    const sent =
      name === 'selectedOptions' ? optionValues(value) : (encode(name, one.appType, value) ?? one.empty ?? null);
    place(input, one.input, sent);
  }
  return metafields.length === 0 ? input : { ...input, metafields };
}

function place(input: Record<string, FieldValue>, [first = '', ...rest]: readonly string[], value: FieldValue): void {
  if (rest.length === 0) input[first] = value;
  else {
    const inner = { ...(input[first] as Fields | undefined) };
    place(inner, rest, value);
    input[first] = inner;
  }
}

function optionValues(value: FieldValue): FieldValue {
  const options = Array.isArray(value) ? (value as readonly FieldValue[]) : undefined;
  if (!options?.every((one) => isNode(one) && typeof one['name'] === 'string' && typeof one['value'] === 'string')) {
    throw unfit('selectedOptions', value, 'a list such as [{"name": "Size", "value": "M"}]');
  }
  return options.map((one) => ({
    optionName: (one as Node)['name'] as string,
    name: (one as Node)['value'] as string,
  }));
}

interface Found {
  /** GraphQL text that makes a repeated create meet the record that the first one made. */
  readonly identifier: string;
  readonly id?: string;
}

/** The app's own unique keys of the records to make, and which of them it holds already. */
async function alreadyThere(
  session: ShopifySession,
  table: Table,
  rows: readonly WriteRow[],
): Promise<ReadonlyMap<string, Found>> {
  const found = new Map<string, Found>();
  const lookups: { ref: string; text: string; value: string; column: string; identifier: string }[] = [];
  const keys = new Map<string, Awaited<ReturnType<typeof keyOf>>>();
  for (const row of rows) {
    if (row.op !== 'create') continue;
    const { column, value } = row.correlation ?? { column: uniqueColumn(table, row), value: null };
    const given = column === undefined ? null : (row.fields[column] ?? value);
    if (column === undefined || given === null || given === '') continue;
    if (!keys.has(column)) keys.set(column, await keyOf(session, table, column));
    const key = keys.get(column);
    if (key === undefined || !('identifier' in key)) continue;
    const text = typeof given === 'string' ? given : JSON.stringify(given);
    lookups.push({
      ref: row.ref,
      column,
      value: text,
      identifier: key.identifier,
      text: identifierText(column, key.identifier, text),
    });
  }
  if (lookups.length === 0) return found;
  const { data, answer } = await ask(session, {
    document: `{${lookups.map(({ text }, at) => `k${String(at)}:${lookupOf(table)}(identifier:${text}){id}`).join(' ')}}`,
    cost: lookups.length,
  });
  for (const [at, { ref, column, value, identifier }] of lookups.entries()) {
    const node = data[`k${String(at)}`];
    if (node === undefined) throw answer.fault('the answer does not speak of every key', { code: 'BAD_RESPONSE' });
    const id = isNode(node) ? node['id'] : undefined;
    found.set(ref, {
      identifier: identifierText(column, SET_NAMES[identifier] ?? identifier, value),
      ...(typeof id === 'string' ? { id } : {}),
    });
  }
  return found;
}

/** customerSet calls the keys by other names than customerByIdentifier. */
const SET_NAMES: Readonly<Record<string, string>> = { emailAddress: 'email', phoneNumber: 'phone' };

function uniqueColumn(table: Table, { fields }: CreateRow): string | undefined {
  return Object.entries(table.keys).find(([name, key]) => 'identifier' in key && typeof fields[name] === 'string')?.[0];
}

const MUTATIONS = {
  products: {
    update: 'productUpdate',
    argument: 'product',
    type: 'ProductUpdateInput!',
    object: 'product',
    delete: 'productDelete',
  },
  customers: {
    update: 'customerUpdate',
    argument: 'input',
    type: 'CustomerInput!',
    object: 'customer',
    delete: 'customerDelete',
  },
  orders: { update: 'orderUpdate', argument: 'input', type: 'OrderInput!', object: 'order', delete: '' },
} as const;

type SimpleTable = keyof typeof MUTATIONS;

function updateStep(table: Table, row: WriteRow, id: string, changed: Fields, fields: Fields): Step {
  const { update, argument, type, object } = MUTATIONS[table.name as SimpleTable];
  // Shopify may replace the whole of this object.
  const whole = Object.entries(fields).filter(
    ([name]) => name.startsWith('seo.') && Object.keys(changed).some((one) => one.startsWith('seo.')),
  );
  // A record that turned out to be there already keeps what can only be given at its birth.
  const sent = Object.fromEntries(
    Object.entries(changed).filter(([name]) => row.op !== 'create' || !columnOf(table, name).createOnly),
  );
  return {
    rows: [row],
    mutation: update,
    variable: {
      name: argument,
      type,
      value: { id, ...inputOf(table, { ...Object.fromEntries(whole), ...sent }, false) },
    },
    payload: `${object}{${selectionOf(table, Object.keys(changed))}}`,
    codes: false,
    read: (payload, errors) => [outcomeOf(table, row, Object.keys(changed), payload[object], errors)],
  };
}

function productCreate(table: Table, row: CreateRow, identifier: string | undefined): Step {
  const { giftCard, ...input } = inputOf(table, row.fields, true);
  return {
    rows: [row],
    mutation: 'productSet',
    literals: ['synchronous:true', ...(identifier === undefined ? [] : [`identifier:${identifier}`])],
    variable: {
      name: 'input',
      type: 'ProductSetInput!',
      value: { ...input, ...(giftCard === undefined ? {} : { giftCard }) },
    },
    payload: `product{${selectionOf(table, Object.keys(row.fields))}}`,
    codes: true,
    read: (payload, errors) => [outcomeOf(table, row, Object.keys(row.fields), payload['product'], errors)],
  };
}

/** customerSet meets the customer that an earlier attempt made; it takes no metafields, so those go through create. */
function customerCreate(table: Table, row: CreateRow, identifier: string | undefined): Step {
  const input = inputOf(table, row.fields, true);
  const set = identifier !== undefined && input['metafields'] === undefined;
  return {
    rows: [row],
    mutation: set ? 'customerSet' : 'customerCreate',
    literals: set ? [`identifier:${identifier}`] : [],
    variable: { name: 'input', type: set ? 'CustomerSetInput!' : 'CustomerInput!', value: input },
    payload: `customer{${selectionOf(table, Object.keys(row.fields))}}`,
    codes: set,
    read: (payload, errors) => [outcomeOf(table, row, Object.keys(row.fields), payload['customer'], errors)],
  };
}

function deleteStep(table: Table, row: DeleteRow): Step {
  const { delete: mutation, object } = MUTATIONS[table.name as SimpleTable];
  return {
    rows: [row],
    mutation,
    literals: [`input:{id:${JSON.stringify(row.id)}}`],
    payload: object === 'product' ? 'deletedProductId' : 'deletedCustomerId',
    codes: false,
    read: (_payload, errors) => [doneOf(table, row, [], row.id, errors)],
  };
}

async function productsOf(session: ShopifySession, rows: readonly WriteRow[]): Promise<ReadonlyMap<string, string>> {
  const ids = rows.flatMap((row) => (row.op === 'create' ? [] : [row.id]));
  if (ids.length === 0) return new Map();
  const { data, answer } = await ask(session, {
    document: 'query($ids:[ID!]!){nodes(ids:$ids){__typename ...on ProductVariant{id product{id}}}}',
    variables: { ids },
    cost: ids.length * 2,
  });
  const nodes = data['nodes'];
  if (!Array.isArray(nodes) || nodes.length !== ids.length) {
    throw answer.fault('the answer does not speak of every id', { code: 'BAD_RESPONSE' });
  }
  return new Map(
    (nodes as unknown[]).flatMap((node, at) => {
      const product = isNode(node) && isNode(node['product']) ? node['product']['id'] : undefined;
      return typeof product === 'string' ? [[ids[at] ?? '', product] as const] : [];
    }),
  );
}

function variantCreate(table: Table, row: CreateRow): Step {
  const { productId, ...input } = inputOf(table, row.fields, true);
  if (typeof productId !== 'string') {
    throw new Fault('VALUE_REFUSED', 'A variant needs the product that it belongs to.', { column: 'product.id' });
  }
  return {
    rows: [row],
    mutation: 'productVariantsBulkCreate',
    literals: [`productId:${JSON.stringify(productId)}`],
    variable: { name: 'variants', type: '[ProductVariantsBulkInput!]!', value: [input] },
    payload: `productVariants{${selectionOf(table, Object.keys(row.fields))}}`,
    codes: true,
    read: (payload, errors) => {
      const made: unknown = Array.isArray(payload['productVariants']) ? payload['productVariants'][0] : null;
      // A product that is gone is no variant that is gone.
      const [error] = errors;
      if (error !== undefined) {
        return [{ ref: row.ref, result: 'refused', fault: refusalOf(table, Object.keys(row.fields), error).facts }];
      }
      return [outcomeOf(table, row, Object.keys(row.fields), made, errors)];
    },
  };
}

function variantDelete(row: DeleteRow, product: string): Step {
  const table = tableOf('variants');
  return {
    rows: [row],
    mutation: 'productVariantsBulkDelete',
    literals: [`productId:${JSON.stringify(product)}`, `variantsIds:[${JSON.stringify(row.id)}]`],
    payload: 'product{id}',
    codes: true,
    read: (_payload, errors) => [doneOf(table, row, [], row.id, errors)],
  };
}

function variantUpdates(table: Table, product: string, inputs: readonly { row: UpdateRow; input: Fields }[]): Step {
  const columns = [...new Set(inputs.flatMap(({ row }) => Object.keys(row.changed)))];
  return {
    rows: inputs.map(({ row }) => row),
    mutation: 'productVariantsBulkUpdate',
    literals: [`productId:${JSON.stringify(product)}`, 'allowPartialUpdates:true'],
    variable: { name: 'variants', type: '[ProductVariantsBulkInput!]!', value: inputs.map(({ input }) => input) },
    payload: `productVariants{${selectionOf(table, columns)}}`,
    codes: true,
    read: (payload, errors) => {
      const nodes: unknown[] = Array.isArray(payload['productVariants']) ? payload['productVariants'] : [];
      return inputs.map(({ row }, at) => {
        const mine = errors.filter(({ field }) => {
          const index = field?.find((part) => /^\d+$/.test(part));
          return index === undefined || Number(index) === at;
        });
        const node = nodes.find((one) => isNode(one) && one['id'] === row.id);
        return outcomeOf(table, row, Object.keys(row.changed), node, mine);
      });
    },
  };
}

/** Stock is set only if it still is what Tideway last saw, so that a sale in between is not lost. */
function stockStep(session: ShopifySession, table: Table, row: WriteRow): Step {
  if (row.op === 'create') return stockCreate(session, table, row);
  if (row.op === 'delete') throw new Fault('REQUEST_REFUSED', 'Stock levels cannot be deleted.');
  const names = Object.keys(row.changed);
  const [name = ''] = names;
  const quantity = quantityOf(table, name, row.changed[name] ?? null);
  if (names.length !== 1) {
    throw new Fault('VALUE_REFUSED', 'Shopify sets one quantity at a time: map available or on_hand, not both.', {
      column: names[1] ?? name,
    });
  }
  const [item = '', location = ''] = row.id.split(':');
  const expected = row.expected?.[name];
  const input =
    `{reason:${JSON.stringify(session.settings.inventory_reason)},name:${JSON.stringify(name)},quantities:[{` +
    `inventoryItemId:${JSON.stringify(gid('InventoryItem', item))},locationId:${JSON.stringify(gid('Location', location))},` +
    `quantity:${String(quantity)},changeFromQuantity:${typeof expected === 'number' ? String(expected) : 'null'}}]}`;
  return {
    rows: [row],
    mutation: 'inventorySetQuantities',
    literals: [`input:${input}`],
    idempotencyKey: uuidOf(session.settings.shop, row.idempotencyKey, input),
    payload: 'inventoryAdjustmentGroup{createdAt}',
    codes: true,
    read: (_payload, errors) => {
      if (errors.some(({ code }) => code === 'CHANGE_FROM_QUANTITY_STALE')) {
        return [{ ref: row.ref, result: 'conflict', current: null }];
      }
      return [doneOf(table, row, names, row.id, errors)];
    },
  };
}

function stockCreate(session: ShopifySession, table: Table, row: CreateRow): Step {
  const item = row.fields['item.id'];
  const location = row.fields['location.id'];
  const other = Object.keys(row.fields).find(
    (name) => !['item.id', 'location.id', 'available', 'on_hand'].includes(name),
  );
  if (typeof item !== 'string' || typeof location !== 'string' || other !== undefined) {
    const column = other ?? (typeof item === 'string' ? 'location.id' : 'item.id');
    throw new Fault(
      'VALUE_REFUSED',
      'Stock is kept for one item (item.id) at one location (location.id), with available or on_hand.',
      { column },
    );
  }
  const quantities = (['available', 'on_hand'] as const).flatMap((name) => {
    const value = row.fields[name] ?? null;
    const argument = name === 'on_hand' ? 'onHand' : name;
    return value === null ? [] : [`${argument}:${String(quantityOf(table, name, value))}`];
  });
  const literals = [`inventoryItemId:${JSON.stringify(item)}`, `locationId:${JSON.stringify(location)}`, ...quantities];
  return {
    rows: [row],
    mutation: 'inventoryActivate',
    literals,
    idempotencyKey: uuidOf(session.settings.shop, row.idempotencyKey, literals.join()),
    payload: 'inventoryLevel{item{id} location{id}}',
    codes: false,
    read: (_payload, errors) => {
      const [error] = errors;
      if (error !== undefined) {
        return [{ ref: row.ref, result: 'refused', fault: refusalOf(table, Object.keys(row.fields), error).facts }];
      }
      return [{ ref: row.ref, result: 'written', id: `${numberOf(item)}:${numberOf(location)}` }];
    },
  };
}

function quantityOf(table: Table, name: string, value: FieldValue): number {
  const one = columnOf(table, name);
  if (one.input === undefined || one.createOnly) {
    throw new Fault('VALUE_REFUSED', `"${name}" of a stock level cannot be changed.`, { column: name });
  }
  const quantity = encode(name, 'Int', value);
  if (typeof quantity !== 'number') throw unfit(name, value, 'a whole number');
  return quantity;
}

/** Shopify keeps keys for a day; one of other installations must never be met. */
function uuidOf(...parts: readonly string[]): string {
  const hex = createHash('sha256').update(JSON.stringify(parts)).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

/** The outcome of a mutation that shows the record. */
function outcomeOf(
  table: Table,
  row: WriteRow,
  columns: readonly string[],
  node: unknown,
  errors: readonly UserError[],
): WriteOutcome {
  if (errors.length > 0) return doneOf(table, row, columns, '', errors);
  if (!isNode(node)) return unsaid(row);
  const record = recordOf(table, columns, node);
  return { ref: row.ref, result: 'written', id: record.id, record };
}

function doneOf(
  table: Table,
  row: WriteRow,
  columns: readonly string[],
  id: string,
  errors: readonly UserError[],
): WriteOutcome {
  const { ref } = row;
  const [error] = errors;
  if (error === undefined) return { ref, result: 'written', id };
  if (row.op !== 'create' && saysGone(error)) return { ref, result: 'not_found' };
  return { ref, result: 'refused', fault: refusalOf(table, columns, error).facts };
}

function unsaid({ ref }: WriteRow): WriteOutcome {
  const fault = new Fault('UNKNOWN_OUTCOME', 'The answer says nothing about this row.', { uncertain: true });
  return { ref, result: 'uncertain', fault: fault.facts };
}

/** Sends the steps in as few documents as the points of one allow. A document that fails speaks for its own rows. */
async function run(session: ShopifySession, steps: readonly Step[]): Promise<WriteOutcome[]> {
  const outcomes: WriteOutcome[] = [];
  for (const part of partsOf(steps)) {
    try {
      const reply = await ask(session, { ...documentOf(part), writes: true });
      outcomes.push(...part.flatMap((step, at) => readStep(reply, step, `r${String(at)}`)));
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      outcomes.push(
        ...outcomesOf(
          part.flatMap(({ rows }) => rows),
          error.facts,
        ),
      );
    }
  }
  return outcomes;
}

const costOf = ({ payload }: Step): number => 10 + objectsIn(payload);

function partsOf(steps: readonly Step[]): Step[][] {
  const parts: Step[][] = [];
  let points = Infinity;
  for (const step of steps) {
    if (points + costOf(step) > MOST_POINTS) {
      parts.push([]);
      points = 0;
    }
    parts.at(-1)?.push(step);
    points += costOf(step);
  }
  return parts;
}

function documentOf(steps: readonly Step[]): { document: string; variables: Record<string, unknown>; cost: number } {
  const declared = steps.flatMap(({ variable }, at) =>
    variable === undefined ? [] : [`$v${String(at)}:${variable.type}`],
  );
  const fields = steps.map((step, at) => {
    const literals = [
      ...(step.literals ?? []),
      ...(step.variable === undefined ? [] : [`${step.variable.name}:$v${String(at)}`]),
    ];
    const once = step.idempotencyKey === undefined ? '' : `@idempotent(key:${JSON.stringify(step.idempotencyKey)})`;
    const errors = `userErrors{field message${step.codes ? ' code' : ''}}`;
    return `r${String(at)}:${step.mutation}(${literals.join(',')})${once}{${step.payload} ${errors}}`;
  });
  return {
    document: `mutation${declared.length === 0 ? '' : `(${declared.join(',')})`}{${fields.join(' ')}}`,
    variables: Object.fromEntries(
      steps.flatMap(({ variable }, at) => (variable === undefined ? [] : [[`v${String(at)}`, variable.value]])),
    ),
    cost: steps.reduce((sum, step) => sum + costOf(step), 0),
  };
}

function readStep({ data, errors, answer }: GraphqlReply, step: Step, alias: string): readonly WriteOutcome[] {
  const error = errors.find(({ path }) => path?.[0] === alias);
  if (error !== undefined) {
    const { facts } = graphqlFault(answer, error, true);
    // The key belongs to another attempt whose end is not known: what the record is now decides.
    if (facts.code === 'CONFLICT') return step.rows.map(({ ref }) => ({ ref, result: 'conflict', current: null }));
    return outcomesOf(step.rows, facts);
  }
  const payload = data[alias];
  const said = isNode(payload) ? readUserErrors(payload['userErrors']) : undefined;
  if (!isNode(payload) || said === undefined) return step.rows.map(unsaid);
  try {
    return step.read(payload, said);
  } catch (failure) {
    if (!(failure instanceof Fault)) throw failure;
    // It was written; only what the answer shows of it cannot be believed.
    return outcomesOf(step.rows, { ...failure.facts, uncertain: true });
  }
}

/** Metafields that become empty are removed, once the record they belong to was written. */
async function clear(
  session: ShopifySession,
  table: Table,
  rows: readonly WriteRow[],
  outcomes: ReadonlyMap<string, WriteOutcome>,
): Promise<WriteOutcome[]> {
  const steps = rows.flatMap((row): Step[] => {
    const outcome = outcomes.get(row.ref);
    if (outcome?.result !== 'written') return [];
    const sent = row.op === 'update' ? row.changed : row.op === 'create' ? row.fields : {};
    const emptied = Object.keys(sent).filter((name) => sent[name] === null && metafieldOf(name) !== undefined);
    // A record that was made just now has no metafields to remove.
    const held = emptied.filter((name) => outcome.record?.fields[name] !== null);
    if (held.length === 0) return [];
    const list = held.map((name) => {
      const { namespace, key } = metafieldOf(name) ?? { namespace: '', key: '' };
      return `{ownerId:${JSON.stringify(outcome.id)},namespace:${JSON.stringify(namespace)},key:${JSON.stringify(key)}}`;
    });
    return [
      {
        rows: [row],
        mutation: 'metafieldsDelete',
        literals: [`metafields:[${list.join(',')}]`],
        payload: 'deletedMetafields{key}',
        codes: false,
        read: (_payload, errors) => [
          errors.length > 0
            ? halfDone(row, refusalOf(table, held, errors[0] as UserError))
            : { ...outcome, ...(outcome.record === undefined ? {} : { record: without(outcome.record, held) }) },
        ],
      },
    ];
  });
  const settled = await run(session, steps);
  // The rest of the row is written already: until it was read, nobody knows what the record is.
  return settled.map((outcome) =>
    outcome.result === 'refused' || outcome.result === 'retry'
      ? { ref: outcome.ref, result: 'uncertain', fault: { ...outcome.fault, uncertain: true } }
      : outcome,
  );
}

function halfDone({ ref }: WriteRow, { facts }: Fault): WriteOutcome {
  return { ref, result: 'uncertain', fault: { ...facts, uncertain: true } };
}

function without(record: RemoteRecord, names: readonly string[]): RemoteRecord {
  return { ...record, fields: { ...record.fields, ...Object.fromEntries(names.map((name) => [name, null])) } };
}
