import type { IndexDocument } from './shopify-search.ts';

export type Actor = 'api' | 'person';

/** One effect that the shop accepted; the independent witness of every test. */
export interface ShopifyJournalEntry {
  readonly seq: number;
  readonly at: string;
  readonly actor: Actor;
  readonly op: 'create' | 'update' | 'delete';
  readonly type: string;
  readonly id: string;
  /** The input that made the effect. */
  readonly values: unknown;
}

interface Thing {
  readonly id: string;
  readonly number: number;
  readonly createdAt: string;
  updatedAt: string;
}

export interface HeldMetafield {
  readonly id: string;
  readonly namespace: string;
  readonly key: string;
  value: string;
  type: string;
  updatedAt: string;
}

export interface Definition {
  readonly owner: 'PRODUCT' | 'PRODUCTVARIANT' | 'CUSTOMER' | 'ORDER';
  readonly namespace: string;
  readonly key: string;
  readonly type: string;
  readonly name?: string;
}

export interface Product extends Thing {
  title: string;
  handle: string;
  descriptionHtml: string;
  vendor: string;
  productType: string;
  status: string;
  tags: string[];
  category: string | null;
  templateSuffix: string | null;
  seo: { title: string | null; description: string | null };
  isGiftCard: boolean;
  optionNames: string[];
}

export interface Variant extends Thing {
  readonly product: string;
  readonly item: string;
  barcode: string | null;
  price: string;
  compareAtPrice: string | null;
  taxable: boolean;
  inventoryPolicy: string;
  options: { name: string; value: string }[];
}

export interface Item extends Thing {
  sku: string | null;
  tracked: boolean;
  requiresShipping: boolean;
  cost: string | null;
  countryCodeOfOrigin: string | null;
  harmonizedSystemCode: string | null;
}

export interface Level extends Thing {
  readonly item: string;
  readonly location: string;
  readonly quantities: Record<string, number>;
  availableAt: string;
}

export interface Location extends Thing {
  readonly name: string;
  readonly isActive: boolean;
}

export interface Customer extends Thing {
  firstName: string | null;
  lastName: string | null;
  email: string | null;
  phone: string | null;
  note: string | null;
  tags: string[];
  locale: string;
  taxExempt: boolean;
}

export interface Line {
  readonly id: string;
  readonly number: number;
  readonly title: string;
  readonly sku: string | null;
  readonly quantity: number;
  readonly price: string;
  readonly variant: string | null;
}

export interface Order extends Thing {
  readonly orderNumber: number;
  readonly customer: string | null;
  readonly currency: string;
  readonly lines: readonly Line[];
  email: string | null;
  phone: string | null;
  note: string | null;
  poNumber: string | null;
  tags: string[];
  customAttributes: { key: string; value: string }[];
}

type Everything = Product | Variant | Item | Level | Location | Customer | Order;

export interface StoreOptions {
  readonly now: () => number;
  /** Milliseconds until searches know of a write. */
  readonly indexLag: number;
  readonly onChange: (type: string, op: 'create' | 'update' | 'delete', thing: Everything) => void;
}

/** The shop's data, its journal, and the search index that lags behind it. */
export class ShopifyStore {
  readonly journal: ShopifyJournalEntry[] = [];
  readonly products = new Map<string, Product>();
  readonly variants = new Map<string, Variant>();
  readonly items = new Map<string, Item>();
  readonly levels = new Map<string, Level>();
  readonly locations = new Map<string, Location>();
  readonly customers = new Map<string, Customer>();
  readonly orders = new Map<string, Order>();
  readonly metafields = new Map<string, HeldMetafield[]>();
  readonly definitions: Definition[] = [];
  actor: Actor = 'api';
  private readonly index = new Map<string, IndexDocument>();
  private pending: { readonly at: number; readonly id: string; readonly document: IndexDocument | null }[] = [];
  private readonly options: StoreOptions;
  private number = 1_000;

  constructor(options: StoreOptions) {
    this.options = options;
  }

  next(): number {
    this.number += 1;
    return this.number;
  }

  /** The shop's clock shows whole seconds. */
  time(): string {
    return `${new Date(this.options.now()).toISOString().slice(0, 19)}Z`;
  }

  /** Notes an effect, moves the modified time, tells the index and whoever listens. */
  accept(op: 'create' | 'update' | 'delete', type: string, thing: Everything, values: unknown): void {
    if (op === 'update') thing.updatedAt = this.time();
    this.journal.push({
      seq: this.journal.length + 1,
      at: new Date(this.options.now()).toISOString(),
      actor: this.actor,
      op,
      type,
      id: thing.id,
      values: structuredClone(values),
    });
    this.touch(thing, op === 'delete');
    this.options.onChange(type, op, thing);
  }

  /** A change that is the consequence of another. */
  touch(thing: Everything, gone = false): void {
    this.pending.push({
      at: this.options.now() + this.options.indexLag,
      id: thing.id,
      document: gone ? null : this.documentOf(thing),
    });
    if (this.options.indexLag === 0) this.flush();
  }

  /** What a search knows of a thing; undefined when nothing yet. */
  indexed(id: string): IndexDocument | undefined {
    this.flush();
    return this.index.get(id);
  }

  revealAll(): void {
    this.flush(Infinity);
  }

  private flush(until = this.options.now()): void {
    if (this.pending.length === 0) return;
    const due = this.pending.filter(({ at }) => at <= until);
    this.pending = this.pending.filter(({ at }) => at > until);
    for (const { id, document } of due) {
      if (document === null) this.index.delete(id);
      else this.index.set(id, document);
    }
  }

  private documentOf(thing: Everything): IndexDocument {
    const always = { id: thing.number, updated_at: thing.updatedAt, created_at: thing.createdAt };
    if ('handle' in thing) {
      return {
        ...always,
        title: thing.title,
        handle: thing.handle,
        vendor: thing.vendor,
        product_type: thing.productType,
        status: thing.status,
        tag: thing.tags,
      };
    }
    if ('barcode' in thing) {
      const item = this.items.get(thing.item);
      const product = this.products.get(thing.product)?.number ?? 0;
      return { ...always, sku: item?.sku ?? null, barcode: thing.barcode, product_id: product };
    }
    if ('tracked' in thing) return { ...always, sku: thing.sku };
    if ('firstName' in thing) return { ...always, email: thing.email, phone: thing.phone, tag: thing.tags };
    if ('orderNumber' in thing)
      return { ...always, name: `#${String(thing.orderNumber)}`, tag: thing.tags, email: thing.email };
    return always;
  }
}

/** The fields that a search of each kind knows. */
export const SEARCH_FIELDS = {
  Product: [
    'updated_at',
    'created_at',
    'id',
    'sku',
    'status',
    'tag',
    'vendor',
    'product_type',
    'handle',
    'title',
    'variant_id',
  ],
  ProductVariant: ['updated_at', 'sku', 'barcode', 'product_id', 'id'],
  InventoryItem: ['created_at', 'id', 'sku', 'updated_at'],
  InventoryLevel: ['created_at', 'id', 'inventory_item_id', 'updated_at'],
  Customer: ['updated_at', 'customer_date', 'email', 'phone', 'tag', 'state', 'id'],
  Order: [
    'updated_at',
    'created_at',
    'processed_at',
    'financial_status',
    'fulfillment_status',
    'status',
    'name',
    'tag',
    'customer_id',
    'email',
    'sku',
    'source_name',
    'test',
  ],
  Location: ['id', 'name', 'created_at'],
} as const;
