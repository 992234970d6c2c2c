import { expect, test } from 'vitest';
import { shopify } from '../../src/connectors/shopify/shopify.ts';
import { create, openShop } from './shopify-stage.ts';

const CLIENT = { id: 'client-1', secret: 'shpss_client_secret' };
const ASKED = JSON.stringify({ client_id: CLIENT.id, client_secret: CLIENT.secret });
const PAIR = JSON.stringify({ client_id: CLIENT.id, client_secret: CLIENT.secret, refresh_token: 'shprt_first' });

test('client credentials are asked for once, kept, and asked for anew before they end', async () => {
  const { app, session, tokens, clock } = await openShop({ client: CLIENT, secret: ASKED });
  await shopify.identify(session);
  await shopify.identify(session);
  expect(app.grants()).toBe(1);
  expect(tokens.get('access')).toContain('shpat_');
  clock.time += 86_399_000 - 4 * 60_000;
  await shopify.identify(session);
  expect(app.grants()).toBe(2);
});

test('a token that ends early is renewed once, and the refused write is sent with the new one', async () => {
  const { app, session, write } = await openShop({ client: CLIENT, secret: ASKED });
  await shopify.identify(session);
  app.expireTokens();
  expect(await write('products', create('a', { title: 'Mug' }))).toMatchObject([{ result: 'written' }]);
  expect(app.grants()).toBe(2);
  expect(app.journal()).toHaveLength(1);
});

test('a refresh token is used once however many requests find the token expired, and its successor is stored before use', async () => {
  const { app, session, tokens, clock } = await openShop({
    client: { ...CLIENT, refreshToken: 'shprt_first' },
    secret: PAIR,
  });
  const stored: string[] = [];
  const watched = {
    ...session,
    tokens: {
      load: (name: string) => session.tokens.load(name),
      store: async (name: string, value: string) => {
        stored.push(value);
        expect(app.documents()).toHaveLength(stored.length === 1 ? 0 : 3);
        await session.tokens.store(name, value);
      },
    },
  };
  await Promise.all([1, 2, 3].map(() => shopify.identify(watched)));
  expect(app.grants()).toBe(1);
  clock.time += 3_600_000;
  await Promise.all([1, 2, 3].map(() => shopify.identify(watched)));
  expect(app.grants()).toBe(2);
  expect(stored).toHaveLength(2);
  expect(tokens.get('access')).toBe(stored[1]);
});

test('a token that could not be stored is not used', async () => {
  const { app, session } = await openShop({ client: { ...CLIENT, refreshToken: 'shprt_first' }, secret: PAIR });
  const broken = {
    ...session,
    tokens: {
      load: (name: string) => session.tokens.load(name),
      store: () => Promise.reject(new Error('the lease is over')),
    },
  };
  await expect(shopify.identify(broken)).rejects.toThrow('the lease is over');
  expect(app.documents()).toHaveLength(0);
});

test('a refresh token that a person gives later takes the place of the stored pair', async () => {
  const first = await openShop({ client: { ...CLIENT, refreshToken: 'shprt_first' }, secret: PAIR });
  await shopify.identify(first.session);
  const second = await openShop({ client: { ...CLIENT, refreshToken: 'shprt_second' } });
  await second.session.tokens.store('access', first.tokens.get('access') ?? '');
  const secret = PAIR.replace('shprt_first', 'shprt_second');
  await shopify.identify({ ...second.session, secret });
  expect(second.app.grants()).toBe(1);
});

test('a secret that Shopify takes no more is an AUTH_ERROR that tells what to do', async () => {
  const { session } = await openShop({ client: { ...CLIENT, refreshToken: 'other' }, secret: PAIR });
  await expect(shopify.identify(session)).rejects.toMatchObject({
    facts: {
      code: 'AUTH_REVOKED',
      class: 'AUTH_ERROR',
      suggestion: expect.stringContaining('refresh token') as string,
    },
  });
  const odd = await openShop({ secret: '{"token": 1}' });
  await expect(shopify.identify(odd.session)).rejects.toMatchObject({ facts: { code: 'SETTINGS_INVALID' } });
});

test('a frozen shop, a missing scope and a wrong shop pause the connection instead of failing rows', async () => {
  const { app, session } = await openShop();
  for (const [status, body, expected] of [
    [402, { errors: 'This shop’s plan does not have access to this feature' }, 'AUTH_ERROR'],
    [403, { errors: '[API] This action requires merchant approval for write_products scope.' }, 'AUTH_ERROR'],
    [423, { errors: 'This shop is unavailable' }, 'AUTH_ERROR'],
    [404, { errors: 'Not Found' }, 'API_ERROR'],
  ] as const) {
    app.fail({ with: { kind: 'status', status, body: JSON.stringify(body) } });
    await expect(shopify.identify(session)).rejects.toMatchObject({
      facts: {
        class: expected,
        message: expect.stringContaining(body.errors) as string,
        suggestion: expect.any(String) as string,
      },
    });
  }
});
