import { startWooApp } from '../../apps/woocommerce/woo-app.ts';
import type { Values } from '../history.ts';
import { text, type AppKind } from './app-kind.ts';

const KEY = { consumer_key: 'ck_faults', consumer_secret: 'cs_faults-secret', permission: 'read_write' } as const;
const PRODUCTS = /^\/wp-json\/wc\/v3\/products(\/(batch|\d+))?(\?|$)/;

export const woocommerce: AppKind = {
  name: 'woocommerce',
  system: 'woocommerce',
  env: {
    WOO_KEYS: JSON.stringify({ consumer_key: KEY.consumer_key, consumer_secret: KEY.consumer_secret }),
  },
  secret: 'env:WOO_KEYS',
  remote: 'products',
  types: { id: 'text', name: 'text', qty: 'numeric' },
  columns: [
    { local: 'id', remote: 'sku' },
    { local: 'name', remote: 'name' },
    { local: 'qty', remote: 'regular_price', type: 'number' },
  ],
  settings: ({ gate, app }) => ({
    base_url: gate,
    home_url: app,
    requests_per_second: 50,
    concurrency: 4,
    overlap: 2000,
  }),
  isRead: ({ method, url = '' }) => PRODUCTS.test(url) && method === 'GET',
  isWrite: ({ method, url = '' }) => PRODUCTS.test(url) && method !== 'GET',
  // The shop has no limit; what stands before it often has one, and answers in HTML.
  throttled: {
    kind: 'status',
    status: 429,
    headers: { 'content-type': 'text/html', 'retry-after': '1' },
    body: '<html>Too many requests</html>',
  },
  blind: 'writes',
  start: async () => {
    const app = await startWooApp({ keys: [KEY] });
    return {
      url: app.url,
      records: () =>
        app.store
          .all('products')
          .filter(({ status }) => status !== 'trash')
          .map(({ id, sku, name, regular_price: price }) => ({
            id: String(id),
            values: { id: text(sku), name: text(name), qty: text(price) },
          })),
      create: (values) => String(app.store.create('products', body(values), 'person').id),
      edit: (id, change) => {
        app.edit('products', Number(id), body(change));
      },
      remove: (id) => {
        app.remove('products', Number(id));
      },
      stop: () => app.stop(),
    };
  },
};

function body({ id, name, qty }: Partial<Values>): Record<string, string> {
  return {
    ...(id === undefined ? {} : { sku: id }),
    ...(name === undefined ? {} : { name }),
    ...(qty === undefined ? {} : { regular_price: qty === 'null' ? '' : qty }),
  };
}
