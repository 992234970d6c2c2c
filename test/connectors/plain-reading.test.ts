import { expect, test } from 'vitest';
import { plain } from '../../src/connectors/plain/plain.ts';
import { plainSettings } from '../../src/connectors/plain/settings.ts';
import { startPlainApp } from '../apps/plain/plain-app.ts';
import { openSession } from './open-session.ts';

test('a page that contradicts the app’s own total is not believed', async () => {
  const app = await startPlainApp({ token: 't0ken', tables: [{ id: 'a', columns: [{ id: 'x', type: 'text' }] }] });
  const settings = plainSettings.parse({ base_url: app.url });
  const { session, close } = openSession({ connector: plain, settings, secret: 't0ken' });
  const body = JSON.stringify({ records: [], total: 3, now: '2026-01-01T00:00:00.000Z' });
  app.fail({ with: { kind: 'body', contentType: 'application/json', body } });
  const request = {
    table: 'a',
    columns: ['x'],
    mode: 'full',
    after: null,
    limit: 10,
    filter: null,
    askedFor: '1',
  } as const;
  await expect(plain.readPage?.(session, request)).rejects.toMatchObject({
    facts: { code: 'BAD_RESPONSE', retryable: true },
  });
  expect(await plain.readPage?.(session, request)).toMatchObject({ complete: true, records: [] });
  await close();
  await app.stop();
});
