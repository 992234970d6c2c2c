import { Kind, type GraphQLResolveInfo } from 'graphql';
import { badRequest, type RequestContext } from './shopify-lists.ts';
import type { Nodes } from './shopify-nodes.ts';
import type { Customer, HeldMetafield, Item, Level, Order, Product, ShopifyStore, Variant } from './shopify-store.ts';

interface UserError {
  readonly field: string[] | null;
  readonly message: string;
  readonly code?: string;
}

type Input = Readonly<Record<string, unknown>>;
interface MetafieldGiven {
  readonly namespace?: string;
  readonly key?: string;
  readonly value?: string;
  readonly type?: string;
}
interface CustomId {
  readonly namespace?: string;
  readonly key: string;
  readonly value: string;
}

const refuse = (field: string[] | null, message: string, code?: string) => ({
  userErrors: [{ field, message, ...(code === undefined ? {} : { code }) }],
});
const fine = { userErrors: [] as UserError[] };
const gid = (type: string, number: number): string => `gid://shopify/${type}/${String(number)}`;

/** What the shop does, and how it says no. */
export class Mutations {
  private readonly store: ShopifyStore;
  private readonly nodes: Nodes;
  private readonly answered = new Map<string, { readonly input: string; readonly answer: unknown }>();

  constructor(store: ShopifyStore, nodes: Nodes) {
    this.store = store;
    this.nodes = nodes;
  }

  productSet = ({
    input,
    identifier,
  }: {
    input: Input;
    identifier?: { id?: string; handle?: string; customId?: CustomId };
  }) => {
    if (identifier && input['id'] !== undefined)
      return refuse(['input', 'id'], 'The id field is not allowed.', 'ID_NOT_ALLOWED');
    const id = identifier?.id ?? (input['id'] as string | undefined);
    const held =
      id !== undefined
        ? this.store.products.get(id)
        : identifier?.handle !== undefined
          ? [...this.store.products.values()].find(({ handle }) => handle === identifier.handle)
          : identifier?.customId && this.store.products.get(this.ownerOf(identifier.customId, 'Product') ?? '');
    if (id !== undefined && held === undefined)
      return refuse(['input'], 'Product does not exist', 'PRODUCT_DOES_NOT_EXIST');
    const error = this.productTrouble(input, held);
    if (error) return { userErrors: [{ ...error, field: ['input', ...(error.field ?? [])], code: 'INVALID' }] };
    if (held) {
      this.changeProduct(held, input);
      // A list that is given takes the place of the list that was there.
      if (input['metafields']) this.store.metafields.set(held.id, []);
      this.setMetafields(held.id, input['metafields']);
      this.store.accept('update', 'Product', held, input);
      return { ...fine, product: this.nodes.product(held) };
    }
    const number = this.store.next();
    const title = String(input['title']);
    const time = this.store.time();
    const product: Product = {
      id: gid('Product', number),
      number,
      createdAt: time,
      updatedAt: time,
      title,
      handle: this.freeHandle(title),
      descriptionHtml: '',
      vendor: 'Tideway Test Shop',
      productType: '',
      status: 'ACTIVE',
      tags: [],
      category: null,
      templateSuffix: null,
      seo: { title: null, description: null },
      isGiftCard: input['giftCard'] === true,
      optionNames: ['Title'],
    };
    if (identifier?.handle !== undefined) product.handle = identifier.handle;
    this.changeProduct(product, input);
    this.store.products.set(product.id, product);
    const variants = (input['variants'] as Input[] | undefined) ?? [
      { optionValues: [{ optionName: 'Title', name: 'Default Title' }] },
    ];
    const options = input['productOptions'] as { name: string }[] | undefined;
    if (options) product.optionNames = options.map(({ name }) => name);
    for (const variant of variants) this.makeVariant(product, variant);
    this.setMetafields(product.id, input['metafields']);
    if (identifier?.customId) this.setMetafields(product.id, [identifier.customId]);
    this.store.accept('create', 'Product', product, input);
    return { ...fine, product: this.nodes.product(product) };
  };

  productUpdate = ({ product: input }: { product: Input }) => {
    const product = this.store.products.get(String(input['id']));
    if (product === undefined) return refuse(['id'], 'Product does not exist');
    const error = this.productTrouble({ title: product.title, ...input }, product);
    if (error) return { userErrors: [error] };
    this.changeProduct(product, input);
    this.setMetafields(product.id, input['metafields']);
    this.store.accept('update', 'Product', product, input);
    return { ...fine, product: this.nodes.product(product) };
  };

  productDelete = ({ input: { id } }: { input: { id: string } }) => {
    const product = this.store.products.get(id);
    if (product === undefined) return refuse(['id'], 'Product does not exist');
    for (const variant of [...this.store.variants.values()]) {
      if (variant.product === id) this.removeVariant(variant);
    }
    this.store.products.delete(id);
    this.store.metafields.delete(id);
    this.store.accept('delete', 'Product', product, {});
    return { ...fine, deletedProductId: id };
  };

  productVariantsBulkCreate = ({ productId, variants }: { productId: string; variants: Input[] }) => {
    const product = this.store.products.get(productId);
    if (product === undefined) return refuse(['productId'], 'Product does not exist', 'PRODUCT_DOES_NOT_EXIST');
    for (const [at, input] of variants.entries()) {
      if (!Array.isArray(input['optionValues'])) {
        return refuse(
          ['variants', String(at), 'optionValues'],
          'Option values are required',
          'NEED_TO_ADD_OPTION_VALUES',
        );
      }
    }
    const made = variants.map((input) => {
      const variant = this.makeVariant(product, input);
      this.setMetafields(variant.id, input['metafields']);
      this.store.accept('create', 'ProductVariant', variant, input);
      return variant;
    });
    product.updatedAt = this.store.time();
    this.store.touch(product);
    return {
      ...fine,
      product: this.nodes.product(product),
      productVariants: made.map((one) => this.nodes.variant(one)),
    };
  };

  productVariantsBulkUpdate = ({
    productId,
    variants,
    allowPartialUpdates,
  }: {
    productId: string;
    variants: Input[];
    allowPartialUpdates: boolean;
  }) => {
    const product = this.store.products.get(productId);
    if (product === undefined) return refuse(['productId'], 'Product does not exist', 'PRODUCT_DOES_NOT_EXIST');
    const userErrors: UserError[] = [];
    const good: [Variant, Input][] = [];
    for (const [at, input] of variants.entries()) {
      const variant = this.store.variants.get(String(input['id']));
      const where = ['variants', String(at)];
      if (variant?.product !== productId) {
        userErrors.push({
          field: [...where, 'id'],
          message: 'Product variant does not exist',
          code: 'PRODUCT_VARIANT_DOES_NOT_EXIST',
        });
      } else if (input['inventoryQuantities'] !== undefined) {
        userErrors.push({
          field: [...where, 'inventoryQuantities'],
          message: 'Inventory quantities can only be provided during create.',
          code: 'NO_INVENTORY_QUANTITIES_ON_VARIANTS_UPDATE',
        });
      } else if (Number(input['price'] ?? 0) < 0) {
        userErrors.push({
          field: [...where, 'price'],
          message: 'Price must be greater than or equal to 0',
          code: 'GREATER_THAN_OR_EQUAL_TO',
        });
      } else good.push([variant, input]);
    }
    if (userErrors.length > 0 && !allowPartialUpdates) return { userErrors };
    for (const [variant, input] of good) {
      this.changeVariant(variant, input);
      this.setMetafields(variant.id, input['metafields']);
      this.store.accept('update', 'ProductVariant', variant, input);
    }
    product.updatedAt = this.store.time();
    this.store.touch(product);
    return {
      userErrors,
      product: this.nodes.product(product),
      productVariants: good.map(([one]) => this.nodes.variant(one)),
    };
  };

  productVariantsBulkDelete = ({ productId, variantsIds }: { productId: string; variantsIds: string[] }) => {
    const product = this.store.products.get(productId);
    if (product === undefined) return refuse(['productId'], 'Product does not exist', 'PRODUCT_DOES_NOT_EXIST');
    for (const [at, id] of variantsIds.entries()) {
      const variant = this.store.variants.get(id);
      if (variant?.product !== productId) {
        return refuse(['variantsIds', String(at)], 'Product variant does not exist', 'PRODUCT_VARIANT_DOES_NOT_EXIST');
      }
      this.removeVariant(variant);
      this.store.accept('delete', 'ProductVariant', variant, {});
    }
    return { ...fine, product: this.nodes.product(product) };
  };

  inventorySetQuantities = (
    { input }: { input: { reason: string; name: string; quantities: Input[] } },
    _context: RequestContext,
    info: GraphQLResolveInfo,
  ) =>
    this.once(info, input, () => {
      const at = (index: number, field: string): string[] => ['input', 'quantities', String(index), field];
      if (!REASONS.includes(input.reason))
        return refuse(['input', 'reason'], 'The specified reason is invalid.', 'INVALID_REASON');
      if (input.name !== 'available' && input.name !== 'on_hand') {
        return refuse(['input', 'name'], 'The specified quantity name is invalid.', 'INVALID_NAME');
      }
      for (const [index, given] of input.quantities.entries()) {
        if (!Object.hasOwn(given, 'changeFromQuantity')) {
          throw badRequest(
            'InventoryQuantityInput must include the following argument: changeFromQuantity.',
            'INVALID_FIELD_ARGUMENTS',
          );
        }
        const item = this.store.items.get(String(given['inventoryItemId']));
        const location = this.store.locations.get(String(given['locationId']));
        const quantity = Number(given['quantity']);
        if (!item)
          return refuse(
            at(index, 'inventoryItemId'),
            'The specified inventory item could not be found.',
            'INVALID_INVENTORY_ITEM',
          );
        if (!location)
          return refuse(at(index, 'locationId'), 'The specified location could not be found.', 'INVALID_LOCATION');
        if (Math.abs(quantity) > 1_000_000_000) {
          return refuse(
            at(index, 'quantity'),
            'The quantity is too high or too low.',
            quantity > 0 ? 'INVALID_QUANTITY_TOO_HIGH' : 'INVALID_QUANTITY_TOO_LOW',
          );
        }
        const level = this.store.levels.get(`${item.id} ${location.id}`);
        if (!level)
          return refuse(
            at(index, 'locationId'),
            'The inventory item is not stocked at the location.',
            'ITEM_NOT_STOCKED_AT_LOCATION',
          );
        const from = given['changeFromQuantity'];
        if (typeof from === 'number' && from !== (level.quantities[input.name] ?? 0)) {
          return refuse(
            at(index, 'changeFromQuantity'),
            'The changeFromQuantity argument no longer matches the persisted quantity.',
            'CHANGE_FROM_QUANTITY_STALE',
          );
        }
      }
      for (const given of input.quantities) {
        const level = this.store.levels.get(
          `${String(given['inventoryItemId'])} ${String(given['locationId'])}`,
        ) as Level;
        const change = Number(given['quantity']) - (level.quantities[input.name] ?? 0);
        this.moveStock(level, change);
        this.store.accept('update', 'InventoryLevel', level, { name: input.name, ...given });
      }
      return { ...fine, inventoryAdjustmentGroup: { createdAt: this.store.time(), reason: input.reason } };
    });

  inventoryActivate = (
    given: { inventoryItemId: string; locationId: string; available?: number; onHand?: number },
    _context: RequestContext,
    info: GraphQLResolveInfo,
  ) =>
    this.once(info, given, () => {
      const item = this.store.items.get(given.inventoryItemId);
      const location = this.store.locations.get(given.locationId);
      if (!item) return refuse(['inventoryItemId'], 'The product couldn’t be stocked because it was deleted.');
      if (!location) return refuse(['locationId'], 'The product couldn’t be stocked because the location was deleted.');
      const held = this.store.levels.get(`${item.id} ${location.id}`);
      if (held && given.available !== undefined) {
        return refuse(
          ['available'],
          'Not allowed to set available quantity when the item is already active at the location.',
        );
      }
      const level = held ?? this.stock(item.id, location.id, given.available ?? given.onHand ?? 0);
      this.store.accept(held ? 'update' : 'create', 'InventoryLevel', level, given);
      return { ...fine, inventoryLevel: this.nodes.level(level) };
    });

  customerSet = ({
    input,
    identifier,
  }: {
    input: Input;
    identifier?: { id?: string; email?: string; phone?: string; customId?: CustomId };
  }) => {
    const owner = identifier?.customId && this.ownerOf(identifier.customId, 'Customer');
    const held = [...this.store.customers.values()].find(
      (one) =>
        identifier !== undefined &&
        (one.id === identifier.id ||
          (identifier.email !== undefined && one.email === identifier.email.toLowerCase()) ||
          (identifier.phone !== undefined && one.phone === identifier.phone) ||
          one.id === owner),
    );
    const answer = held ? this.customerUpdate({ input: { ...input, id: held.id } }) : this.customerCreate({ input });
    return { ...answer, userErrors: answer.userErrors.map((error) => ({ ...error, code: 'INVALID' })) };
  };

  customerCreate = ({ input }: { input: Input }): { userErrors: UserError[]; customer?: object } => {
    if (!input['email'] && !input['phone'] && !input['firstName'] && !input['lastName']) {
      return refuse(null, 'A name, phone number, or email address must be present');
    }
    const error = this.customerTrouble(input, null);
    if (error) return { userErrors: [error] };
    const number = this.store.next();
    const time = this.store.time();
    const customer: Customer = {
      id: gid('Customer', number),
      number,
      createdAt: time,
      updatedAt: time,
      firstName: null,
      lastName: null,
      email: null,
      phone: null,
      note: null,
      tags: [],
      locale: 'en',
      taxExempt: false,
    };
    this.changeCustomer(customer, input);
    this.store.customers.set(customer.id, customer);
    this.setMetafields(customer.id, input['metafields']);
    this.store.accept('create', 'Customer', customer, input);
    return { ...fine, customer: this.nodes.customer(customer) };
  };

  customerUpdate = ({ input }: { input: Input }): { userErrors: UserError[]; customer?: object } => {
    const customer = this.store.customers.get(String(input['id']));
    if (!customer) return refuse(['id'], 'Customer does not exist');
    const error = this.customerTrouble(input, customer);
    if (error) return { userErrors: [error] };
    this.changeCustomer(customer, input);
    this.setMetafields(customer.id, input['metafields']);
    this.store.accept('update', 'Customer', customer, input);
    return { ...fine, customer: this.nodes.customer(customer) };
  };

  customerDelete = ({ input: { id } }: { input: { id: string } }) => {
    const customer = this.store.customers.get(id);
    if (!customer) return refuse(['id'], "Customer can't be found");
    this.store.customers.delete(id);
    this.store.accept('delete', 'Customer', customer, {});
    return { ...fine, deletedCustomerId: id };
  };

  orderUpdate = ({ input }: { input: Input }) => {
    const order = this.store.orders.get(String(input['id']));
    if (!order) return refuse(['id'], 'Order does not exist');
    if (((input['note'] as string | null | undefined) ?? '').length > 5000)
      return refuse(['note'], 'Note is too long (maximum is 5000 characters)');
    for (const name of ['email', 'phone', 'note', 'poNumber'] as const) {
      if (input[name] !== undefined) order[name] = input[name] as string | null;
    }
    if (input['tags']) order.tags = tidy(input['tags'] as string[]);
    if (input['customAttributes']) order.customAttributes = input['customAttributes'] as Order['customAttributes'];
    this.setMetafields(order.id, input['metafields']);
    this.store.accept('update', 'Order', order, input);
    return { ...fine, order: this.nodes.order(order) };
  };

  metafieldsSet = ({ metafields }: { metafields: (MetafieldGiven & { ownerId: string })[] }) => {
    if (metafields.length > 25)
      return refuse(['metafields'], 'Exceeded the maximum metafields input limit of 25.', 'LESS_THAN_OR_EQUAL_TO');
    for (const one of metafields) this.setMetafields(one.ownerId, [one]);
    return { ...fine, metafields: [] };
  };

  metafieldsDelete = ({ metafields }: { metafields: { ownerId: string; namespace: string; key: string }[] }) => {
    for (const { ownerId, namespace, key } of metafields) {
      const held = this.store.metafields.get(ownerId) ?? [];
      this.store.metafields.set(
        ownerId,
        held.filter((one) => one.namespace !== namespace || one.key !== key),
      );
      const product = this.store.products.get(ownerId);
      if (product) {
        product.updatedAt = this.store.time();
        this.store.touch(product);
      }
    }
    return { ...fine, deletedMetafields: metafields };
  };

  /** Puts an item in stock at a location. */
  stock(item: string, location: string, available: number): Level {
    const number = this.store.next();
    const time = this.store.time();
    const level: Level = {
      id: `${gid('InventoryLevel', number)}?inventory_item_id=${item.split('/').at(-1) ?? ''}`,
      number,
      createdAt: time,
      updatedAt: time,
      availableAt: time,
      item,
      location,
      quantities: { available, on_hand: available },
    };
    this.store.levels.set(`${item} ${location}`, level);
    this.store.touch(level);
    return level;
  }

  /** Which thing of a kind has this value in a unique metafield. */
  ownerOf({ namespace = 'custom', key, value }: CustomId, type: string): string | undefined {
    return [...this.store.metafields].find(
      ([owner, held]) =>
        owner.includes(`/${type}/`) &&
        held.some((one) => one.namespace === namespace && one.key === key && one.value === value),
    )?.[0];
  }

  /** An inventory mutation needs a key, and what it did once it answers again. */
  private once(info: GraphQLResolveInfo, input: unknown, work: () => object): unknown {
    const directive = info.fieldNodes[0]?.directives?.find(({ name }) => name.value === 'idempotent');
    const value = directive?.arguments?.[0]?.value;
    const key =
      value?.kind === Kind.STRING
        ? value.value
        : value?.kind === Kind.VARIABLE
          ? String(info.variableValues[value.name.value])
          : undefined;
    if (key === undefined)
      throw badRequest('The @idempotent directive is required for this mutation but was not provided.');
    const text = JSON.stringify(input);
    const before = this.answered.get(key);
    if (before) {
      if (before.input !== text) {
        throw badRequest(
          'The same idempotency key was used with other parameters.',
          'IDEMPOTENCY_KEY_PARAMETER_MISMATCH',
        );
      }
      return before.answer;
    }
    const answer = work();
    this.answered.set(key, { input: text, answer });
    return answer;
  }

  private moveStock(level: Level, change: number): void {
    level.quantities['available'] = (level.quantities['available'] ?? 0) + change;
    level.quantities['on_hand'] = (level.quantities['on_hand'] ?? 0) + change;
    level.availableAt = this.store.time();
  }

  private makeVariant(product: Product, input: Input): Variant {
    const time = this.store.time();
    const item: Item = {
      id: '',
      number: this.store.next(),
      createdAt: time,
      updatedAt: time,
      sku: null,
      tracked: true,
      requiresShipping: true,
      cost: null,
      countryCodeOfOrigin: null,
      harmonizedSystemCode: null,
    };
    Object.assign(item, { id: gid('InventoryItem', item.number) });
    this.store.items.set(item.id, item);
    const number = this.store.next();
    const variant: Variant = {
      id: gid('ProductVariant', number),
      number,
      createdAt: time,
      updatedAt: time,
      product: product.id,
      item: item.id,
      barcode: null,
      price: '0.00',
      compareAtPrice: null,
      taxable: true,
      inventoryPolicy: 'DENY',
      options: ((input['optionValues'] as { optionName?: string; name?: string }[] | undefined) ?? []).map(
        ({ optionName = 'Title', name = '' }) => ({ name: optionName, value: name }),
      ),
    };
    this.changeVariant(variant, input);
    this.store.variants.set(variant.id, variant);
    for (const { id } of this.store.locations.values()) this.stock(item.id, id, 0);
    this.store.touch(variant);
    return variant;
  }

  private removeVariant(variant: Variant): void {
    this.store.variants.delete(variant.id);
    this.store.items.delete(variant.item);
    for (const [key, level] of this.store.levels) if (level.item === variant.item) this.store.levels.delete(key);
    this.store.touch(variant, true);
  }

  private changeVariant(variant: Variant, input: Input): void {
    if (typeof input['price'] === 'string') variant.price = Number(input['price']).toFixed(2);
    if (input['compareAtPrice'] !== undefined) {
      variant.compareAtPrice = input['compareAtPrice'] === null ? null : Number(input['compareAtPrice']).toFixed(2);
    }
    if (input['barcode'] !== undefined) variant.barcode = input['barcode'] as string | null;
    if (typeof input['taxable'] === 'boolean') variant.taxable = input['taxable'];
    if (typeof input['inventoryPolicy'] === 'string') variant.inventoryPolicy = input['inventoryPolicy'];
    const item = this.store.items.get(variant.item);
    if (item && input['inventoryItem']) {
      Object.assign(item, structuredClone(input['inventoryItem']), { updatedAt: this.store.time() });
      this.store.touch(item);
    }
  }

  private productTrouble(input: Input, held: Product | undefined): UserError | undefined {
    if (!held && input['title'] === undefined) return { field: ['title'], message: "Title can't be blank" };
    if (typeof input['title'] === 'string' && input['title'].trim() === '')
      return { field: ['title'], message: "Title can't be blank" };
    if (((input['title'] as string | undefined) ?? '').length > 255)
      return { field: ['title'], message: 'Title is too long (maximum is 255 characters)' };
    const { handle } = input;
    if (
      typeof handle === 'string' &&
      handle !== '' &&
      [...this.store.products.values()].some((one) => one !== held && one.handle === handle)
    ) {
      return { field: ['input', 'handle'], message: `Handle '${handle}' already in use. Please provide a new handle.` };
    }
    const metafield = this.metafieldTrouble(input['metafields'], 'PRODUCT');
    return metafield;
  }

  private changeProduct(product: Product, input: Input): void {
    for (const name of ['title', 'descriptionHtml', 'vendor', 'productType', 'status'] as const) {
      if (typeof input[name] === 'string') product[name] = input[name];
    }
    if (typeof input['handle'] === 'string' && input['handle'] !== '') product.handle = input['handle'];
    if (input['templateSuffix'] !== undefined) product.templateSuffix = input['templateSuffix'] as string | null;
    if (input['category'] !== undefined) product.category = input['category'] as string | null;
    if (input['tags']) product.tags = tidy(input['tags'] as string[]);
    // Whether the rest of it survives is not established, so it does not.
    if (input['seo']) product.seo = { title: null, description: null, ...input['seo'] };
  }

  private freeHandle(title: string): string {
    const slug = title
      .toLowerCase()
      .replace(/[^\p{L}\p{N}]+/gu, '-')
      .replace(/^-|-$/g, '');
    const taken = new Set([...this.store.products.values()].map(({ handle }) => handle));
    let handle = slug;
    for (let number = 1; taken.has(handle); number += 1) handle = `${slug}-${String(number)}`;
    return handle;
  }

  private customerTrouble(input: Input, held: Customer | null): UserError | undefined {
    const { email } = input;
    if (typeof email !== 'string') return undefined;
    if (!/^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(email)) return { field: ['email'], message: 'Email is invalid' };
    const taken = [...this.store.customers.values()].some((one) => one !== held && one.email === email.toLowerCase());
    return taken ? { field: ['email'], message: 'Email has already been taken' } : undefined;
  }

  private changeCustomer(customer: Customer, input: Input): void {
    for (const name of ['firstName', 'lastName', 'phone', 'note'] as const) {
      if (input[name] !== undefined) customer[name] = input[name] as string | null;
    }
    if (input['email'] !== undefined) customer.email = (input['email'] as string | null)?.toLowerCase() ?? null;
    if (typeof input['locale'] === 'string' && input['locale'] !== '') customer.locale = input['locale'];
    if (typeof input['taxExempt'] === 'boolean') customer.taxExempt = input['taxExempt'];
    if (input['tags']) customer.tags = tidy(input['tags'] as string[]);
  }

  private metafieldTrouble(given: unknown, owner: string): UserError | undefined {
    for (const [at, one] of ((given as MetafieldGiven[] | undefined) ?? []).entries()) {
      const type = this.typeOf(one, owner);
      const value = one.value ?? '';
      const good =
        type === undefined
          ? false
          : type === 'number_integer'
            ? /^-?\d{1,19}$/.test(value)
            : type === 'number_decimal'
              ? /^-?\d+(\.\d+)?$/.test(value)
              : type === 'boolean'
                ? /^(true|false)$/.test(value)
                : true;
      if (!good) {
        return {
          field: ['metafields', String(at), 'value'],
          message: type === undefined ? "Type can't be blank" : `Value must be of type ${type}.`,
        };
      }
    }
    return undefined;
  }

  private typeOf({ namespace = 'custom', key, type }: MetafieldGiven, owner: string): string | undefined {
    return (
      this.store.definitions.find((one) => one.owner === owner && one.namespace === namespace && one.key === key)
        ?.type ?? type
    );
  }

  private setMetafields(ownerId: string, given: unknown): void {
    const kind =
      { Product: 'PRODUCT', ProductVariant: 'PRODUCTVARIANT', Customer: 'CUSTOMER', Order: 'ORDER' }[
        ownerId.split('/')[3] ?? ''
      ] ?? '';
    const held = this.store.metafields.get(ownerId) ?? [];
    for (const one of (given as MetafieldGiven[] | undefined) ?? []) {
      const { namespace = 'custom', key = '', value = '' } = one;
      const type = this.typeOf(one, kind) ?? 'single_line_text_field';
      const kept = type === 'date_time' ? new Date(value).toISOString().replace(/\.\d+Z$/, '+00:00') : value;
      const same = held.find((other) => other.namespace === namespace && other.key === key);
      if (same) Object.assign(same, { value: kept, updatedAt: this.store.time() });
      else {
        const made: HeldMetafield = {
          id: gid('Metafield', this.store.next()),
          namespace,
          key,
          value: kept,
          type,
          updatedAt: this.store.time(),
        };
        held.push(made);
      }
    }
    this.store.metafields.set(ownerId, held);
  }
}

const REASONS = [
  'correction',
  'cycle_count_available',
  'damaged',
  'movement_canceled',
  'movement_created',
  'movement_received',
  'movement_updated',
  'other',
  'promotion',
  'quality_control',
  'received',
  'reservation_created',
  'reservation_deleted',
  'reservation_updated',
  'restock',
  'safety_stock',
  'shrinkage',
];

function tidy(tags: readonly string[]): string[] {
  return [...new Set(tags.map((tag) => tag.trim()).filter((tag) => tag !== ''))].sort();
}
