import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { createJwks } from '../../../src/http/jwks.ts';

const closing: (() => Promise<void> | void)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

/** Keys behind a real socket, and a clock that the test turns. */
async function useKeys(allow = '127.0.0.1') {
  const state = { now: 0, asked: 0, answer: (response: ServerResponse): void => void response.end('{"keys": []}') };
  const server = createServer((_request, response) => {
    state.asked += 1;
    state.answer(response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}/jwks.json`;
  const jwks = createJwks({
    url,
    egress: { allow: allow === '' ? [] : [allow] },
    clock: { now: () => state.now, wait: () => Promise.resolve() },
  });
  closing.push(jwks.close, () => {
    server.closeAllConnections();
    server.close();
  });
  const publish = (...ids: string[]): void => {
    state.answer = (response) => response.end(JSON.stringify({ keys: ids.map((kid) => ({ kty: 'OKP', kid })) }));
  };
  const find = async (id: string | undefined) => (await jwks.find(id)).map((key) => key['kid']);
  return { state, publish, find };
}

test('keys are asked for once, shared by all who wait, and again when they are old', async () => {
  const { state, publish, find } = await useKeys();
  publish('a', 'b');
  expect(await Promise.all([find('a'), find('b'), find(undefined)])).toEqual([['a'], ['b'], ['a', 'b']]);
  state.now = 599_000;
  await find('a');
  expect(state.asked).toBe(1);
  state.now = 601_000;
  expect(await find('a')).toEqual(['a']);
  expect(state.asked).toBe(2);
});

test('a key that was exchanged is found; made-up ids ask twice a minute at most', async () => {
  const { state, publish, find } = await useKeys();
  publish('old');
  await find('old');
  publish('old', 'new');
  state.now = 31_000;
  expect(await find('new')).toEqual(['new']);
  expect(state.asked).toBe(2);
  for (let at = 0; at < 50; at++) expect(await find(`made up ${String(at)}`)).toEqual([]);
  expect(state.asked).toBe(2);
  // A key that is withdrawn stops counting once it is looked for again.
  publish('new');
  state.now = 700_000;
  expect(await find('old')).toEqual([]);
});

test('while nobody gives the keys, those that are known count for an hour, whatever else is asked for', async () => {
  const { state, publish, find } = await useKeys();
  state.answer = (response) => response.writeHead(500).end();
  await expect(find('a')).rejects.toThrow('answered 500');
  await expect(find('a')).rejects.toThrow('answered 500');
  expect(state.asked).toBe(1);
  publish('a');
  state.now = 6_000;
  expect(await find('a')).toEqual(['a']);
  state.answer = (response) => response.destroy();
  state.now = 40_000;
  await expect(find('made up')).rejects.toThrow();
  expect(await find('a')).toEqual(['a']);
  state.now = 1_000_000;
  expect(await find('a')).toEqual(['a']);
  state.now = 4_000_000;
  await expect(find('a')).rejects.toThrow();
});

test.each([
  ['no JSON', '<html>'],
  ['something else', '{"keys": 7}'],
  ['too much', `{"keys": [], "x": "${'x'.repeat(300_000)}"}`],
])('what answers %s gives no keys', async (_what, text) => {
  const { state, find } = await useKeys();
  state.answer = (response) => response.end(text);
  await expect(find('a')).rejects.toThrow();
});

test('a redirect to elsewhere is not followed, and a private address is not dialled unless it is allowed', async () => {
  const { state, find } = await useKeys();
  state.answer = (response) => response.writeHead(302, { location: 'http://169.254.169.254/latest/meta-data' }).end();
  await expect(find('a')).rejects.toMatchObject({ facts: { code: 'EGRESS_BLOCKED' } });
  const closed = await useKeys('');
  await expect(closed.find('a')).rejects.toMatchObject({ facts: { code: 'EGRESS_BLOCKED' } });
  expect(closed.state.asked).toBe(0);
});
