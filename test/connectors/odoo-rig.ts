import { odoo } from '../../src/connectors/odoo/odoo.ts';
import { odooSettings, type OdooSettings } from '../../src/connectors/odoo/settings.ts';
import type { z } from 'zod';
import { startOdooApp, type OdooApp, type OdooAppOptions } from '../apps/odoo/odoo-app.ts';
import { PARTNER_MODELS } from '../apps/odoo/partners.ts';
import { openSession, type OpenSession } from './open-session.ts';

export const ODOO_KEY = 'a3f91c5577e0b4d2a3f91c5577e0b4d2a3f91c55';
export const ODOO_PASSWORD = 'bot-password-9931';
export const ODOO_BOT = { id: 7, login: 'bot', password: ODOO_PASSWORD, apiKeys: [ODOO_KEY] } as const;

export function startPartners(options: Partial<OdooAppOptions> = {}): Promise<OdooApp> {
  return startOdooApp({ database: 't19', users: [ODOO_BOT], models: PARTNER_MODELS, ...options });
}

export function openOdoo(
  app: Pick<OdooApp, 'url'>,
  settings: Partial<z.input<typeof odooSettings>> = {},
  secret: string = ODOO_KEY,
  deadline = 5000,
): OpenSession<OdooSettings> {
  return openSession({
    connector: odoo,
    settings: odooSettings.parse({
      base_url: app.url,
      database: 't19',
      login: 'bot',
      requests_per_second: 100,
      ...settings,
    }),
    secret,
    deadline,
  });
}
