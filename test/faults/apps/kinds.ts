import { airtable } from './airtable.ts';
import type { AppKind } from './app-kind.ts';
import { close } from './close.ts';
import { glideBigTables, glideClassic } from './glide.ts';
import { googleSheets } from './google-sheets.ts';
import { netsuite } from './netsuite.ts';
import { odoo } from './odoo.ts';
import { shopify } from './shopify.ts';
import { woocommerce } from './woocommerce.ts';

const wanted = process.env.TIDEWAY_TEST_SYSTEMS?.split(',');

/** The kinds of apps whose connectors are tried; TIDEWAY_TEST_SYSTEMS=glide,odoo tries these only. */
export const KINDS: readonly AppKind[] = [
  glideBigTables,
  glideClassic,
  airtable,
  odoo,
  woocommerce,
  close,
  googleSheets,
  shopify,
  netsuite,
].filter(({ system }) => wanted?.includes(system) ?? true);
