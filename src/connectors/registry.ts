import type { Connector } from './connector.ts';
import { odoo } from './odoo/odoo.ts';
import { plain } from './plain/plain.ts';
import { woocommerce } from './woocommerce/woocommerce.ts';

/** Every system Tideway knows, one line each. */
export const CONNECTORS: ReadonlyMap<string, Connector<unknown>> = new Map<string, Connector<unknown>>([
  ['odoo', odoo],
  ['plain', plain],
  ['woocommerce', woocommerce],
]);
