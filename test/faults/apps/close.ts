import { startCloseApp } from '../../apps/close/close-app.ts';
import type { Values } from '../history.ts';
import { text, type AppKind } from './app-kind.ts';

const KEY = 'api_faults.secret-5577';
const [ID, QTY] = ['custom.cf_leadKey', 'custom.cf_size'] as const;

export const close: AppKind = {
  name: 'close',
  system: 'close',
  env: { CLOSE_KEY: KEY },
  secret: 'env:CLOSE_KEY',
  remote: 'leads',
  types: { id: 'text', name: 'text', qty: 'integer' },
  columns: [
    { local: 'id', remote: ID },
    { local: 'name', remote: 'name' },
    { local: 'qty', remote: QTY, type: 'number' },
  ],
  settings: ({ gate }) => ({ base_url: gate, requests_per_second: 100, index_lag: 0 }),
  isRead: ({ method, url = '' }) =>
    url.startsWith('/api/v1/data/search/') || (method === 'GET' && /^\/api\/v1\/(lead|event)\//.test(url)),
  isWrite: ({ method, url = '' }) => method !== 'GET' && url.startsWith('/api/v1/lead/'),
  throttled: {
    kind: 'status',
    status: 429,
    headers: { 'retry-after': '1', ratelimit: 'limit=100, remaining=0, reset=1' },
    body: '{"error":{"rate_reset":0.5,"message":"API call count exceeded for this period","rate_limit":100,"rate_window":5,"rate_limit_type":"key"}}',
  },
  blind: 'writes',
  start: async () => {
    const app = await startCloseApp({ key: KEY });
    return {
      url: app.url,
      records: () =>
        app.store.all('lead').map((lead) => ({
          id: lead.id,
          stamp: text(lead['date_updated']),
          values: { id: text(lead[ID]), name: text(lead['name']), qty: text(lead[QTY]) },
        })),
      create: (values) => app.store.create('lead', body(values), 'person').id,
      edit: (id, change) => {
        app.edit('lead', id, body(change));
      },
      remove: (id) => {
        app.remove('lead', id);
      },
      stop: () => app.stop(),
    };
  },
};

function body({ id, name, qty }: Partial<Values>): Record<string, unknown> {
  return {
    ...(id === undefined ? {} : { [ID]: id }),
    ...(name === undefined ? {} : { name }),
    ...(qty === undefined ? {} : { [QTY]: qty === 'null' ? null : Number(qty) }),
  };
}
