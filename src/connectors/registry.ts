import type { Connector } from './connector.ts';
import { plain } from './plain/plain.ts';
import { shopify } from './shopify/shopify.ts';

/** Every system Tideway knows, one line each. */
export const CONNECTORS: ReadonlyMap<string, Connector<unknown>> = new Map<string, Connector<unknown>>([
  ['plain', plain],
  ['shopify', shopify],
]);
