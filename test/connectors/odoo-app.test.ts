import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { afterEach, describe, expect, test } from 'vitest';
import OdooAwait from 'odoo-await';
import xmlrpc from 'xmlrpc';
import type { OdooApp, OdooAppOptions } from '../apps/odoo/odoo-app.ts';
import { ODOO_BOT, ODOO_KEY, ODOO_PASSWORD, startPartners } from './odoo-rig.ts';
