import { buildSchema, GraphQLError, type GraphQLScalarType, type GraphQLSchema } from 'graphql';

const list = (name: string): string => `
  type ${name}Connection { edges: [${name}Edge!]! nodes: [${name}!]! pageInfo: PageInfo! }
  type ${name}Edge { cursor: String! node: ${name}! }`;

const metafields = 'metafield(namespace: String, key: String!): Metafield';

const payload = (name: string, fields: string, error = 'UserError'): string =>
  `type ${name}Payload { ${fields} userErrors: [${error}!]! }`;

/** The part of the Admin API that the fact sheet names, version 2026-07. Whatever else is asked for is refused. */
const SDL = `
  directive @idempotent(key: String!) on FIELD

  scalar Money
  scalar Decimal
  scalar DateTime
  scalar URL
  scalar HTML
  scalar UnsignedInt64

  interface Node { id: ID! }
  type PageInfo { hasNextPage: Boolean! hasPreviousPage: Boolean! startCursor: String endCursor: String }
  type Count { count: Int! precision: CountPrecision! }
  enum CountPrecision { EXACT AT_LEAST }
  type UserError { field: [String!] message: String! }
  ${[
    'ProductSetUserError',
    'CustomerSetUserError',
    'ProductVariantsBulkUserError',
    'InventorySetQuantitiesUserError',
    'BulkOperationUserError',
    'MetafieldsSetUserError',
  ]
    .map((name) => `type ${name} { field: [String!] message: String! code: String }`)
    .join('\n')}

  type MoneyV2 { amount: Decimal! currencyCode: String! }
  type MoneyBag { shopMoney: MoneyV2! presentmentMoney: MoneyV2! }
  type MailingAddress {
    firstName: String lastName: String name: String company: String address1: String address2: String city: String
    province: String provinceCode: String country: String countryCodeV2: String zip: String phone: String
  }
  type Attribute { key: String! value: String }
  type SEO { title: String description: String }

  type Shop { id: ID! name: String! myshopifyDomain: String! currencyCode: String! }
  type AccessScope { handle: String! }
  type AppInstallation { accessScopes: [AccessScope!]! }
  type ApiVersion { handle: String! displayName: String! supported: Boolean! }

  type Metafield { id: ID! namespace: String! key: String! value: String! type: String! compareDigest: String! updatedAt: DateTime! }
  type MetafieldDefinitionType { name: String! }
  type MetafieldDefinition { id: ID! name: String! namespace: String! key: String! type: MetafieldDefinitionType! }
  enum MetafieldOwnerType { PRODUCT PRODUCTVARIANT CUSTOMER ORDER LOCATION }
  input MetafieldInput { id: ID namespace: String key: String value: String type: String }
  input MetafieldsSetInput { ownerId: ID! namespace: String key: String! value: String! type: String compareDigest: String }
  input MetafieldIdentifierInput { ownerId: ID! namespace: String! key: String! }
  type MetafieldIdentifier { ownerId: ID! namespace: String! key: String! }
  input UniqueMetafieldValueInput { namespace: String key: String! value: String! }

  enum ProductStatus { ACTIVE ARCHIVED DRAFT UNLISTED }
  type TaxonomyCategory { id: ID! name: String! }
  type ProductOptionValue { id: ID! name: String! }
  type ProductOption { id: ID! name: String! position: Int! values: [String!]! optionValues: [ProductOptionValue!]! }
  type Product implements Node {
    id: ID! legacyResourceId: UnsignedInt64! title: String! handle: String! descriptionHtml: HTML! vendor: String!
    productType: String! status: ProductStatus! tags: [String!]! category: TaxonomyCategory templateSuffix: String
    seo: SEO! isGiftCard: Boolean! totalInventory: Int! tracksInventory: Boolean! hasOnlyDefaultVariant: Boolean!
    options(first: Int): [ProductOption!]! onlineStoreUrl: URL publishedAt: DateTime createdAt: DateTime! updatedAt: DateTime!
    variants(first: Int, after: String, last: Int, before: String): ProductVariantConnection!
    variantsCount: Count ${metafields}
  }
  type SelectedOption { name: String! value: String! }
  enum ProductVariantInventoryPolicy { DENY CONTINUE }
  type ProductVariant implements Node {
    id: ID! legacyResourceId: UnsignedInt64! title: String! displayName: String! sku: String barcode: String price: Money!
    compareAtPrice: Money position: Int! taxable: Boolean! inventoryPolicy: ProductVariantInventoryPolicy!
    inventoryQuantity: Int availableForSale: Boolean! selectedOptions: [SelectedOption!]! product: Product!
    inventoryItem: InventoryItem! createdAt: DateTime! updatedAt: DateTime! ${metafields}
  }
  enum CountryCode { DE FR GB NL US XX }
  type InventoryItem implements Node {
    id: ID! legacyResourceId: UnsignedInt64! sku: String tracked: Boolean! requiresShipping: Boolean! unitCost: MoneyV2
    countryCodeOfOrigin: CountryCode harmonizedSystemCode: String createdAt: DateTime! updatedAt: DateTime!
    inventoryLevel(locationId: ID!, includeInactive: Boolean = false): InventoryLevel
    inventoryLevels(first: Int, after: String, last: Int, before: String, query: String): InventoryLevelConnection!
  }
  type InventoryQuantity { id: ID! name: String! quantity: Int! updatedAt: DateTime }
  type InventoryLevel implements Node {
    id: ID! isActive: Boolean! item: InventoryItem! location: Location! updatedAt: DateTime!
    quantities(names: [String!]!): [InventoryQuantity!]!
  }
  type LocationAddress { address1: String city: String countryCode: String provinceCode: String zip: String }
  type Location implements Node {
    id: ID! name: String! isActive: Boolean! address: LocationAddress! fulfillsOnlineOrders: Boolean! shipsInventory: Boolean!
    isFulfillmentService: Boolean! updatedAt: DateTime!
    inventoryLevels(first: Int, after: String, last: Int, before: String, query: String): InventoryLevelConnection!
  }

  type CustomerEmailAddress { emailAddress: String! marketingState: String! }
  type CustomerPhoneNumber { phoneNumber: String! }
  type Customer implements Node {
    id: ID! legacyResourceId: UnsignedInt64! firstName: String lastName: String displayName: String!
    defaultEmailAddress: CustomerEmailAddress defaultPhoneNumber: CustomerPhoneNumber defaultAddress: MailingAddress
    note: String tags: [String!]! state: String! taxExempt: Boolean! locale: String! numberOfOrders: UnsignedInt64!
    amountSpent: MoneyV2! verifiedEmail: Boolean! createdAt: DateTime! updatedAt: DateTime! ${metafields}
  }

  type LineItem implements Node {
    id: ID! title: String! variantTitle: String name: String! sku: String quantity: Int! currentQuantity: Int!
    unfulfilledQuantity: Int! refundableQuantity: Int! originalUnitPriceSet: MoneyBag! discountedUnitPriceSet: MoneyBag!
    discountedTotalSet: MoneyBag! taxable: Boolean! isGiftCard: Boolean! requiresShipping: Boolean! product: Product
    variant: ProductVariant customAttributes: [Attribute!]!
  }
  enum OrderDisplayFulfillmentStatus { UNFULFILLED FULFILLED PARTIALLY_FULFILLED }
  type Order implements Node {
    id: ID! legacyResourceId: UnsignedInt64! name: String! number: Int! createdAt: DateTime! updatedAt: DateTime!
    processedAt: DateTime! cancelledAt: DateTime cancelReason: String closedAt: DateTime test: Boolean! confirmed: Boolean!
    currencyCode: String! presentmentCurrencyCode: String! displayFinancialStatus: String
    displayFulfillmentStatus: OrderDisplayFulfillmentStatus! returnStatus: String! email: String phone: String note: String
    poNumber: String tags: [String!]! sourceName: String sourceIdentifier: String customAttributes: [Attribute!]!
    customer: Customer billingAddress: MailingAddress shippingAddress: MailingAddress discountCodes: [String!]!
    taxesIncluded: Boolean! paymentGatewayNames: [String!]!
    subtotalPriceSet: MoneyBag totalPriceSet: MoneyBag! totalTaxSet: MoneyBag totalDiscountsSet: MoneyBag
    totalShippingPriceSet: MoneyBag! totalRefundedSet: MoneyBag! totalOutstandingSet: MoneyBag!
    currentSubtotalPriceSet: MoneyBag! currentTotalPriceSet: MoneyBag! currentTotalTaxSet: MoneyBag!
    currentTotalDiscountsSet: MoneyBag! ${metafields}
    lineItems(first: Int, after: String, last: Int, before: String): LineItemConnection!
  }

  enum BulkOperationStatus { CREATED RUNNING COMPLETED CANCELING CANCELED FAILED EXPIRED }
  enum BulkOperationErrorCode { ACCESS_DENIED INTERNAL_SERVER_ERROR TIMEOUT }
  type BulkOperation implements Node {
    id: ID! status: BulkOperationStatus! errorCode: BulkOperationErrorCode objectCount: UnsignedInt64!
    rootObjectCount: UnsignedInt64! fileSize: UnsignedInt64 url: URL partialDataUrl: URL query: String! type: String!
    createdAt: DateTime! completedAt: DateTime
  }

  enum WebhookSubscriptionTopic {
    PRODUCTS_CREATE PRODUCTS_UPDATE PRODUCTS_DELETE INVENTORY_ITEMS_CREATE INVENTORY_ITEMS_UPDATE INVENTORY_ITEMS_DELETE
    INVENTORY_LEVELS_CONNECT INVENTORY_LEVELS_UPDATE INVENTORY_LEVELS_DISCONNECT ORDERS_CREATE ORDERS_UPDATED ORDERS_DELETE
    CUSTOMERS_CREATE CUSTOMERS_UPDATE CUSTOMERS_DELETE CUSTOMERS_MERGE LOCATIONS_CREATE LOCATIONS_UPDATE LOCATIONS_DELETE
    BULK_OPERATIONS_FINISH APP_UNINSTALLED
  }
  enum WebhookSubscriptionFormat { JSON XML }
  input WebhookSubscriptionInput {
    uri: String format: WebhookSubscriptionFormat includeFields: [String!] filter: String metafieldNamespaces: [String!] name: String
  }
  type WebhookSubscription implements Node { id: ID! topic: WebhookSubscriptionTopic! uri: String! format: WebhookSubscriptionFormat! createdAt: DateTime! }

  ${[
    'Product',
    'ProductVariant',
    'InventoryItem',
    'InventoryLevel',
    'Location',
    'Customer',
    'Order',
    'LineItem',
    'MetafieldDefinition',
    'WebhookSubscription',
  ]
    .map(list)
    .join('\n')}

  enum ProductSortKeys { CREATED_AT ID INVENTORY_TOTAL PRODUCT_TYPE PUBLISHED_AT RELEVANCE TITLE UPDATED_AT VENDOR }
  enum ProductVariantSortKeys { FULL_TITLE ID NAME POPULAR POSITION RELEVANCE SKU TITLE }
  enum OrderSortKeys { PROCESSED_AT UPDATED_AT CREATED_AT ID }
  enum CustomerSortKeys { CREATED_AT ID LOCATION NAME RELEVANCE UPDATED_AT }
  enum LocationSortKeys { NAME ID }
  input ProductIdentifierInput { id: ID handle: String customId: UniqueMetafieldValueInput }
  input ProductVariantIdentifierInput { id: ID customId: UniqueMetafieldValueInput }
  input CustomerIdentifierInput { id: ID emailAddress: String phoneNumber: String customId: UniqueMetafieldValueInput }
  input OrderIdentifierInput { id: ID customId: UniqueMetafieldValueInput }

  type Query {
    shop: Shop!
    currentAppInstallation: AppInstallation!
    publicApiVersions: [ApiVersion!]!
    products(first: Int, after: String, last: Int, before: String, reverse: Boolean = false, query: String, sortKey: ProductSortKeys = ID): ProductConnection!
    productVariants(first: Int, after: String, last: Int, before: String, reverse: Boolean = false, query: String, sortKey: ProductVariantSortKeys = ID): ProductVariantConnection!
    inventoryItems(first: Int, after: String, last: Int, before: String, reverse: Boolean = false, query: String): InventoryItemConnection!
    customers(first: Int, after: String, last: Int, before: String, reverse: Boolean = false, query: String, sortKey: CustomerSortKeys = ID): CustomerConnection!
    orders(first: Int, after: String, last: Int, before: String, reverse: Boolean = false, query: String, sortKey: OrderSortKeys = PROCESSED_AT): OrderConnection!
    locations(first: Int, after: String, last: Int, before: String, reverse: Boolean = false, query: String, sortKey: LocationSortKeys = NAME, includeInactive: Boolean = false, includeLegacy: Boolean = false): LocationConnection!
    metafieldDefinitions(ownerType: MetafieldOwnerType!, first: Int, after: String, last: Int, before: String): MetafieldDefinitionConnection!
    webhookSubscriptions(first: Int, after: String, last: Int, before: String): WebhookSubscriptionConnection!
    node(id: ID!): Node
    nodes(ids: [ID!]!): [Node]!
    product(id: ID!): Product
    productVariant(id: ID!): ProductVariant
    inventoryItem(id: ID!): InventoryItem
    location(id: ID!): Location
    customer(id: ID!): Customer
    order(id: ID!): Order
    bulkOperation(id: ID!): BulkOperation
    productByIdentifier(identifier: ProductIdentifierInput!): Product
    productVariantByIdentifier(identifier: ProductVariantIdentifierInput!): ProductVariant
    customerByIdentifier(identifier: CustomerIdentifierInput!): Customer
    orderByIdentifier(identifier: OrderIdentifierInput!): Order
    productsCount(query: String, limit: Int = 10000): Count
  }

  input SEOInput { title: String description: String }
  input OptionSetInput { id: ID name: String position: Int values: [OptionValueSetInput!] }
  input OptionValueSetInput { id: ID name: String }
  input VariantOptionValueInput { optionName: String name: String optionId: ID id: ID }
  input InventoryItemInput {
    sku: String cost: Decimal tracked: Boolean requiresShipping: Boolean countryCodeOfOrigin: CountryCode harmonizedSystemCode: String
  }
  input ProductVariantSetInput {
    id: ID optionValues: [VariantOptionValueInput!]! price: Money compareAtPrice: Money sku: String barcode: String position: Int
    taxable: Boolean inventoryPolicy: ProductVariantInventoryPolicy inventoryItem: InventoryItemInput metafields: [MetafieldInput!]
  }
  input ProductSetInput {
    id: ID title: String handle: String descriptionHtml: String vendor: String productType: String status: ProductStatus
    tags: [String!] templateSuffix: String seo: SEOInput category: ID giftCard: Boolean metafields: [MetafieldInput!]
    productOptions: [OptionSetInput!] variants: [ProductVariantSetInput!] collections: [ID!]
  }
  input ProductSetIdentifiers { id: ID handle: String customId: UniqueMetafieldValueInput }
  input ProductUpdateInput {
    id: ID title: String handle: String descriptionHtml: String vendor: String productType: String status: ProductStatus
    tags: [String!] templateSuffix: String seo: SEOInput category: ID metafields: [MetafieldInput!] collectionsToJoin: [ID!]
    collectionsToLeave: [ID!] redirectNewHandle: Boolean
  }
  input ProductDeleteInput { id: ID! }
  input ProductVariantsBulkInput {
    id: ID optionValues: [VariantOptionValueInput!] price: Money compareAtPrice: Money barcode: String taxable: Boolean
    inventoryPolicy: ProductVariantInventoryPolicy inventoryItem: InventoryItemInput metafields: [MetafieldInput!]
    inventoryQuantities: [InventoryLevelInput!]
  }
  input InventoryLevelInput { locationId: ID! availableQuantity: Int! }
  enum ProductVariantsBulkCreateStrategy { DEFAULT REMOVE_STANDALONE_VARIANT PRESERVE_STANDALONE_VARIANT }
  input InventoryQuantityInput { inventoryItemId: ID! locationId: ID! quantity: Int! changeFromQuantity: Int }
  input InventorySetQuantitiesInput { reason: String! name: String! referenceDocumentUri: String quantities: [InventoryQuantityInput!]! }
  input MailingAddressInput {
    address1: String address2: String city: String company: String countryCode: CountryCode firstName: String lastName: String
    phone: String provinceCode: String zip: String
  }
  input CustomerInput {
    id: ID email: String phone: String firstName: String lastName: String note: String tags: [String!] locale: String
    taxExempt: Boolean metafields: [MetafieldInput!]
  }
  input CustomerSetInput {
    id: ID email: String phone: String firstName: String lastName: String note: String tags: [String!] locale: String
    taxExempt: Boolean addresses: [MailingAddressInput!]
  }
  input CustomerSetIdentifiers { id: ID email: String phone: String customId: UniqueMetafieldValueInput }
  input CustomerDeleteInput { id: ID! }
  input AttributeInput { key: String! value: String! }
  input OrderInput {
    id: ID! email: String phone: String note: String tags: [String!] shippingAddress: MailingAddressInput
    customAttributes: [AttributeInput!] metafields: [MetafieldInput!] poNumber: String
  }
  type InventoryAdjustmentGroup { createdAt: DateTime! reason: String! }

  ${payload('ProductSet', 'product: Product', 'ProductSetUserError')}
  ${payload('ProductUpdate', 'product: Product')}
  ${payload('ProductDelete', 'deletedProductId: ID')}
  ${payload('ProductVariantsBulkCreate', 'product: Product productVariants: [ProductVariant!]', 'ProductVariantsBulkUserError')}
  ${payload('ProductVariantsBulkUpdate', 'product: Product productVariants: [ProductVariant!]', 'ProductVariantsBulkUserError')}
  ${payload('ProductVariantsBulkDelete', 'product: Product', 'ProductVariantsBulkUserError')}
  ${payload('InventorySetQuantities', 'inventoryAdjustmentGroup: InventoryAdjustmentGroup', 'InventorySetQuantitiesUserError')}
  ${payload('InventoryActivate', 'inventoryLevel: InventoryLevel')}
  ${payload('CustomerSet', 'customer: Customer', 'CustomerSetUserError')}
  ${payload('CustomerCreate', 'customer: Customer')}
  ${payload('CustomerUpdate', 'customer: Customer')}
  ${payload('CustomerDelete', 'deletedCustomerId: ID')}
  ${payload('OrderUpdate', 'order: Order')}
  ${payload('MetafieldsSet', 'metafields: [Metafield!]', 'MetafieldsSetUserError')}
  ${payload('MetafieldsDelete', 'deletedMetafields: [MetafieldIdentifier]')}
  ${payload('WebhookSubscriptionCreate', 'webhookSubscription: WebhookSubscription')}
  ${payload('WebhookSubscriptionDelete', 'deletedWebhookSubscriptionId: ID')}
  ${payload('BulkOperationRunQuery', 'bulkOperation: BulkOperation', 'BulkOperationUserError')}
  ${payload('BulkOperationCancel', 'bulkOperation: BulkOperation')}

  type Mutation {
    productSet(input: ProductSetInput!, synchronous: Boolean = true, identifier: ProductSetIdentifiers): ProductSetPayload
    productUpdate(product: ProductUpdateInput): ProductUpdatePayload
    productDelete(input: ProductDeleteInput!, synchronous: Boolean = true): ProductDeletePayload
    productVariantsBulkCreate(productId: ID!, variants: [ProductVariantsBulkInput!]!, strategy: ProductVariantsBulkCreateStrategy = DEFAULT): ProductVariantsBulkCreatePayload
    productVariantsBulkUpdate(productId: ID!, variants: [ProductVariantsBulkInput!]!, allowPartialUpdates: Boolean = false): ProductVariantsBulkUpdatePayload
    productVariantsBulkDelete(productId: ID!, variantsIds: [ID!]!): ProductVariantsBulkDeletePayload
    inventorySetQuantities(input: InventorySetQuantitiesInput!): InventorySetQuantitiesPayload
    inventoryActivate(inventoryItemId: ID!, locationId: ID!, available: Int, onHand: Int): InventoryActivatePayload
    customerSet(input: CustomerSetInput!, identifier: CustomerSetIdentifiers): CustomerSetPayload
    customerCreate(input: CustomerInput!): CustomerCreatePayload
    customerUpdate(input: CustomerInput!): CustomerUpdatePayload
    customerDelete(input: CustomerDeleteInput!): CustomerDeletePayload
    orderUpdate(input: OrderInput!): OrderUpdatePayload
    metafieldsSet(metafields: [MetafieldsSetInput!]!): MetafieldsSetPayload
    metafieldsDelete(metafields: [MetafieldIdentifierInput!]!): MetafieldsDeletePayload
    webhookSubscriptionCreate(topic: WebhookSubscriptionTopic!, webhookSubscription: WebhookSubscriptionInput!): WebhookSubscriptionCreatePayload
    webhookSubscriptionDelete(id: ID!): WebhookSubscriptionDeletePayload
    bulkOperationRunQuery(query: String!, groupObjects: Boolean = false): BulkOperationRunQueryPayload
    bulkOperationCancel(id: ID!): BulkOperationCancelPayload
  }
`;

const DECIMAL = /^-?\d+(\.\d+)?$/;

export function buildShopifySchema(): GraphQLSchema {
  const schema = buildSchema(SDL);
  for (const name of ['Money', 'Decimal']) {
    const scalar = schema.getType(name) as GraphQLScalarType;
    scalar.parseValue = (value) => {
      if ((typeof value === 'string' || typeof value === 'number') && DECIMAL.test(String(value))) return String(value);
      throw new GraphQLError(`invalid ${name.toLowerCase()} '${String(value)}'`);
    };
  }
  return schema;
}
