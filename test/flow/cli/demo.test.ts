import { chownSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import pg from 'pg';
import { afterAll, expect, test } from 'vitest';
import { tideway } from '../../support/command.ts';
import { hasTerminal, onTerminal } from '../../support/on-terminal.ts';
import { runningTideway } from '../../support/running-command.ts';

const home = mkdtempSync(join(tmpdir(), 'tideway-demo-'));
const env = { TIDEWAY_HOME: home, TIDEWAY_EMBEDDED_PORT: '0' };
afterAll(() => rmSync(home, { recursive: true, force: true }));

const saying = (text: string) => expect.stringContaining(text) as string;

test('the demo shows its app and its database, and both answer', async () => {
  const demo = runningTideway(['demo'], env);
  await demo.says('Ctrl-C ends the demo');
  const [, app = ''] = /the app +(http:\S+)/.exec(demo.text()) ?? [];
  const [, url = ''] = /psql (postgres:\S+)/.exec(demo.text()) ?? [];
  expect(await (await fetch(app)).text()).toContain('Demo shop');
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const { rows } = await client.query('select name, state, direction from tideway.mappings');
  await client.end();
  expect(rows).toEqual([{ name: 'products', state: 'active', direction: 'both' }]);
  expect(await demo.end('SIGINT')).toBe(0);
  await expect(fetch(app)).rejects.toThrow();
});

test('the demo runs twice in a row, also with its port taken', async () => {
  expect(await tideway(['demo', '--once'], { env })).toMatchObject({
    code: 0,
    err: '',
    out: expect.stringMatching(/The table has the row now\.[^]*The app has all 500 of them\./) as string,
  });
  const taken = createServer();
  const port = await new Promise<number>((done) =>
    taken.listen(0, '127.0.0.1', () => done((taken.address() as { port: number }).port)),
  );
  const second = await tideway(['demo', '--once'], { env: { ...env, TIDEWAY_EMBEDDED_PORT: `${port}` } });
  taken.close();
  expect(second).toMatchObject({ code: 0, err: '', out: saying(`Port ${port} is taken`) });
});

test.runIf(hasTerminal('the bar of the demo'))('on a terminal the demo draws how many rows have arrived', async () => {
  expect(await onTerminal('demo --once', env)).toMatch(/\[K\[#*-*\] +\d+ % {2}\d+ of 500 rows in the app/);
});

test('two demos at once do not disturb each other', async () => {
  const first = runningTideway(['demo'], env);
  await first.says('Ctrl-C ends the demo');
  const second = await tideway(['demo', '--once'], { env });
  expect(second).toMatchObject({ code: 0, err: '', out: saying('has the database demo_2 to itself') });
  const [, url = ''] = /psql (postgres:\S+)/.exec(first.text()) ?? [];
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  expect((await client.query('select from products')).rowCount).toBe(504);
  await client.end();
  expect(await first.end('SIGINT')).toBe(0);
});

test('the demo goes on with the server of a killed one, and stops it', async () => {
  const killed = runningTideway(['demo'], env);
  await killed.says('Ctrl-C ends the demo');
  await killed.end('SIGKILL');
  expect(await tideway(['demo', '--once'], { env })).toMatchObject({ code: 0, err: '', out: saying('runs already') });
  expect(await tideway(['demo', '--once'], { env })).toMatchObject({
    code: 0,
    err: '',
    out: saying('started on port'),
  });
});

/** Another account cannot run what lies in a closed folder. */
function openToAll(path: string): boolean {
  return (statSync(path).mode & 0o001) !== 0 && (dirname(path) === path || openToAll(dirname(path)));
}

test.runIf(process.getuid?.() === 0 && openToAll(resolve('.')))(
  'an ordinary user with a closed folder gets another one, and is told (root only, in an open folder)',
  async () => {
    const { code, out, err } = await tideway(['demo', '--once'], {
      uid: 65534,
      env: { ...env, TIDEWAY_HOME: join(home, 'data') },
    });
    const other = /it is kept in (\S+)\./.exec(out)?.[1];
    expect({ code, err, other }).toEqual({ code: 0, err: '', other: expect.any(String) as string });
    rmSync(other ?? '', { recursive: true });
  },
);

test.runIf(process.getuid?.() === 0 && openToAll(resolve('.')))(
  'an ordinary user runs it in a folder of its own (root only, in an open folder)',
  async () => {
    const own = mkdtempSync(join(tmpdir(), 'tideway-own-'));
    chownSync(own, 65534, 65534);
    const outcome = await tideway(['demo', '--once'], { uid: 65534, env: { ...env, TIDEWAY_HOME: own } });
    expect(outcome).toMatchObject({ code: 0, err: '', out: saying(`its data in ${own}`) });
    rmSync(own, { recursive: true });
  },
);
