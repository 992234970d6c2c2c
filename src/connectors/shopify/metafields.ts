import { z } from 'zod';
import type { FieldType } from '../../model/field-type.ts';
import type { FieldValue } from '../../model/record.ts';
import type { RemoteColumn } from '../../model/remote-table.ts';
import { ask, connection, listCost, type Node, type ShopifySession } from './client.ts';
import { decimalText, exactNumber, seconds, unfit } from './values.ts';

/** `metafields.<namespace>.<key>`, as Shopify's own search writes it; a namespace holds no dot. */
export interface MetafieldName {
  readonly namespace: string;
  readonly key: string;
}

export function metafieldOf(column: string): MetafieldName | undefined {
  const [, namespace, key] = /^metafields\.([\w$:-]+)\.([\w-]+)$/.exec(column) ?? [];
  return namespace === undefined || key === undefined ? undefined : { namespace, key };
}

/** Names in answers may hold letters and digits only. */
const alias = (column: string): string => `m${Buffer.from(column).toString('hex')}`;

export function metafieldSelection(column: string, { namespace, key }: MetafieldName): string {
  return `${alias(column)}:metafield(namespace:${JSON.stringify(namespace)},key:${JSON.stringify(key)}){value type}`;
}

const shown = z.object({ value: z.string(), type: z.string() });

/** Undefined when the answer does not say. */
export function readMetafield(column: string, node: Node): FieldValue | undefined {
  const value = node[alias(column)];
  if (value === null || value === undefined) return value;
  const { data } = shown.safeParse(value);
  if (data === undefined) return undefined;
  return decodeMetafield(data.type, data.value);
}

function decodeMetafield(type: string, value: string): FieldValue {
  const kind: string = fieldTypeOfMetafield(type);
  switch (kind) {
    case 'number':
      return exactNumber(value);
    case 'boolean':
      return value === 'true';
    case 'json':
      return jsonOr(value);
    case 'date-time': {
      const time = Date.parse(/(?:Z|[+-]\d\d:?\d\d)$/.test(value) ? value : `${value}Z`);
      return Number.isNaN(time) ? value : seconds(time);
    }
    default:
      return value;
  }
}

function jsonOr(value: string): FieldValue {
  try {
    return JSON.parse(value) as FieldValue;
  } catch {
    return value;
  }
}

const PLAIN_TYPES: Readonly<Record<string, FieldType>> = {
  number_integer: 'number',
  number_decimal: 'number',
  boolean: 'boolean',
  date: 'date',
  date_time: 'date-time',
  url: 'uri',
  json: 'json',
  rich_text_field: 'json',
  dimension: 'json',
  volume: 'json',
  weight: 'json',
  money: 'json',
  rating: 'json',
  link: 'json',
};

function fieldTypeOfMetafield(type: string): FieldType {
  return type.startsWith('list.') ? 'json' : (PLAIN_TYPES[type] ?? 'string');
}

/** Every metafield is written as text. */
export function encodeMetafield(column: string, value: Exclude<FieldValue, null>): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'boolean') return String(value);
  if (typeof value === 'number') {
    const text = decimalText(value);
    if (text === undefined) throw unfit(column, value, 'a number');
    return text;
  }
  return JSON.stringify(value);
}

const definition = z.object({
  name: z.string(),
  namespace: z.string(),
  key: z.string(),
  type: z.object({ name: z.string() }),
});

const DEFINITIONS = `query($owner:MetafieldOwnerType!,$after:String){
  metafieldDefinitions(ownerType:$owner,first:250,after:$after){
    nodes{name namespace key type{name}} pageInfo{hasNextPage endCursor}}}`;

/** The metafields that the shop has defined for one kind of object, as columns. */
export async function metafieldColumns(session: ShopifySession, owner: string): Promise<RemoteColumn[]> {
  const columns: RemoteColumn[] = [];
  let after: string | null = null;
  for (;;) {
    const { data, answer } = await ask(session, {
      document: DEFINITIONS,
      variables: { owner, after },
      cost: listCost(250, 1),
    });
    const page = connection.safeParse(data['metafieldDefinitions']).data;
    const found = z.array(definition).safeParse(page?.nodes).data;
    if (page === undefined || found === undefined) {
      throw answer.fault('the list of metafield definitions has an unexpected shape', { code: 'BAD_RESPONSE' });
    }
    columns.push(
      ...found
        .map(({ name, namespace, key, type }): RemoteColumn => ({
          name: `metafields.${namespace}.${key}`,
          title: name,
          type: fieldTypeOfMetafield(type.name),
          appType: `metafield ${type.name}`,
          writable: true,
          required: false,
        }))
        .filter(({ name }) => metafieldOf(name) !== undefined),
    );
    if (!page.pageInfo.hasNextPage) return columns;
    after = page.pageInfo.endCursor;
  }
}
