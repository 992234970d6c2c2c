import { airtable } from './airtable/airtable.ts';
import { close } from './close/close.ts';
import type { Connector } from './connector.ts';
import { glide } from './glide/glide.ts';
import { googleSheets } from './google-sheets/google-sheets.ts';
import { netsuite } from './netsuite/netsuite.ts';
import { odoo } from './odoo/odoo.ts';
import { plain } from './plain/plain.ts';
import { shopify } from './shopify/shopify.ts';
import { woocommerce } from './woocommerce/woocommerce.ts';

/** Every system Tideway knows, one line each. */
export const CONNECTORS: ReadonlyMap<string, Connector<unknown>> = new Map<string, Connector<unknown>>([
  ['airtable', airtable],
  ['close', close],
  ['glide', glide],
  ['google_sheets', googleSheets],
  ['netsuite', netsuite],
  ['odoo', odoo],
  ['plain', plain],
  ['shopify', shopify],
  ['woocommerce', woocommerce],
]);
