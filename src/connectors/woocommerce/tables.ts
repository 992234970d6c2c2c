import type { FieldType } from '../../model/field-type.ts';

/** How a value looks in the app; what it becomes above is in `fields.ts`. */
export type WooKind =
  'text' | 'email' | 'uri' | 'image' | 'amount' | 'integer' | 'reference' | 'boolean' | 'moment' | 'json' | 'meta';

export interface WooColumn {
  readonly name: string;
  readonly kind: WooKind;
  readonly writable: boolean;
  readonly required?: boolean;
  readonly refersTo?: string;
}

export interface WooTable {
  readonly name: string;
  readonly title: string;
  /** Below `/wp-json/wc/v3`. Variations live below their product. */
  readonly path: string;
  readonly ofProduct: boolean;
  readonly columns: readonly WooColumn[];
  /** Whether `modified_after` works here; where it does not, the app ignores it without a word. */
  readonly changes: boolean;
  readonly trash: boolean;
  /** Columns that can be searched, with the parameter that does it. */
  readonly findBy: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string>>;
  /** The word for it in webhook topics. */
  readonly resource?: string;
}

export const FIELD_TYPE: Readonly<Record<WooKind, FieldType>> = {
  text: 'string',
  email: 'email-address',
  uri: 'uri',
  image: 'image-uri',
  amount: 'number',
  integer: 'number',
  reference: 'number',
  boolean: 'boolean',
  moment: 'date-time',
  json: 'json',
  meta: 'string',
};

const list = (kind: WooKind, names: string): WooColumn[] =>
  names.split(' ').map((name) => ({ name, kind, writable: true }));
const readOnly = (kind: WooKind, names: string): WooColumn[] =>
  names.split(' ').map((name) => ({ name, kind, writable: false }));

const TIMES = readOnly('moment', 'date_created_gmt date_modified_gmt');
const ADDRESS = 'first_name last_name company address_1 address_2 city postcode country state phone';
const addresses = [
  ...list('text', ADDRESS.replaceAll(/\S+/g, 'billing.$&')),
  ...list('email', 'billing.email'),
  ...list('text', ADDRESS.replaceAll(/\S+/g, 'shipping.$&')),
];
const STOCK_AND_SALE = [
  ...list(
    'text',
    'description sku global_unique_id status tax_status tax_class stock_status backorders shipping_class',
  ),
  ...list('amount', 'regular_price sale_price weight dimensions.length dimensions.width dimensions.height'),
  ...readOnly('amount', 'price'),
  ...list('moment', 'date_on_sale_from_gmt date_on_sale_to_gmt'),
  ...list('integer', 'stock_quantity low_stock_amount menu_order download_limit download_expiry'),
  ...list('boolean', 'manage_stock virtual downloadable'),
  ...readOnly('boolean', 'on_sale purchasable backorders_allowed backordered'),
  ...readOnly('uri', 'permalink'),
  ...list('json', 'attributes downloads'),
  ...TIMES,
];

const inBin = { changes: true, trash: true, ofProduct: false, query: {} } as const;
const term = {
  changes: false,
  trash: false,
  ofProduct: false,
  query: { hide_empty: 'false' },
  findBy: { slug: 'slug' },
} as const;

export const WOO_TABLES: readonly WooTable[] = [
  {
    ...inBin,
    name: 'products',
    title: 'Products',
    path: 'products',
    resource: 'product',
    findBy: { sku: 'sku', slug: 'slug', name: 'search' },
    columns: [
      ...list('text', 'name slug type short_description catalog_visibility button_text purchase_note'),
      ...list('uri', 'external_url'),
      ...list('boolean', 'featured sold_individually reviews_allowed'),
      ...list('json', 'categories tags brands images default_attributes upsell_ids cross_sell_ids grouped_products'),
      { name: 'parent_id', kind: 'reference', writable: true, refersTo: 'products' },
      ...readOnly('amount', 'average_rating'),
      ...readOnly('integer', 'total_sales rating_count'),
      ...readOnly('json', 'variations'),
      ...STOCK_AND_SALE,
    ],
  },
  {
    name: 'variations',
    title: 'Variations of products',
    path: 'variations',
    ofProduct: true,
    changes: true,
    trash: false,
    findBy: {},
    query: {},
    columns: [
      { name: 'parent_id', kind: 'reference', writable: true, required: true, refersTo: 'products' },
      ...readOnly('text', 'name'),
      ...list('json', 'image'),
      ...STOCK_AND_SALE,
    ],
  },
  {
    name: 'customers',
    title: 'Customers',
    path: 'customers',
    ofProduct: false,
    changes: false,
    trash: false,
    resource: 'customer',
    findBy: { email: 'email' },
    // Without it shop managers and subscribers who buy are not shown.
    query: { role: 'all' },
    columns: [
      { name: 'email', kind: 'email', writable: true, required: true },
      ...list('text', 'first_name last_name username'),
      ...readOnly('text', 'role'),
      ...readOnly('boolean', 'is_paying_customer'),
      ...readOnly('image', 'avatar_url'),
      ...addresses,
      ...TIMES,
    ],
  },
  {
    ...inBin,
    name: 'orders',
    title: 'Orders',
    path: 'orders',
    resource: 'order',
    findBy: {},
    columns: [
      ...list('text', 'status currency customer_note payment_method payment_method_title transaction_id created_via'),
      ...readOnly('text', 'number order_key'),
      { name: 'customer_id', kind: 'reference', writable: true, refersTo: 'customers' },
      { name: 'parent_id', kind: 'reference', writable: true, refersTo: 'orders' },
      ...readOnly('amount', 'total total_tax discount_total discount_tax shipping_total shipping_tax cart_tax'),
      ...readOnly('boolean', 'prices_include_tax'),
      ...readOnly('moment', 'date_paid_gmt date_completed_gmt'),
      ...list('json', 'line_items shipping_lines fee_lines coupon_lines'),
      ...readOnly('json', 'tax_lines refunds'),
      ...addresses,
      ...TIMES,
    ],
  },
  {
    ...inBin,
    name: 'coupons',
    title: 'Coupons',
    path: 'coupons',
    resource: 'coupon',
    findBy: { code: 'code' },
    columns: [
      { name: 'code', kind: 'text', writable: true, required: true },
      ...list('amount', 'amount minimum_amount maximum_amount'),
      ...list('text', 'description discount_type status'),
      ...list('moment', 'date_expires_gmt'),
      ...list('integer', 'usage_limit usage_limit_per_user limit_usage_to_x_items'),
      ...list('boolean', 'individual_use free_shipping exclude_sale_items'),
      ...list(
        'json',
        'product_ids excluded_product_ids product_categories excluded_product_categories email_restrictions',
      ),
      ...readOnly('integer', 'usage_count'),
      ...readOnly('json', 'used_by'),
      ...TIMES,
    ],
  },
  {
    ...term,
    name: 'categories',
    title: 'Product categories',
    path: 'products/categories',
    columns: [
      { name: 'name', kind: 'text', writable: true, required: true },
      ...list('text', 'slug description display'),
      { name: 'parent', kind: 'reference', writable: true, refersTo: 'categories' },
      ...list('json', 'image'),
      ...list('integer', 'menu_order'),
      ...readOnly('integer', 'count'),
    ],
  },
  {
    ...term,
    name: 'tags',
    title: 'Product tags',
    path: 'products/tags',
    columns: [
      { name: 'name', kind: 'text', writable: true, required: true },
      ...list('text', 'slug description'),
      ...readOnly('integer', 'count'),
    ],
  },
];

/** A column by name; what is not ours comes from a plugin and travels as JSON. */
export function columnOf(table: WooTable, name: string): WooColumn {
  const known = table.columns.find((column) => column.name === name);
  if (known !== undefined) return known;
  return { name, kind: name.startsWith('meta:') ? 'meta' : 'json', writable: name.startsWith('meta:') };
}
