import { Fault } from '../../model/fault.ts';
import type { RemoteColumn, RemoteTable } from '../../model/remote-table.ts';
import type { Account, AppType, Connector, Description, Session } from '../connector.ts';
import { createCloseClient, type CloseClient, type CustomField } from './client.ts';
import { findByKey, readByIds, readPage } from './read.ts';
import { closeSettings, type CloseSettings } from './settings.ts';
import { CLOSE_TABLES, CUSTOM_KIND, FIELD_TYPE, type CloseKind, type CloseTable } from './tables.ts';
import { keepCloseWebhook, verifyCloseWebhook } from './webhook.ts';
import { writeBatch } from './write.ts';

const NOTES: Partial<Record<CloseKind, string>> = {
  text: 'Empty text and null are the same.',
  reference: 'The id of another record.',
  cents: 'Whole hundredths in the app; here units of the currency, or hundredths with "amounts": "cents".',
  date: 'A time of day is cut off.',
  choice: 'Must be one of the labels that the field has in the app.',
  first: 'The first entry of the list; a write leaves the other entries as they are.',
  list: 'Replaced as a whole; what the app computes (formatted phone, zone) is left out.',
  json: 'Custom fields of several values, and types that are not known.',
};

const TYPES: readonly AppType[] = Object.entries(FIELD_TYPE).map(([name, type]) => {
  const note = NOTES[name as CloseKind];
  return { name, type, writable: true, ...(note === undefined ? {} : { note }) };
});

/** Close through its REST API, version 1. */
export const close: Connector<CloseSettings> = {
  describe: (settings) => describe(settings ?? closeSettings.parse({})),

  origins: ({ base_url: baseUrl }) => [new URL(baseUrl).origin],

  identify,

  discover: async (session, wanted) => {
    const client = createCloseClient(session);
    const tables = CLOSE_TABLES.filter(({ name }) => wanted === undefined || wanted.includes(name));
    return Promise.all(tables.map((table) => describeTable(client, table)));
  },

  readPage,
  readByIds,
  findByKey,
  writeBatch,
  verifyWebhook: verifyCloseWebhook,
  keepWebhook: keepCloseWebhook,
};

/** A key belongs to one organisation, its user perhaps to several; the statuses of leads tell which one it is. */
async function identify(session: Session<CloseSettings>): Promise<Account> {
  const client = createCloseClient(session);
  const { organizations } = await client.me();
  const [first] = organizations;
  if (organizations.length === 1 && first !== undefined) return { id: first.id, title: first.name || first.id };
  const { data } = await client.list('status/lead', {});
  const id = data.data[0]?.['organization_id'];
  if (typeof id === 'string') {
    return { id, title: organizations.find((one) => one.id === id)?.name ?? id };
  }
  throw new Fault('SETTINGS_INVALID', 'Close does not say which organisation this API key belongs to.', {
    suggestion: 'Make a key under Settings, Developer, API Keys, while the organisation is open.',
  });
}

async function describeTable(client: CloseClient, table: CloseTable): Promise<RemoteTable> {
  const custom = table.custom ? await client.fields(table.object) : [];
  const { writable } = table;
  return {
    name: table.name,
    title: table.title,
    columns: [
      ...table.columns.map(({ name, kind, writable: takes, required, refersTo }): RemoteColumn => ({
        name,
        type: name === 'email' && kind === 'first' ? 'email-address' : FIELD_TYPE[kind],
        appType: kind,
        writable: takes,
        required: required ?? false,
        ...(refersTo === undefined ? {} : { refersTo }),
      })),
      ...custom.map(customColumn),
    ],
    capabilities: {
      create: writable,
      update: writable,
      delete: writable,
      changes: table.read !== 'whole',
      findBy: [
        ...table.findBy,
        ...custom
          .filter((field) => field.type === 'text' && !field.accepts_multiple_values)
          .map(({ id }) => `custom.${id}`),
      ],
    },
  };
}

/** Names are not unique and change; the id stays. */
function customColumn({ id, name, type, accepts_multiple_values: several, required }: CustomField): RemoteColumn {
  const kind = several ? 'json' : (CUSTOM_KIND[type] ?? 'json');
  const refersTo = several ? undefined : { user: 'users', contact: 'contacts' }[type];
  return {
    name: `custom.${id}`,
    ...(name === '' ? {} : { title: name }),
    type: FIELD_TYPE[kind],
    appType: several ? `${type}[]` : type,
    writable: true,
    required: required ?? false,
    ...(refersTo === undefined ? {} : { refersTo }),
  };
}

function describe(settings: CloseSettings): Description<CloseSettings> {
  return {
    title: 'Close',
    settings: closeSettings,
    secret: {
      required: true,
      hint: 'An API key, "api_…", from Settings, Developer, API Keys.',
    },
    types: TYPES,
    limits: {
      recordsPerPage: settings.records_per_page,
      rowsPerWrite: settings.rows_per_write,
      idsPerRead: 20,
      keysPerFind: 20,
      rates: {
        requestsPerSecond: settings.requests_per_second,
        burst: settings.concurrency,
        concurrency: settings.concurrency,
      },
    },
    timing: {
      writeVisibleAfter: settings.index_lag,
      searchVisibleAfter: settings.index_lag,
      requestLife: settings.request_life,
      changesOverlap: settings.overlap,
    },
    capabilities: {
      partialUpdate: true,
      delete: 'permanent',
      compareAndSet: 'none',
      idempotencyKeys: 'none',
      changes: 'modified_time',
      reportsDeletions: true,
      dateTimes: 'offset',
    },
  };
}
