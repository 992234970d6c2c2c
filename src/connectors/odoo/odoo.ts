import type { Rates } from '../../model/rates.ts';
import type { Connector, Description } from '../connector.ts';
import { createOdooClient } from './client.ts';
import { discover } from './discovery.ts';
import { findByKey, readByIds, readPage } from './reading.ts';
import { odooSettings, type OdooSettings } from './settings.ts';
import { ODOO_TYPES } from './values.ts';
import { writeBatch } from './writing.ts';

/** Odoo 14 and later, any model, over JSON-RPC or (from 19) JSON-2. */
export const odoo: Connector<OdooSettings> = {
  describe: (settings) =>
    describe(settings ?? odooSettings.parse({ base_url: 'https://odoo.invalid', database: 'odoo' })),

  origins: ({ base_url: baseUrl }) => [new URL(baseUrl).origin],

  identify: async (session) => {
    const { database, login } = session.settings;
    const user = await createOdooClient(session).user();
    // The user belongs to the account: another one sees other records, and those it does not see look deleted.
    return { id: `${database}/${String(user)}`, title: `${login ?? `user ${String(user)}`} in ${database}` };
  },

  discover,
  readPage,
  readByIds,
  findByKey,
  writeBatch,
};

function describe(settings: OdooSettings): Description<OdooSettings> {
  return {
    title: 'Odoo',
    settings: odooSettings,
    secret: {
      required: true,
      hint: 'An API key (Preferences, Account Security, New API Key), or with JSON-RPC the password of the login.',
    },
    types: ODOO_TYPES,
    limits: {
      recordsPerPage: 1000,
      rowsPerWrite: settings.rows_per_write,
      bytesPerWrite: 8 * 1024 * 1024,
      idsPerRead: 500,
      keysPerFind: 200,
      rates: ratesOf(settings),
    },
    timing: {
      writeVisibleAfter: 0,
      searchVisibleAfter: 0,
      requestLife: settings.request_life,
      changesOverlap: settings.overlap,
    },
    capabilities: {
      partialUpdate: true,
      delete: settings.archived === 'deleted' ? 'trash' : 'permanent',
      compareAndSet: 'none',
      idempotencyKeys: 'none',
      changes: 'modified_time',
      reportsDeletions: false,
      dateTimes: 'utc',
    },
  };
}

/** Odoo itself has no limits, but the hosted service asks for about one request a second, one at a time. */
function ratesOf({ base_url: baseUrl, requests_per_second: asked }: OdooSettings): Rates {
  const hosted = new URL(baseUrl).hostname.endsWith('.odoo.com');
  const requestsPerSecond = asked ?? (hosted ? 1 : 20);
  return { requestsPerSecond, burst: hosted ? 1 : 10, concurrency: hosted ? 1 : 3, penalty: 1000 };
}
