import type { Connector } from './connector.ts';
import { glide } from './glide/glide.ts';
import { googleSheets } from './google-sheets/google-sheets.ts';
import { odoo } from './odoo/odoo.ts';
import { plain } from './plain/plain.ts';
import { woocommerce } from './woocommerce/woocommerce.ts';

/** Every system Tideway knows, one line each. */
export const CONNECTORS: ReadonlyMap<string, Connector<unknown>> = new Map<string, Connector<unknown>>([
  ['glide', glide],
  ['google_sheets', googleSheets],
  ['odoo', odoo],
  ['plain', plain],
  ['woocommerce', woocommerce],
]);
