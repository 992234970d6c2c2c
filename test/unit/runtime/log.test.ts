import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { createLog } from '../../../src/runtime/log.ts';

const secret = 'hunter2';

function written(format: 'json' | 'text', level = 'info') {
  const out = new PassThrough();
  const log = createLog({ level, format }, out);
  return { log, text: () => (out.read() as Buffer | null)?.toString() ?? '' };
}

test.each(['json', 'text'] as const)('no secret reaches the log as %s', (format) => {
  const { log, text } = written(format);
  log.info({ event: 'test.line.written', password: secret, connection: { token: secret, name: 'shop' } }, 'One');
  log.warn({ event: 'test.line.written', request: { headers: { authorization: secret, cookie: secret } } }, 'Two');
  log.error(
    { event: 'test.line.written', url: `postgres://me:${secret}@host/db`, config: { secret, access_token: secret } },
    'Three',
  );
  const lines = text();
  expect(lines).toContain('[hidden]');
  expect(lines).toContain('shop');
  expect(lines).not.toContain(secret);
});

test.each(['json', 'text'] as const)('an error in the log as %s shows no secret of its address', (format) => {
  const { log, text } = written(format);
  const error = Object.assign(new Error('no answer'), { url: `https://me:${secret}@host`, token: secret });
  log.error({ event: 'test.line.written', err: error }, 'Failed');
  const lines = text();
  expect(lines).toContain('no answer');
  expect(lines).not.toContain(secret);
});

test('a line is one JSON object with time, level, event and message; the name of the event is for machines', () => {
  const { log, text } = written('json');
  log.info({ event: 'pull.run.finished', mapping: 'products' }, 'Pulled');
  expect(JSON.parse(text())).toMatchObject({
    level: 30,
    event: 'pull.run.finished',
    mapping: 'products',
    msg: 'Pulled',
  });
});

test('lines below the level are not written', () => {
  const { log, text } = written('text', 'warn');
  log.info({ event: 'test.line.written' }, 'quiet');
  log.warn({ event: 'test.line.written' }, 'loud');
  expect(text()).toMatch(/^\d\d:\d\d:\d\d warn {2}loud\n$/);
});
