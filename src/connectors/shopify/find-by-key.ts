import type { FieldValue, RemoteRecord } from '../../model/record.ts';
import type { KeyAnswer, KeyRequest } from '../connector.ts';
import { Fault } from '../../model/fault.ts';
import { ask, connection, listCost, objectsIn, type GraphqlReply, type Node, type ShopifySession } from './client.ts';
import { metafieldColumns, metafieldOf } from './metafields.ts';
import { columnOf, isNode, recordOf, selectionOf, tableOf, type Key, type Table } from './tables.ts';

const PER_VALUE = 50;

export async function findByKey(session: ShopifySession, request: KeyRequest): Promise<KeyAnswer> {
  const table = tableOf(request.table);
  const key = await keyOf(session, table, request.column);
  if (key === undefined) {
    throw new Fault('SETTINGS_INVALID', `Shopify cannot look up "${table.name}" by "${request.column}".`, {
      column: request.column,
      suggestion: 'Use the handle, the SKU, the e-mail address, or a metafield of type id.',
    });
  }
  const columns = [...new Set([...request.columns, request.column])];
  const values = [...new Set(request.values.filter((value) => value !== null).map(textOf))];
  const find = 'identifier' in key ? findOne : findAll;
  const records = values.length === 0 ? [] : await find(session, table, request.column, key, columns, values);
  const wanted = new Set(values.map(fold));
  return {
    // A search finds words; a key is the whole value.
    records: records.filter(({ fields }) => wanted.has(fold(textOf(fields[request.column] ?? '')))),
    askedFor: request.askedFor,
  };
}

/** How a column can be looked up; a metafield only when its definition makes it unique. */
export async function keyOf(session: ShopifySession, table: Table, column: string): Promise<Key | undefined> {
  const known = table.keys[column];
  if (known !== undefined || table.owner === undefined || metafieldOf(column) === undefined) return known;
  const found = (await metafieldColumns(session, table.owner)).find(({ name }) => name === column);
  return found?.appType === UNIQUE ? { identifier: 'customId' } : undefined;
}

/** The type of a metafield whose values are unique in the shop. */
const UNIQUE = 'metafield id';

/** The argument of the app's exact lookups, as GraphQL text. */
export function identifierText(column: string, identifier: string, value: string): string {
  const metafield = metafieldOf(column);
  if (metafield === undefined) return `{${identifier}:${JSON.stringify(value)}}`;
  const { namespace, key } = metafield;
  return `{customId:{namespace:${JSON.stringify(namespace)},key:${JSON.stringify(key)},value:${JSON.stringify(value)}}}`;
}

const LOOKUPS: Readonly<Record<string, string>> = {
  products: 'productByIdentifier',
  variants: 'productVariantByIdentifier',
  customers: 'customerByIdentifier',
  orders: 'orderByIdentifier',
};

export function lookupOf(table: Table): string {
  return LOOKUPS[table.name] ?? '';
}

type Find = (
  session: ShopifySession,
  table: Table,
  column: string,
  key: Key,
  columns: readonly string[],
  values: readonly string[],
) => Promise<RemoteRecord[]>;

const findOne: Find = async (session, table, column, key, columns, values) => {
  const identifier = 'identifier' in key ? key.identifier : '';
  const selection = selectionOf(table, columns);
  const { data, answer } = await ask(session, {
    document: `{${values
      .map(
        (value, at) =>
          `k${String(at)}:${lookupOf(table)}(identifier:${identifierText(column, identifier, value)}){${selection}}`,
      )
      .join(' ')}}`,
    cost: values.length * (1 + objectsIn(selection)),
  });
  return values.flatMap((_, at) => {
    const node = data[`k${String(at)}`];
    if (node === undefined) throw answer.fault('the answer does not speak of every key', { code: 'BAD_RESPONSE' });
    return isNode(node) ? [recordOf(table, columns, node)] : [];
  });
};

const findAll: Find = async (session, table, _column, key, columns, values) => {
  const term = 'search' in key ? key.search : '';
  const selection = selectionOf(table, columns);
  const list = (at: number): string =>
    `k${String(at)}:${table.root}(first:${String(PER_VALUE)},query:$q${String(at)},after:$a${String(at)},sortKey:ID)` +
    `{nodes{${selection}} pageInfo{hasNextPage endCursor}}`;
  const records: RemoteRecord[] = [];
  let open = values.map((value) => ({ value, after: null as string | null }));
  while (open.length > 0) {
    const reply: GraphqlReply = await ask(session, {
      document: `query(${open.map((_, at) => `$q${String(at)}:String,$a${String(at)}:String`).join(',')}){${open
        .map((_, at) => list(at))
        .join(' ')}}`,
      variables: Object.fromEntries(
        open.flatMap(({ value, after }, at) => [
          [`q${String(at)}`, `${term}:${quoted(value)}`],
          [`a${String(at)}`, after],
        ]),
      ),
      cost: open.length * listCost(PER_VALUE, objectsIn(selection)),
    });
    const following: typeof open = [];
    for (const [at, { value }] of open.entries()) {
      const page = connection.safeParse(reply.data[`k${String(at)}`]).data;
      if (page === undefined) throw reply.answer.fault('a list has an unexpected shape', { code: 'BAD_RESPONSE' });
      records.push(...page.nodes.map((node: Node) => recordOf(table, columns, node)));
      if (page.pageInfo.hasNextPage) following.push({ value, after: page.pageInfo.endCursor });
    }
    open = following;
  }
  return records;
};

function quoted(value: string): string {
  return `'${value.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}

function textOf(value: FieldValue): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** Shopify keeps addresses in small letters; its keys differ in more than capitals. */
function fold(value: string): string {
  return value.toLowerCase();
}

/** Columns of a table that can be looked up. */
export function findableColumns(table: Table, metafields: readonly { name: string; appType: string }[]): string[] {
  const plain = Object.keys(table.keys).filter((name) => columnOf(table, name) !== undefined);
  return [...plain, ...metafields.filter(({ appType }) => appType === UNIQUE).map(({ name }) => name)];
}
