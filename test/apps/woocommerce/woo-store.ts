import { recordedAnswer, SCHEMAS } from './woo-schema.ts';
import { WooRefusal } from './woo-refusal.ts';

export type WooRecord = Record<string, unknown> & { id: number };
export type WooKind =
  'products' | 'variations' | 'customers' | 'orders' | 'coupons' | 'categories' | 'tags' | 'webhooks';
export type Actor = 'api' | 'person';

export interface WooEffect {
  readonly actor: Actor;
  readonly op: 'create' | 'update' | 'trash' | 'delete';
  readonly kind: WooKind;
  readonly id: number;
}

/** The shop's own zone: five hours behind GMT, so that whoever mixes the two is found out. */
const SITE_OFFSET = -5 * 3_600_000;

const SINGULAR: Readonly<Record<WooKind, string>> = {
  products: 'product',
  variations: 'product_variation',
  customers: 'customer',
  orders: 'shop_order',
  coupons: 'shop_coupon',
  categories: 'term',
  tags: 'term',
  webhooks: 'shop_webhook',
};
const WITH_BIN: ReadonlySet<WooKind> = new Set(['products', 'orders', 'coupons']);
const DATED: ReadonlySet<WooKind> = new Set(['products', 'variations', 'customers', 'orders', 'coupons', 'webhooks']);

function blankFromSchema(kind: WooKind): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(SCHEMAS[kind].schema_properties).map(([name, { type }]) => {
      const one = typeof type === 'string' ? type : type?.[0];
      const empty: Record<string, unknown> = { integer: 0, boolean: false, array: [], object: null, 'date-time': null };
      return [name, one !== undefined && one in empty ? empty[one] : ''];
    }),
  );
}

const BLANKS: Readonly<Record<WooKind, Readonly<Record<string, unknown>>>> = {
  products: {
    ...recordedAnswer('product.create'),
    name: 'Product',
    sku: '',
    price: '',
    regular_price: '',
    manage_stock: false,
    stock_quantity: null,
    meta_data: [],
    slug: '',
  },
  variations: { ...recordedAnswer('variation.create'), price: '', regular_price: '', attributes: [], name: '' },
  customers: {
    ...recordedAnswer('customer.create'),
    first_name: '',
    billing: emptied(recordedAnswer('customer.create')['billing']),
    meta_data: [],
  },
  orders: {
    ...recordedAnswer('order.create'),
    status: 'pending',
    total: '0.00',
    billing: emptied(recordedAnswer('order.create')['billing']),
    line_items: [],
    date_paid: null,
    date_paid_gmt: null,
  },
  coupons: {
    ...blankFromSchema('coupons'),
    discount_type: 'fixed_cart',
    status: 'publish',
    amount: '0.00',
    minimum_amount: '0.00',
    maximum_amount: '0.00',
    usage_limit: null,
    usage_limit_per_user: null,
    limit_usage_to_x_items: null,
  },
  categories: { ...blankFromSchema('categories'), display: 'default', image: null },
  tags: blankFromSchema('tags'),
  webhooks: blankFromSchema('webhooks'),
};

function emptied(value: unknown): Record<string, string> {
  return Object.fromEntries(Object.keys(value as object).map((name) => [name, '']));
}

const AMOUNTS = /^(regular_price|sale_price|weight|amount|minimum_amount|maximum_amount)$/;

/** The records of a shop and the rules by which they change. */
export class WooStore {
  readonly effects: WooEffect[] = [];
  readonly #records = new Map<WooKind, Map<number, WooRecord>>();
  readonly #now: () => number;
  readonly #onChange: (topic: string, record: WooRecord) => void;
  #last = 10;
  #meta = 100;

  constructor(now: () => number, onChange: (topic: string, record: WooRecord) => void) {
    this.#now = now;
    this.#onChange = onChange;
  }

  all(kind: WooKind): WooRecord[] {
    return [...this.#of(kind).values()];
  }

  get(kind: WooKind, id: number, status = 404, parent?: number): WooRecord {
    const record = this.#of(kind).get(id);
    if (record && (parent === undefined || record['parent_id'] === parent)) return record;
    if (kind === 'customers') throw new WooRefusal(status, 'wc_user_invalid_id', 'Invalid user ID.');
    throw new WooRefusal(status, `woocommerce_rest_${SINGULAR[kind]}_invalid_id`, 'Invalid ID.');
  }

  create(kind: WooKind, body: Readonly<Record<string, unknown>>, actor: Actor, parent?: number): WooRecord {
    this.#checkUnique(kind, body, undefined);
    this.#last += 1;
    const id = this.#last;
    const record: WooRecord = { ...structuredClone(BLANKS[kind]), id };
    delete record['_links'];
    this.#date(record, kind, ['date_created', 'date_modified']);
    if (parent !== undefined) record['parent_id'] = parent;
    this.#set(record, kind, body);
    if (kind === 'products' && !record['slug'])
      record['slug'] = `${String(record['name']).toLowerCase().replaceAll(/\W+/g, '-')}-${String(id)}`;
    if (kind === 'orders') record['number'] = String(id);
    this.#of(kind).set(id, record);
    if (parent !== undefined) this.#touch(parent);
    this.#say({ actor, op: 'create', kind, id }, 'created', record);
    return record;
  }

  update(kind: WooKind, id: number, body: Readonly<Record<string, unknown>>, actor: Actor, parent?: number): WooRecord {
    const record = this.get(kind, id, 400, parent);
    this.#checkUnique(kind, body, id);
    this.#set(record, kind, body);
    this.#date(record, kind, ['date_modified']);
    if (parent !== undefined) this.#touch(parent);
    this.#say({ actor, op: 'update', kind, id }, 'updated', record);
    return record;
  }

  remove(kind: WooKind, id: number, force: boolean, actor: Actor, parent?: number): WooRecord {
    const record = this.get(kind, id, 404, parent);
    if (!force) {
      if (!WITH_BIN.has(kind))
        throw new WooRefusal(501, 'woocommerce_rest_trash_not_supported', `${kind} do not support trashing.`);
      if (record['status'] === 'trash')
        throw new WooRefusal(
          410,
          'woocommerce_rest_already_trashed',
          `The ${SINGULAR[kind]} has already been deleted.`,
        );
      record['status'] = 'trash';
      this.#date(record, kind, ['date_modified']);
      this.#say({ actor, op: 'trash', kind, id }, 'deleted', { id });
      return record;
    }
    this.#of(kind).delete(id);
    // Deleting products and orders for good rings no bell.
    this.effects.push({ actor, op: 'delete', kind, id });
    if (kind === 'customers' || kind === 'coupons') this.#onChange(`${kind.slice(0, -1)}.deleted`, { id });
    return record;
  }

  #of(kind: WooKind): Map<number, WooRecord> {
    const found = this.#records.get(kind) ?? new Map<number, WooRecord>();
    this.#records.set(kind, found);
    return found;
  }

  #touch(product: number): void {
    const parent = this.#of('products').get(product);
    if (parent) this.#date(parent, 'products', ['date_modified']);
  }

  #say(effect: WooEffect, event: string, record: WooRecord): void {
    this.effects.push(effect);
    const resource = {
      products: 'product',
      variations: 'product',
      customers: 'customer',
      orders: 'order',
      coupons: 'coupon',
    }[effect.kind as 'products'];
    if (resource !== undefined) this.#onChange(`${resource}.${event}`, record);
  }

  #date(record: WooRecord, kind: WooKind, names: readonly string[]): void {
    if (!DATED.has(kind)) return;
    for (const name of names) {
      record[`${name}_gmt`] = new Date(this.#now()).toISOString().slice(0, 19);
      record[name] = new Date(this.#now() + SITE_OFFSET).toISOString().slice(0, 19);
    }
  }

  #set(record: WooRecord, kind: WooKind, body: Readonly<Record<string, unknown>>): void {
    const known = SCHEMAS[kind].schema_properties;
    for (const [name, value] of Object.entries(body)) {
      const property = known[name];
      if (name === 'id' || property === undefined || property.readonly) continue;
      if (name === 'meta_data') this.#setMeta(record, value);
      else if (name === 'stock_quantity' && !(body['manage_stock'] ?? record['manage_stock'])) continue;
      // A price that is no number becomes none, without a word.
      else if (AMOUNTS.test(name))
        record[name] = value === null || value === '' || Number.isNaN(Number(value)) ? '' : textOf(value);
      else if (property.type === 'object' && typeof value === 'object' && value !== null)
        record[name] = { ...(record[name] as object | null), ...value };
      else if (property.type === 'string') record[name] = value === null ? '' : textOf(value);
      else record[name] = value;
    }
    if (kind === 'products' || kind === 'variations') {
      if (Number(record['sale_price']) >= Number(record['regular_price'])) record['sale_price'] = '';
      record['price'] = record['sale_price'] || record['regular_price'];
    }
    if (kind === 'coupons') record['code'] = String(record['code']).toLowerCase();
  }

  #setMeta(record: WooRecord, value: unknown): void {
    const entries = [...(record['meta_data'] as { id: number; key: string; value: unknown }[])];
    for (const { id, key, value: given } of value as { id?: number; key: string; value: unknown }[]) {
      const at = entries.findIndex((entry) => (id === undefined ? entry.key === key : entry.id === id));
      const kept = typeof given === 'number' ? String(given) : given;
      if (given === null) {
        if (id !== undefined && at >= 0) entries.splice(at, 1);
      } else if (at >= 0) entries[at] = { ...(entries[at] as { id: number; key: string }), value: kept };
      else entries.push({ id: (this.#meta += 1), key, value: kept });
    }
    record['meta_data'] = entries;
  }

  #checkUnique(kind: WooKind, body: Readonly<Record<string, unknown>>, own: number | undefined): void {
    const holder = (kinds: readonly WooKind[], name: string): WooRecord | undefined => {
      const wanted = String((body[name] as string | undefined) ?? '').toLowerCase();
      return wanted === ''
        ? undefined
        : kinds
            .flatMap((one) => this.all(one))
            .find((record) => record.id !== own && String(record[name] as string).toLowerCase() === wanted);
    };
    if (kind === 'products' || kind === 'variations') {
      const other = holder(['products', 'variations'], 'sku');
      if (other?.['status'] === 'trash') {
        throw new WooRefusal(
          400,
          'woocommerce_rest_product_not_created',
          `The product with SKU (${String(body['sku'])}) you are trying to insert is already present in the lookup table`,
        );
      }
      if (other)
        throw new WooRefusal(400, 'product_invalid_sku', 'Invalid or duplicated SKU.', {
          resource_id: other.id,
          unique_sku: `${String(body['sku'])}-1`,
        });
    }
    if (kind === 'customers' && (own === undefined || 'email' in body)) {
      const email = String((body['email'] as string | undefined) ?? '');
      if (!/^[^@\s]+@[^@\s]+\.[^@\s]+$/.test(email)) {
        throw own === undefined
          ? new WooRefusal(400, 'customer_invalid_email', 'Invalid email address')
          : new WooRefusal(400, 'woocommerce_rest_customer_invalid_email', 'Email address is invalid.');
      }
      if (holder(['customers'], 'email')) {
        throw own === undefined
          ? new WooRefusal(
              400,
              'registration-error-email-exists',
              `An account is already registered with ${email}. Please log in or use a different email address.`,
            )
          : new WooRefusal(400, 'woocommerce_rest_customer_invalid_email', 'Email address is invalid.');
      }
    }
    if (kind === 'coupons' && holder(['coupons'], 'code'))
      throw new WooRefusal(400, 'woocommerce_rest_coupon_code_already_exists', 'The coupon code already exists');
    if (kind === 'categories' || kind === 'tags') {
      const twin = holder([kind], 'name');
      if (twin && own === undefined && twin['parent'] === (body['parent'] ?? twin['parent']))
        throw new WooRefusal(400, 'term_exists', 'A term with the name provided already exists with this parent.', {
          resource_id: twin.id,
        });
    }
  }
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
