import type { RemoteRecord } from '../../model/record.ts';
import type { IdsAnswer, IdsRequest } from '../connector.ts';
import { ask, listCost, MOST_POINTS, objectsIn, type ShopifySession } from './client.ts';
import { linesOf, LINES, ORDERS } from './order-lines.ts';
import { gid, isIdOf, isNode, recordOf, selectionOf, tableOf, type Table } from './tables.ts';

/** By id everything is read from the shop's own store, which already shows what was just written. */
export async function readByIds(session: ShopifySession, request: IdsRequest): Promise<IdsAnswer> {
  const table = tableOf(request.table);
  // A malformed id makes Shopify refuse all others; what it is stays unknown.
  const ids = [...new Set(request.ids)].filter((id) => isIdOf(table, id));
  const read = readers[table.name] ?? readNodes;
  const records = await read(session, table, request.columns, ids);
  const found = new Set(records.map(({ id }) => id));
  return { records, missing: ids.filter((id) => !found.has(id)), askedFor: request.askedFor };
}

type Reader = (
  session: ShopifySession,
  table: Table,
  columns: readonly string[],
  ids: readonly string[],
) => Promise<RemoteRecord[]>;

const readNodes: Reader = async (session, table, columns, ids) => {
  const selection = selectionOf(table, columns);
  const each = 1 + objectsIn(selection);
  const records: RemoteRecord[] = [];
  for (const part of parts(ids, Math.min(250, Math.floor(MOST_POINTS / each)))) {
    const { data, answer } = await ask(session, {
      document: `query($ids:[ID!]!){nodes(ids:$ids){__typename ...on ${table.type}{${selection}}}}`,
      variables: { ids: part },
      cost: part.length * each,
    });
    const nodes = data['nodes'];
    if (!Array.isArray(nodes) || nodes.length !== part.length) {
      throw answer.fault('the answer does not speak of every id', { code: 'BAD_RESPONSE' });
    }
    for (const node of nodes as unknown[]) {
      if (isNode(node) && node['__typename'] === table.type) records.push(recordOf(table, columns, node));
    }
  }
  return records;
};

const readLines: Reader = async (session, table, columns, ids) => {
  const selection = selectionOf(table, columns);
  const orders = [...new Set(ids.map((id) => gid('Order', id.split(':')[0] ?? '')))];
  const wanted = new Set(ids);
  const records: RemoteRecord[] = [];
  const each = 1 + listCost(LINES, objectsIn(selection));
  for (const part of parts(orders, Math.min(ORDERS, Math.floor(MOST_POINTS / each)))) {
    const { data, answer } = await ask(session, {
      document:
        `query($ids:[ID!]!){nodes(ids:$ids){__typename ...on Order{id lineItems(first:${String(LINES)})` +
        `{nodes{${selection}} pageInfo{hasNextPage endCursor}}}}}`,
      variables: { ids: part },
      cost: part.length * each,
    });
    const nodes = data['nodes'];
    if (!Array.isArray(nodes) || nodes.length !== part.length) {
      throw answer.fault('the answer does not speak of every id', { code: 'BAD_RESPONSE' });
    }
    for (const node of nodes as unknown[]) {
      if (!isNode(node)) continue;
      records.push(...(await linesOf(session, columns, node, answer)).filter(({ id }) => wanted.has(id)));
    }
  }
  return records;
};

const readLevels: Reader = async (session, table, columns, ids) => {
  const selection = selectionOf(table, columns);
  const each = 2 + objectsIn(selection);
  const records: RemoteRecord[] = [];
  for (const part of parts(ids, Math.min(100, Math.floor(MOST_POINTS / each)))) {
    const { data, answer } = await ask(session, {
      document: `query(${part.map((_, at) => `$i${String(at)}:ID!,$l${String(at)}:ID!`).join(',')}){${part
        .map(
          (_, at) =>
            `r${String(at)}:inventoryItem(id:$i${String(at)}){inventoryLevel(locationId:$l${String(at)}){${selection}}}`,
        )
        .join(' ')}}`,
      variables: Object.fromEntries(
        part.flatMap((id, at) => {
          const [item = '', location = ''] = id.split(':');
          return [
            [`i${String(at)}`, gid('InventoryItem', item)],
            [`l${String(at)}`, gid('Location', location)],
          ];
        }),
      ),
      cost: part.length * each,
    });
    for (const at of part.keys()) {
      const item = data[`r${String(at)}`];
      if (item === undefined) throw answer.fault('the answer does not speak of every id', { code: 'BAD_RESPONSE' });
      const level = isNode(item) ? item['inventoryLevel'] : null;
      if (isNode(level)) records.push(recordOf(table, columns, level));
    }
  }
  return records;
};

const readers: Partial<Record<Table['name'], Reader>> = { order_lines: readLines, inventory_levels: readLevels };

function parts<Item>(items: readonly Item[], size: number): Item[][] {
  const found: Item[][] = [];
  for (let at = 0; at < items.length; at += Math.max(1, size)) found.push(items.slice(at, at + Math.max(1, size)));
  return found;
}
