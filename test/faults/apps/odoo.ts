import { startOdooApp } from '../../apps/odoo/odoo-app.ts';
import { PARTNER_MODELS } from '../../apps/odoo/partners.ts';
import type { Values } from '../history.ts';
import { text, type AppKind } from './app-kind.ts';

const KEY = 'c0ffee5577e0b4d2a3f91c5577e0b4d2a3f91c55';
const MODEL = 'res.partner';

export const odoo: AppKind = {
  name: 'odoo',
  system: 'odoo',
  env: { ODOO_KEY: KEY },
  secret: 'env:ODOO_KEY',
  remote: MODEL,
  types: { id: 'text', name: 'text', qty: 'text' },
  columns: [
    { local: 'id', remote: 'email' },
    { local: 'name', remote: 'name' },
    { local: 'qty', remote: 'phone' },
  ],
  settings: ({ gate }) => ({
    base_url: gate,
    database: 'shop',
    protocol: 'json_2',
    requests_per_second: 100,
    models: [MODEL],
  }),
  isRead: ({ url = '' }) => ours(url, ['read', 'search', 'search_read', 'search_count']),
  isWrite: ({ url = '' }) => ours(url, ['create', 'write', 'unlink']),
  throttled: { kind: 'status', status: 429, headers: { 'content-type': 'text/html' }, body: '<html>Slow down</html>' },
  blind: 'writes',
  start: async () => {
    const app = await startOdooApp({
      database: 'shop',
      users: [{ id: 7, login: 'bot', password: 'unused-password', apiKeys: [KEY] }],
      models: PARTNER_MODELS,
    });
    return {
      url: app.url,
      records: () =>
        app.records(MODEL).map(({ id, writtenAt, values }) => ({
          id: String(id),
          stamp: writtenAt,
          values: { id: text(values['email']), name: text(values['name']), qty: text(values['phone']) },
        })),
      create: (values) => String(app.edit(MODEL, { op: 'create', values: { ...fields(values), active: true } })),
      edit: (id, change) => {
        app.edit(MODEL, { op: 'update', id: Number(id), values: fields(change) });
      },
      remove: (id) => {
        app.edit(MODEL, { op: 'delete', id: Number(id) });
      },
      stop: () => app.stop(),
    };
  },
};

function ours(url: string, methods: readonly string[]): boolean {
  return methods.some((method) => url === `/json/2/${MODEL}/${method}`);
}

function fields({ id, name, qty }: Partial<Values>): Record<string, unknown> {
  const value = (given: string): string | false => (given === 'null' ? false : given);
  return {
    ...(id === undefined ? {} : { email: value(id) }),
    ...(name === undefined ? {} : { name: value(name) }),
    ...(qty === undefined ? {} : { phone: value(qty) }),
  };
}
