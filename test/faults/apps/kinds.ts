import { airtable } from './airtable.ts';
import type { AppKind } from './app-kind.ts';
import { glideBigTables, glideClassic } from './glide.ts';
import { odoo } from './odoo.ts';

const wanted = process.env.TIDEWAY_TEST_SYSTEMS?.split(',');

/** The kinds of apps whose connectors are tried; TIDEWAY_TEST_SYSTEMS=glide,odoo tries these only. */
export const KINDS: readonly AppKind[] = [glideBigTables, glideClassic, airtable, odoo].filter(
  ({ system }) => wanted?.includes(system) ?? true,
);
