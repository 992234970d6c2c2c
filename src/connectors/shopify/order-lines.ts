import type { RemoteRecord } from '../../model/record.ts';
import type { HttpAnswer } from '../../runtime/http-client.ts';
import { ask, connection, listCost, objectsIn, type GraphqlReply, type Node, type ShopifySession } from './client.ts';
import { isNode, recordOf, selectionOf, tableOf } from './tables.ts';

/** Lines asked for with their order, and orders asked for at once: together they stay below the points of a query. */
export const LINES = 100;
export const ORDERS = 20;

/** Every line of an order that was read with its first lines; a list that is cut is followed to its end. */
export async function linesOf(
  session: ShopifySession,
  columns: readonly string[],
  order: Node,
  answer: HttpAnswer,
): Promise<RemoteRecord[]> {
  const table = tableOf('order_lines');
  const id = order['id'];
  const records: RemoteRecord[] = [];
  let list: unknown = order['lineItems'];
  for (;;) {
    const page = connection.safeParse(list).data;
    if (page === undefined || typeof id !== 'string') {
      throw answer.fault('an order’s list of lines has an unexpected shape', { code: 'BAD_RESPONSE' });
    }
    records.push(...page.nodes.map((line) => recordOf(table, columns, line, id)));
    if (!page.pageInfo.hasNextPage) return records;
    const selection = selectionOf(table, columns);
    const reply: GraphqlReply = await ask(session, {
      document:
        `query($id:ID!,$after:String){order(id:$id){lineItems(first:${String(LINES)},after:$after)` +
        `{nodes{${selection}} pageInfo{hasNextPage endCursor}}}}`,
      variables: { id, after: page.pageInfo.endCursor },
      cost: 1 + listCost(LINES, objectsIn(selection)),
    });
    const shown = reply.data['order'];
    // The order went away between two pages of its lines: what was read of it is no longer true.
    if (!isNode(shown)) return [];
    list = shown['lineItems'];
  }
}
