import { startPlainApp } from '../../test/apps/plain/plain-app.ts';
import type { PlainApp } from '../../test/apps/plain/plain-app.ts';

/** The stand-in that the demo keeps in step: a small app with two tables and a page to look at. */
export function startDemoApp(token: string, at: { host?: string; port?: number } = {}): Promise<PlainApp> {
  return startPlainApp({
    ...at,
    token,
    title: 'Demo shop',
    tables: [
      {
        id: 'products',
        title: 'Products',
        columns: [
          { id: 'sku', type: 'number' },
          { id: 'title', type: 'text', required: true, maxLength: 40 },
          { id: 'price', type: 'number' },
        ],
      },
      {
        id: 'contacts',
        title: 'Contacts',
        columns: [
          { id: 'number', type: 'number' },
          { id: 'name', type: 'text', required: true },
          { id: 'mail', type: 'text' },
        ],
      },
    ],
  });
}
