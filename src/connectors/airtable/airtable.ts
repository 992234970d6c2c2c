import type { RemoteTable } from '../../model/remote-table.ts';
import type { AppType, Connector, Description } from '../connector.ts';
import { createAirtableClient, type AirtableTable } from './client.ts';
import { KINDS, kindOf } from './fields.ts';
import { findByKey, readByIds, readPage } from './read.ts';
import { airtableSettings, type AirtableSettings } from './settings.ts';
import { keepAirtableWebhook, verifyAirtableWebhook } from './webhook.ts';
import { writeBatch } from './write.ts';

const TYPES: readonly AppType[] = Object.entries(KINDS).map(([name, { type, writable, note }]) => ({
  name,
  type,
  writable,
  ...(note === undefined ? {} : { note }),
}));

const SEARCHABLE: ReadonlySet<string> = new Set(['string', 'number', 'email-address', 'uri']);

/** Airtable's Web API: one base a connection. */
export const airtable: Connector<AirtableSettings> = {
  describe: (settings) => describe(settings ?? airtableSettings.parse({ base_id: 'app00000000000000' })),

  origins: ({ base_url: baseUrl }) => [new URL(baseUrl).origin],

  identify: async (session) => {
    const tables = await createAirtableClient(session).schema(true);
    return { id: session.settings.base_id, title: `${session.settings.base_id} (${String(tables.length)} tables)` };
  },

  discover: async (session, wanted) =>
    (await createAirtableClient(session).schema(true))
      .filter(({ id, name }) => wanted === undefined || wanted.includes(id) || wanted.includes(name))
      .map(describeTable),

  readPage,
  readByIds,
  findByKey,
  writeBatch,
  verifyWebhook: verifyAirtableWebhook,
  keepWebhook: keepAirtableWebhook,
};

function describeTable(table: AirtableTable): RemoteTable {
  return {
    name: table.id,
    title: table.name,
    columns: table.fields.map((field) => {
      const { type, writable } = kindOf(field);
      const linked = field.options?.linkedTableId;
      return {
        name: field.id,
        title: field.name,
        type,
        appType: field.type,
        writable,
        required: false,
        ...(linked === undefined ? {} : { refersTo: linked }),
      };
    }),
    capabilities: {
      create: true,
      update: true,
      delete: true,
      changes: true,
      findBy: table.fields.filter((field) => SEARCHABLE.has(kindOf(field).type)).map(({ id }) => id),
    },
  };
}

function describe(settings: AirtableSettings): Description<AirtableSettings> {
  return {
    title: 'Airtable',
    settings: airtableSettings,
    secret: {
      required: true,
      hint: 'A personal access token (pat…) from airtable.com/create/tokens with data.records:read, data.records:write, schema.bases:read and, for webhooks, webhook:manage.',
    },
    types: TYPES,
    limits: {
      recordsPerPage: 100,
      rowsPerWrite: 10,
      idsPerRead: 100,
      keysPerFind: 50,
      // A base that is asked too much is shut for thirty seconds.
      rates: { requestsPerSecond: settings.requests_per_second, burst: 1, concurrency: 4, penalty: 30_000 },
      sharedRates: { requestsPerSecond: 40, burst: 10, concurrency: 16 },
    },
    timing: {
      writeVisibleAfter: 0,
      searchVisibleAfter: 0,
      requestLife: settings.request_life,
      changesOverlap: settings.overlap,
    },
    capabilities: {
      partialUpdate: true,
      delete: 'permanent',
      compareAndSet: 'none',
      idempotencyKeys: 'none',
      changes: 'modified_time',
      // Only with a webhook, whose payloads are read then.
      reportsDeletions: false,
      dateTimes: 'utc',
    },
  };
}
