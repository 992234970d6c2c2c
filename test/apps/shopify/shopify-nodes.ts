import { listOf, type ListArguments, type RequestContext } from './shopify-lists.ts';
import type {
  Customer,
  HeldMetafield,
  Item,
  Level,
  Line,
  Location,
  Order,
  Product,
  ShopifyStore,
  Variant,
} from './shopify-store.ts';

const PRESENTMENT = 'CHF';

const bag = (amount: string, currencyCode: string) => ({
  shopMoney: { amount, currencyCode },
  presentmentMoney: { amount, currencyCode: PRESENTMENT },
});

/** One decimal at least, no needless zero: as the shop shows amounts. */
function amount(text: string): string {
  const [whole = '0', fraction = ''] = text.split('.');
  const kept = fraction.replace(/0+$/, '');
  return `${whole}.${kept === '' ? '0' : kept}`;
}

/** How the shop shows its things; each has the shape of its GraphQL type, lists are functions of their arguments. */
export class Nodes {
  private readonly store: ShopifyStore;

  constructor(store: ShopifyStore) {
    this.store = store;
  }

  byId(id: string): object | null {
    const { store } = this;
    const product = store.products.get(id);
    if (product) return this.product(product);
    const variant = store.variants.get(id);
    if (variant) return this.variant(variant);
    const item = store.items.get(id);
    if (item) return this.item(item);
    const customer = store.customers.get(id);
    if (customer) return this.customer(customer);
    const location = store.locations.get(id);
    if (location) return this.location(location);
    const order = store.orders.get(id);
    return order ? this.order(order) : null;
  }

  product(product: Product): object {
    const variants = [...this.store.variants.values()].filter((one) => one.product === product.id);
    return {
      ...product,
      __typename: 'Product',
      legacyResourceId: String(product.number),
      category: product.category === null ? null : { id: product.category, name: 'Goods' },
      totalInventory: variants.reduce((sum, { item }) => sum + this.available(item), 0),
      tracksInventory: variants.some(({ item }) => this.store.items.get(item)?.tracked),
      hasOnlyDefaultVariant: variants.length === 1 && variants[0]?.options[0]?.value === 'Default Title',
      options: product.optionNames.map((name, at) => ({
        id: `gid://shopify/ProductOption/${String(product.number)}${String(at)}`,
        name,
        position: at + 1,
        values: [...new Set(variants.map(({ options }) => options[at]?.value ?? ''))],
        optionValues: [],
      })),
      onlineStoreUrl: null,
      publishedAt: product.createdAt,
      variants: (args: ListArguments, context: RequestContext) =>
        listOf(context, 'ProductVariant', variants, args, (one) => this.variant(one)),
      variantsCount: { count: variants.length, precision: 'EXACT' },
      metafield: this.metafield(product.id),
    };
  }

  variant(variant: Variant): object {
    const product = this.store.products.get(variant.product) as Product;
    const siblings = [...this.store.variants.values()].filter((one) => one.product === variant.product);
    const title = variant.options.map(({ value }) => value).join(' / ');
    return {
      ...variant,
      __typename: 'ProductVariant',
      legacyResourceId: String(variant.number),
      title,
      displayName: `${product.title} - ${title}`,
      sku: this.store.items.get(variant.item)?.sku ?? null,
      position: siblings.indexOf(variant) + 1,
      inventoryQuantity: this.available(variant.item),
      availableForSale: true,
      selectedOptions: variant.options,
      product: () => this.product(product),
      inventoryItem: () => this.item(this.store.items.get(variant.item) as Item),
      metafield: this.metafield(variant.id),
    };
  }

  item(item: Item): object {
    const levels = [...this.store.levels.values()].filter((one) => one.item === item.id);
    return {
      ...item,
      __typename: 'InventoryItem',
      legacyResourceId: String(item.number),
      unitCost: item.cost === null ? null : { amount: amount(item.cost), currencyCode: 'EUR' },
      inventoryLevel: ({ locationId }: { locationId: string }) => {
        const level = levels.find(({ location }) => location === locationId);
        return level === undefined ? null : this.level(level);
      },
      inventoryLevels: (args: ListArguments, context: RequestContext) =>
        listOf(context, 'InventoryLevel', levels, args, (one) => this.level(one)),
    };
  }

  level(level: Level): object {
    return {
      ...level,
      __typename: 'InventoryLevel',
      isActive: true,
      item: () => this.item(this.store.items.get(level.item) as Item),
      location: () => this.location(this.store.locations.get(level.location) as Location),
      quantities: ({ names }: { names: string[] }) =>
        names.map((name) => ({
          id: `gid://shopify/InventoryQuantity/${String(level.number)}?name=${name}`,
          name,
          quantity: level.quantities[name] ?? 0,
          updatedAt: name === 'available' ? level.availableAt : null,
        })),
    };
  }

  location(location: Location): object {
    return {
      ...location,
      __typename: 'Location',
      address: { address1: 'Am Wall 1', city: 'Bremen', countryCode: 'DE', provinceCode: null, zip: '28195' },
      fulfillsOnlineOrders: true,
      shipsInventory: true,
      isFulfillmentService: false,
      inventoryLevels: (args: ListArguments, context: RequestContext) =>
        listOf(
          context,
          'InventoryLevel',
          [...this.store.levels.values()].filter((one) => one.location === location.id),
          args,
          (one) => this.level(one),
        ),
    };
  }

  customer(customer: Customer): object {
    const { email, phone, firstName, lastName } = customer;
    return {
      ...customer,
      __typename: 'Customer',
      legacyResourceId: String(customer.number),
      displayName: [firstName, lastName].filter(Boolean).join(' ') || (email ?? phone ?? ''),
      defaultEmailAddress: email === null ? null : { emailAddress: email, marketingState: 'NOT_SUBSCRIBED' },
      defaultPhoneNumber: phone === null ? null : { phoneNumber: phone },
      defaultAddress: null,
      state: 'DISABLED',
      numberOfOrders: String([...this.store.orders.values()].filter((one) => one.customer === customer.id).length),
      amountSpent: { amount: '0.0', currencyCode: 'EUR' },
      verifiedEmail: true,
      metafield: this.metafield(customer.id),
    };
  }

  order(order: Order): object {
    const total = order.lines.reduce((sum, { price, quantity }) => sum + Number(price) * quantity, 0).toFixed(2);
    const money = bag(amount(total), order.currency);
    const nothing = bag('0.0', order.currency);
    return {
      ...order,
      __typename: 'Order',
      legacyResourceId: String(order.number),
      name: `#${String(order.orderNumber)}`,
      number: order.orderNumber,
      processedAt: order.createdAt,
      cancelledAt: null,
      cancelReason: null,
      closedAt: null,
      test: false,
      confirmed: true,
      currencyCode: order.currency,
      presentmentCurrencyCode: PRESENTMENT,
      displayFinancialStatus: 'PAID',
      displayFulfillmentStatus: 'UNFULFILLED',
      returnStatus: 'NO_RETURN',
      sourceName: 'web',
      sourceIdentifier: null,
      customer: () => {
        const customer = this.store.customers.get(order.customer ?? '');
        return customer === undefined ? null : this.customer(customer);
      },
      billingAddress: null,
      shippingAddress: { firstName: 'Ada', city: 'Bremen', countryCodeV2: 'DE' },
      discountCodes: [],
      taxesIncluded: true,
      paymentGatewayNames: ['manual'],
      subtotalPriceSet: money,
      totalPriceSet: money,
      totalTaxSet: null,
      totalDiscountsSet: nothing,
      totalShippingPriceSet: nothing,
      totalRefundedSet: nothing,
      totalOutstandingSet: nothing,
      currentSubtotalPriceSet: money,
      currentTotalPriceSet: money,
      currentTotalTaxSet: nothing,
      currentTotalDiscountsSet: nothing,
      metafield: this.metafield(order.id),
      lineItems: (args: ListArguments, context: RequestContext) =>
        listOf(context, 'LineItem', order.lines, args, (one) => this.line(one, order)),
    };
  }

  private line(line: Line, order: Order): object {
    const variant = this.store.variants.get(line.variant ?? '');
    const price = bag(amount(line.price), order.currency);
    return {
      ...line,
      __typename: 'LineItem',
      name: line.title,
      variantTitle: null,
      currentQuantity: line.quantity,
      unfulfilledQuantity: line.quantity,
      refundableQuantity: line.quantity,
      originalUnitPriceSet: price,
      discountedUnitPriceSet: price,
      discountedTotalSet: price,
      taxable: true,
      isGiftCard: false,
      requiresShipping: true,
      // Gone with its product, while the line stays.
      variant: variant === undefined ? null : () => this.variant(variant),
      product: variant === undefined ? null : () => this.product(this.store.products.get(variant.product) as Product),
      customAttributes: [],
    };
  }

  private available(item: string): number {
    return [...this.store.levels.values()]
      .filter((one) => one.item === item)
      .reduce((sum, { quantities }) => sum + (quantities['available'] ?? 0), 0);
  }

  private metafield(owner: string) {
    return ({
      namespace,
      key,
    }: {
      namespace?: string;
      key: string;
    }): (HeldMetafield & { compareDigest: string }) | null => {
      const found = this.store.metafields
        .get(owner)
        ?.find((one) => one.namespace === (namespace ?? 'custom') && one.key === key);
      return found === undefined ? null : { ...found, compareDigest: 'x' };
    };
  }
}
