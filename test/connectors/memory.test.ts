import { memory } from '../../src/connectors/memory/memory.ts';
import { placeShelf, Shelf } from '../../src/connectors/memory/shelf.ts';
import type { RemoteColumn } from '../../src/model/remote-table.ts';
import { exerciseConnector } from './contract.ts';
import { openSession } from './open-session.ts';

const column = (name: string, writable = true): RemoteColumn => ({
  name,
  type: 'json',
  appType: 'json',
  writable,
  required: false,
});

let shelves = 0;

exerciseConnector({
  connector: memory,
  table: 'contacts',
  sample: (number) => ({ email: `p${String(number)}@example.com`, city: 'Bremen', amount: null }),
  correlation: 'email',
  edits: { column: 'city', values: ['Lübeck', 'Kiel'] },
  bad: { fields: { shoe_size: 43 }, column: 'shoe_size' },
  exact: [{ column: 'amount', value: '12345678901234567890.123456789' }],
  readOnly: 'made_at',
  open: async () => {
    const name = `shelf ${String((shelves += 1))}`;
    const columns = [column('email'), column('city'), column('amount'), column('made_at', false)];
    const capabilities = { create: true, update: true, delete: true, changes: true, findBy: true } as const;
    const shelf = new Shelf([{ name: 'contacts', columns, capabilities }]);
    placeShelf(name, shelf);
    const { session, close } = openSession({ connector: memory, settings: { shelf: name }, secret: null });
    return Promise.resolve({
      session,
      edit: (id, fields) => {
        shelf.apply({ table: 'contacts', op: 'update', id, fields });
      },
      remove: (id) => {
        shelf.apply({ table: 'contacts', op: 'delete', id, fields: {} });
      },
      effects: () => shelf.journal.length,
      close,
    });
  },
});
