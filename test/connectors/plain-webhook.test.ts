import { expect, test } from 'vitest';
import { plain } from '../../src/connectors/plain/plain.ts';
import { plainSettings } from '../../src/connectors/plain/settings.ts';
import { startPlainApp } from '../apps/plain/plain-app.ts';
import { openSession } from './open-session.ts';

test('a subscription is made once, renewed, made anew when the app dropped it, and its secret opens its deliveries', async () => {
  let time = 1_790_000_000_000;
  const app = await startPlainApp({
    token: 't0ken',
    now: () => time,
    tables: [{ id: 'a', columns: [{ id: 'x', type: 'text' }] }],
  });
  const settings = plainSettings.parse({ base_url: app.url });
  const { session, tokens, close } = openSession({ connector: plain, settings, secret: 't0ken' });
  // Nobody listens there; what was sent is in the app's own record of deliveries.
  const keep = (known: Parameters<NonNullable<typeof plain.keepWebhook>>[1]['known']) =>
    plain.keepWebhook?.(session, { url: 'http://127.0.0.1:1/bell', tables: ['a'], known });
  const made = await keep(null);
  time += 3_600_000;
  const renewed = await keep(made ?? null);
  expect(renewed?.id).toBe(made?.id);
  expect(Date.parse(renewed?.expiresAt ?? '')).toBe(Date.parse(made?.expiresAt ?? '') + 3_600_000);

  const first = tokens.get('webhook_secret') ?? '';
  app.edit('a', { op: 'create', values: { x: '1' } });
  await app.webhooksQuiet();
  const [delivery] = app.deliveries();
  const verdict = plain.verifyWebhook?.(
    { settings, secrets: [first], now: () => time },
    { headers: delivery?.headers ?? {}, body: Buffer.from(delivery?.body ?? '') },
  );
  expect(verdict).toEqual({ genuine: true, deliveryId: delivery?.id, changed: [{ table: 'a', ids: ['rec_000001'] }] });

  time += 30 * 24 * 3_600_000;
  const anew = await keep(renewed ?? null);
  expect(anew?.id).not.toBe(made?.id);
  expect(tokens.get('webhook_secret')).not.toBe(first);
  await close();
  await app.stop();
});
