import { Fault } from '../../model/fault.ts';
import type { FieldValue, Fields, RemoteRecord } from '../../model/record.ts';
import type { RemoteColumn } from '../../model/remote-table.ts';
import type { Node } from './client.ts';
import { metafieldOf, metafieldSelection, readMetafield } from './metafields.ts';
import { decode, fieldTypeOf } from './values.ts';

/** The tables that Tideway makes of the shop's objects. */
export type TableName =
  'products' | 'variants' | 'inventory_levels' | 'customers' | 'orders' | 'order_lines' | 'locations';

export interface Column {
  /** The way to the value in the answer, joined by dots; the same words as Shopify's documentation. */
  readonly name: string;
  readonly appType: string;
  readonly required?: boolean;
  readonly refersTo?: TableName;
  /** Where the value stands in the input of a mutation; absent: it cannot be written. */
  readonly input?: readonly string[];
  /** What null is sent as, where Shopify knows no null. */
  readonly empty?: FieldValue;
  /** Can be given when the record is made and never again. */
  readonly createOnly?: boolean;
  /** The selection and the reading, where they do not follow from the name. */
  readonly select?: string;
  readonly read?: (node: Node) => FieldValue | undefined;
}

export interface Table {
  readonly name: TableName;
  readonly title: string;
  /** The type of its nodes in Shopify's schema, also the middle of their ids. */
  readonly type: string;
  readonly columns: readonly Column[];
  /** Whose metafields are columns too. */
  readonly owner?: string;
  /** The query that lists it, and how a list of changes is sorted. */
  readonly root: string;
  readonly sortChanges: 'UPDATED_AT' | 'ID' | null;
  /** Columns that can be looked up, and how. */
  readonly keys: Readonly<Record<string, Key>>;
  readonly create: boolean;
  readonly update: boolean;
  readonly delete: boolean;
}

/** By the app's own exact lookup where it has one, which sees every write at once; else by its search index. */
export type Key = { readonly identifier: string } | { readonly search: string };

const column = (name: string, appType: string, rest: Omit<Column, 'name' | 'appType'> = {}): Column => ({
  name,
  appType,
  ...rest,
});
/** A column whose input has the same name. */
const own = (name: string, appType: string, rest: Omit<Column, 'name' | 'appType'> = {}): Column =>
  column(name, appType, { input: name.split('.'), ...rest });
/** A column whose input takes no null. */
const text = (name: string, appType = 'String'): Column => own(name, appType, { empty: '' });

const money = (name: string): readonly Column[] => [
  column(`${name}.shopMoney.amount`, 'Decimal'),
  column(`${name}.presentmentMoney.amount`, 'Decimal'),
];

const address = (name: string): readonly Column[] =>
  [
    'firstName',
    'lastName',
    'company',
    'address1',
    'address2',
    'city',
    'zip',
    'provinceCode',
    'countryCodeV2',
    'phone',
  ].map((part) => column(`${name}.${part}`, part === 'countryCodeV2' ? 'Enum' : 'String'));

const attributes = (writable: boolean): Column =>
  column('customAttributes', 'JSON', {
    select: 'customAttributes{key value}',
    ...(writable ? { input: ['customAttributes'], empty: [] } : {}),
  });

const QUANTITIES = [
  'available',
  'on_hand',
  'committed',
  'incoming',
  'reserved',
  'damaged',
  'quality_control',
  'safety_stock',
];

const quantity = (name: string): Column =>
  column(name, 'Int', {
    select: `quantities(names:[${QUANTITIES.map((one) => JSON.stringify(one)).join(',')}]){name quantity}`,
    read: (node) => {
      const list = node['quantities'];
      if (!Array.isArray(list)) return undefined;
      const found = list.find((one: unknown) => isNode(one) && one['name'] === name) as Node | undefined;
      return found === undefined ? null : (found['quantity'] as FieldValue | undefined);
    },
    ...(name === 'available' || name === 'on_hand' ? { input: [name] } : {}),
  });

const TABLES: readonly Table[] = [
  {
    name: 'products',
    title: 'Products',
    type: 'Product',
    owner: 'PRODUCT',
    root: 'products',
    sortChanges: 'UPDATED_AT',
    keys: {
      handle: { identifier: 'handle' },
      title: { search: 'title' },
      vendor: { search: 'vendor' },
      productType: { search: 'product_type' },
    },
    create: true,
    update: true,
    delete: true,
    columns: [
      column('id', 'ID'),
      column('legacyResourceId', 'UnsignedInt64'),
      own('title', 'String', { required: true, empty: '' }),
      text('handle'),
      text('descriptionHtml', 'HTML'),
      text('vendor'),
      text('productType'),
      own('status', 'Enum'),
      own('tags', '[String]', { empty: [] }),
      own('templateSuffix', 'String'),
      own('seo.title', 'String'),
      own('seo.description', 'String'),
      column('category.id', 'ID', { input: ['category'] }),
      column('isGiftCard', 'Boolean', { input: ['giftCard'], createOnly: true }),
      column('totalInventory', 'Int'),
      column('tracksInventory', 'Boolean'),
      column('hasOnlyDefaultVariant', 'Boolean'),
      column('options', 'JSON', { select: 'options{id name position values}' }),
      column('onlineStoreUrl', 'URL'),
      column('publishedAt', 'DateTime'),
      column('createdAt', 'DateTime'),
      column('updatedAt', 'DateTime'),
    ],
  },
  {
    name: 'variants',
    title: 'Product variants',
    type: 'ProductVariant',
    owner: 'PRODUCTVARIANT',
    root: 'productVariants',
    sortChanges: 'ID',
    keys: { sku: { search: 'sku' }, barcode: { search: 'barcode' }, 'product.id': { search: 'product_id' } },
    create: true,
    update: true,
    delete: true,
    columns: [
      column('id', 'ID'),
      column('legacyResourceId', 'UnsignedInt64'),
      column('product.id', 'ID', { input: ['productId'], createOnly: true, required: true, refersTo: 'products' }),
      column('title', 'String'),
      column('displayName', 'String'),
      column('sku', 'String', { input: ['inventoryItem', 'sku'], empty: '' }),
      own('barcode', 'String'),
      own('price', 'Money', { empty: '0.00' }),
      own('compareAtPrice', 'Money'),
      column('position', 'Int'),
      own('taxable', 'Boolean'),
      own('inventoryPolicy', 'Enum'),
      column('inventoryQuantity', 'Int'),
      column('availableForSale', 'Boolean'),
      column('selectedOptions', 'JSON', {
        select: 'selectedOptions{name value}',
        input: ['optionValues'],
        createOnly: true,
      }),
      column('inventoryItem.id', 'ID'),
      column('inventoryItem.tracked', 'Boolean', { input: ['inventoryItem', 'tracked'] }),
      column('inventoryItem.requiresShipping', 'Boolean', { input: ['inventoryItem', 'requiresShipping'] }),
      column('inventoryItem.unitCost.amount', 'Decimal', { input: ['inventoryItem', 'cost'] }),
      column('inventoryItem.countryCodeOfOrigin', 'Enum', { input: ['inventoryItem', 'countryCodeOfOrigin'] }),
      column('inventoryItem.harmonizedSystemCode', 'String', { input: ['inventoryItem', 'harmonizedSystemCode'] }),
      column('createdAt', 'DateTime'),
      column('updatedAt', 'DateTime'),
    ],
  },
  {
    name: 'inventory_levels',
    title: 'Inventory levels',
    type: 'InventoryLevel',
    root: 'locations',
    sortChanges: null,
    keys: {},
    create: true,
    update: true,
    delete: false,
    columns: [
      column('item.id', 'ID', { input: ['inventoryItemId'], createOnly: true, required: true }),
      column('location.id', 'ID', { input: ['locationId'], createOnly: true, required: true, refersTo: 'locations' }),
      ...QUANTITIES.map(quantity),
      column('isActive', 'Boolean'),
      column('updatedAt', 'DateTime'),
    ],
  },
  {
    name: 'customers',
    title: 'Customers',
    type: 'Customer',
    owner: 'CUSTOMER',
    root: 'customers',
    sortChanges: 'UPDATED_AT',
    keys: {
      'defaultEmailAddress.emailAddress': { identifier: 'emailAddress' },
      'defaultPhoneNumber.phoneNumber': { identifier: 'phoneNumber' },
    },
    create: true,
    update: true,
    delete: true,
    columns: [
      column('id', 'ID'),
      column('legacyResourceId', 'UnsignedInt64'),
      own('firstName', 'String'),
      own('lastName', 'String'),
      column('displayName', 'String'),
      column('defaultEmailAddress.emailAddress', 'Email', { input: ['email'] }),
      column('defaultEmailAddress.marketingState', 'Enum'),
      column('defaultPhoneNumber.phoneNumber', 'String', { input: ['phone'] }),
      own('note', 'String'),
      own('tags', '[String]', { empty: [] }),
      own('locale', 'String', { empty: '' }),
      own('taxExempt', 'Boolean'),
      column('state', 'Enum'),
      column('verifiedEmail', 'Boolean'),
      column('numberOfOrders', 'UnsignedInt64'),
      column('amountSpent.amount', 'Decimal'),
      column('amountSpent.currencyCode', 'Enum'),
      ...address('defaultAddress'),
      column('createdAt', 'DateTime'),
      column('updatedAt', 'DateTime'),
    ],
  },
  {
    name: 'orders',
    title: 'Orders',
    type: 'Order',
    owner: 'ORDER',
    root: 'orders',
    sortChanges: 'UPDATED_AT',
    keys: { name: { search: 'name' } },
    create: false,
    update: true,
    delete: false,
    columns: [
      column('id', 'ID'),
      column('legacyResourceId', 'UnsignedInt64'),
      column('name', 'String'),
      column('number', 'Int'),
      column('customer.id', 'ID', { refersTo: 'customers' }),
      own('email', 'Email'),
      own('phone', 'String'),
      own('note', 'String', { empty: '' }),
      own('poNumber', 'String'),
      own('tags', '[String]', { empty: [] }),
      attributes(true),
      column('displayFinancialStatus', 'Enum'),
      column('displayFulfillmentStatus', 'Enum'),
      column('returnStatus', 'Enum'),
      column('cancelReason', 'Enum'),
      column('sourceName', 'String'),
      column('sourceIdentifier', 'String'),
      column('test', 'Boolean'),
      column('confirmed', 'Boolean'),
      column('taxesIncluded', 'Boolean'),
      column('currencyCode', 'Enum'),
      column('presentmentCurrencyCode', 'Enum'),
      column('paymentGatewayNames', '[String]'),
      column('discountCodes', '[String]'),
      ...[
        'subtotalPriceSet',
        'totalPriceSet',
        'totalTaxSet',
        'totalDiscountsSet',
        'totalShippingPriceSet',
        'totalRefundedSet',
        'totalOutstandingSet',
        'currentSubtotalPriceSet',
        'currentTotalPriceSet',
        'currentTotalTaxSet',
        'currentTotalDiscountsSet',
      ].flatMap(money),
      ...address('billingAddress'),
      ...address('shippingAddress'),
      column('processedAt', 'DateTime'),
      column('cancelledAt', 'DateTime'),
      column('closedAt', 'DateTime'),
      column('createdAt', 'DateTime'),
      column('updatedAt', 'DateTime'),
    ],
  },
  {
    name: 'order_lines',
    title: 'Order lines',
    type: 'LineItem',
    root: 'orders',
    sortChanges: 'UPDATED_AT',
    keys: {},
    create: false,
    update: false,
    delete: false,
    columns: [
      column('id', 'ID'),
      column('order.id', 'ID', { refersTo: 'orders', select: '', read: (node) => node['__parentId'] as FieldValue }),
      column('title', 'String'),
      column('variantTitle', 'String'),
      column('name', 'String'),
      column('sku', 'String'),
      column('quantity', 'Int'),
      column('currentQuantity', 'Int'),
      column('unfulfilledQuantity', 'Int'),
      column('refundableQuantity', 'Int'),
      ...['originalUnitPriceSet', 'discountedUnitPriceSet', 'discountedTotalSet'].flatMap(money),
      column('taxable', 'Boolean'),
      column('isGiftCard', 'Boolean'),
      column('requiresShipping', 'Boolean'),
      column('product.id', 'ID', { refersTo: 'products' }),
      column('variant.id', 'ID', { refersTo: 'variants' }),
      attributes(false),
    ],
  },
  {
    name: 'locations',
    title: 'Locations',
    type: 'Location',
    root: 'locations',
    sortChanges: null,
    keys: {},
    create: false,
    update: false,
    delete: false,
    columns: [
      column('id', 'ID'),
      column('name', 'String'),
      column('isActive', 'Boolean'),
      column('fulfillsOnlineOrders', 'Boolean'),
      column('shipsInventory', 'Boolean'),
      column('isFulfillmentService', 'Boolean'),
      ...['address1', 'city', 'zip', 'provinceCode', 'countryCode'].map((part) => column(`address.${part}`, 'String')),
      column('updatedAt', 'DateTime'),
    ],
  },
];

export const TABLE_LIST = TABLES;

export function tableOf(name: string): Table {
  const table = TABLES.find((one) => one.name === name);
  if (table !== undefined) return table;
  throw new Fault('TABLE_MISSING', `Shopify has no table "${name}".`, {
    suggestion: `Its tables are ${TABLES.map((one) => one.name).join(', ')}.`,
  });
}

export function columnOf(table: Table, name: string): Column {
  const found = table.columns.find((one) => one.name === name);
  if (found !== undefined) return found;
  const metafield = table.owner === undefined ? undefined : metafieldOf(name);
  if (metafield !== undefined) {
    return {
      name,
      appType: 'metafield',
      input: ['metafields'],
      select: metafieldSelection(name, metafield),
      read: (node) => readMetafield(name, node),
    };
  }
  throw new Fault('MAPPING_FIELD_MISSING', `Shopify’s table "${table.name}" has no column "${name}".`, {
    column: name,
    suggestion: 'Discover the connection again and correct the mapping.',
  });
}

export function remoteColumn(one: Column): RemoteColumn {
  return {
    name: one.name,
    type: fieldTypeOf(one.appType),
    appType: one.appType,
    writable: one.input !== undefined,
    required: one.required ?? false,
    ...(one.refersTo === undefined ? {} : { refersTo: one.refersTo }),
  };
}

/** What the shop is asked for, so that a record of these columns can be made; columns may repeat a part. */
export function selectionOf(table: Table, columns: readonly string[]): string {
  const wanted = columns.map((name) => {
    const one = columnOf(table, name);
    return one.select ?? nest(name.split('.'));
  });
  const always =
    table.name === 'inventory_levels'
      ? ['item{id}', 'location{id}', 'updatedAt']
      : table.name === 'order_lines'
        ? ['id']
        : ['id', 'updatedAt'];
  return [...new Set([...always, ...wanted])].filter((part) => part !== '').join(' ');
}

function nest([first = '', ...rest]: readonly string[]): string {
  return rest.length === 0 ? first : `${first}{${nest(rest)}}`;
}

/** A node as a record. `parent` is the order of a line. */
export function recordOf(table: Table, columns: readonly string[], node: Node, parent?: string): RemoteRecord {
  const whole = parent === undefined ? node : { ...node, __parentId: parent };
  const updatedAt = whole['updatedAt'];
  const fields: Fields = Object.fromEntries(
    columns.map((name) => {
      const one = columnOf(table, name);
      const value = one.read === undefined ? walk(whole, name.split('.')) : one.read(whole);
      if (value === undefined) {
        throw new Fault('BAD_RESPONSE', `Shopify’s answer lacks "${name}" of a record of "${table.name}".`);
      }
      return [name, decode(one.appType, value)];
    }),
  );
  return { id: idOf(table, whole), fields, ...(typeof updatedAt === 'string' ? { modifiedAt: updatedAt } : {}) };
}

function walk(node: Node, path: readonly string[]): FieldValue | undefined {
  let value: unknown = node;
  for (const part of path) {
    if (value === null) return null;
    value = isNode(value) ? value[part] : undefined;
  }
  return value as FieldValue | undefined;
}

export function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * The global id; for a stock level its item and location, since its own id is not dependable; for a line its order
 * too, since a line can only be reached through that.
 */
function idOf(table: Table, node: Node): string {
  const parts =
    table.name === 'inventory_levels'
      ? [walk(node, ['item', 'id']), walk(node, ['location', 'id'])]
      : table.name === 'order_lines'
        ? [node['__parentId'], node['id']]
        : [node['id']];
  if (!parts.every((part) => typeof part === 'string' && part !== '')) {
    throw new Fault('BAD_RESPONSE', `Shopify’s answer holds a record of "${table.name}" without an id.`);
  }
  return parts.length === 1 ? String(parts[0]) : parts.map((part) => numberOf(String(part))).join(':');
}

/** The number at the end of a global id. */
export function numberOf(gid: string): string {
  return /(\d+)(?:\?.*)?$/.exec(gid)?.[1] ?? gid;
}

export function gid(type: string, number: string): string {
  return `gid://shopify/${type}/${number}`;
}

/** Whether an id can be one of this table; one that cannot is not asked for. */
export function isIdOf(table: Table, id: string): boolean {
  if (table.name === 'inventory_levels' || table.name === 'order_lines') return /^\d+:\d+$/.test(id);
  return new RegExp(`^gid://shopify/${table.type}/\\d+$`).test(id);
}
