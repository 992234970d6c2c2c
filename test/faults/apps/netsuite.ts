import { startNetsuiteApp } from '../../apps/netsuite/netsuite-app.ts';
import type { Values } from '../history.ts';
import { text, type AppKind } from './app-kind.ts';

const KEYS = { consumer_key: 'ck', consumer_secret: 'cs-5512', token_id: 'tk', token_secret: 'ts-9981' };
const CUSTOMER = {
  name: 'customer',
  from: 'customer',
  fields: { email: 'text', companyName: 'text', creditLimit: 'number', isInactive: 'boolean' },
  required: ['companyName'],
} as const;

export const netsuite: AppKind = {
  name: 'netsuite',
  system: 'netsuite',
  env: { NETSUITE_SECRET: JSON.stringify(KEYS) },
  secret: 'env:NETSUITE_SECRET',
  remote: 'customer',
  types: { id: 'text', name: 'text', qty: 'integer' },
  columns: [
    { local: 'id', remote: 'email' },
    { local: 'name', remote: 'companyName' },
    { local: 'qty', remote: 'creditLimit', type: 'number' },
  ],
  settings: ({ gate }) => ({ account_id: '123456-sb1', base_url: gate, requests_per_second: 200 }),
  isRead: ({ url = '', body }) => url.includes('/query/v1/suiteql') && String(body).includes('customer'),
  isWrite: ({ method, url = '' }) => url.includes('/record/v1/customer') && method !== 'GET',
  throttled: {
    kind: 'status',
    status: 429,
    headers: { 'content-type': 'application/vnd.oracle.resource+json; type=error' },
    body: '{"title":"Bad Request","status":429,"o:errorDetails":[{"detail":"Concurrent request limit exceeded. Request blocked.","o:errorCode":"CONCURRENCY_LIMIT_EXCEEDED"}]}',
  },
  blind: 'writes',
  start: async () => {
    const app = await startNetsuiteApp({
      account: '123456_SB1',
      tokens: { ck: KEYS.consumer_key, cs: KEYS.consumer_secret, tk: KEYS.token_id, ts: KEYS.token_secret },
      types: [CUSTOMER],
    });
    return {
      url: app.url,
      records: () =>
        app.records('customer').map(({ id, modified, fields }) => ({
          id,
          stamp: modified,
          values: { id: text(fields['email']), name: text(fields['companyName']), qty: text(fields['creditLimit']) },
        })),
      create: (values) => app.add('customer', { ...fieldsOf(values), isInactive: false }),
      edit: (id, change) => {
        app.edit('customer', id, fieldsOf(change));
      },
      remove: (id) => {
        app.remove('customer', id);
      },
      stop: () => app.stop(),
    };
  },
};

function fieldsOf({ id, name, qty }: Partial<Values>): Record<string, unknown> {
  return {
    ...(id === undefined ? {} : { email: id }),
    ...(name === undefined ? {} : { companyName: name }),
    ...(qty === undefined ? {} : { creditLimit: qty === 'null' ? null : Number(qty) }),
  };
}
