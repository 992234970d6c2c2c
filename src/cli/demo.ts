import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { PlainApp } from '../../test/apps/plain/plain-app.ts';
import { runDaemon } from '../daemon/run-daemon.ts';
import { readConfig } from '../runtime/config.ts';
import { startEmbeddedPostgres } from '../runtime/embedded-postgres.ts';
import { TidewayError } from '../runtime/errors.ts';
import { createLog } from '../runtime/log.ts';
import { openDatabase, type Database } from '../sql/database.ts';
import { takeDemoDatabase } from '../sql/take-demo-database.ts';
import { exitCodes, say } from './command.ts';
import type { Command } from './command.ts';
import { startDemoApp } from './demo-app.ts';
import { changeHere, demoSteps, manyHere } from './demo-steps.ts';
import { migrateDatabase } from './migrate-database.ts';
import { currentMigrations } from './migrations.ts';
import { stopSignal, untilStopped } from './stop-signal.ts';
import { bar, counted, liveLine } from './terminal.ts';

const SHOWN_WITHIN = 60_000;

export const demoCommand: Command = {
  name: 'demo',
  summary: 'Starts an embedded Postgres and a stand-in app, keeps a table of each in step, and lets you try it.',
  usage: 'demo [--once] [--app <host:port>]',
  options: { once: { type: 'boolean' }, app: { type: 'string' } },
  about: {
    once: 'end once a change went each way, instead of waiting for Ctrl-C',
    app: 'only the stand-in app, at this address; its token is DEMO_APP_TOKEN',
  },
  words: [0, 0],
  async run({ flags }) {
    if (typeof flags.app === 'string') return runAppAlone(flags.app, process.env.DEMO_APP_TOKEN);
    const config = readConfig({ ...process.env, DATABASE_URL: undefined });
    const signal = stopSignal();
    const server = await startEmbeddedPostgres({
      directory: config.TIDEWAY_HOME,
      port: config.TIDEWAY_EMBEDDED_PORT,
      say,
    });
    const token = randomBytes(16).toString('hex');
    const app = await startDemoApp(token);
    try {
      say(
        `Postgres ${server.reused ? 'runs already' : 'started'} on port ${server.port}, with its data in ${server.directory}.`,
      );
      say(`The stand-in app started on ${app.url}.`);
      const { name, url, release } = await takeDemoDatabase(server.url);
      const ended = new AbortController();
      const environment = {
        ...process.env,
        DEMO_APP_TOKEN: token,
        TIDEWAY_EGRESS_ALLOW: new URL(app.url).host,
        // A slot's name holds for the whole server, where another demo may run.
        TIDEWAY_SLOT: `tideway_${name}`,
        TIDEWAY_HTTP_PORT: '0',
        DATABASE_URL: url,
        TIDEWAY_REPLICATION_URL: undefined,
      };
      let daemon: Promise<void> = Promise.resolve();
      try {
        say(`The demo has the database ${name} to itself, made anew each time.`);
        await migrateDatabase({ url, current: currentMigrations().length > 0, say });
        daemon = runDaemon({
          url,
          config: readConfig(environment),
          environment,
          log: createLog({ level: 'error', format: config.TIDEWAY_LOG_FORMAT }),
          signal: AbortSignal.any([signal, ended.signal]),
        });
        daemon.catch(() => undefined);
        await Promise.race([showBothWays(url, app, signal), daemon]);
        if (!flags.once) {
          say(`
Go on by yourself:
  the app         ${app.url}
  the database    psql ${url}

  update products set name = 'Lantern' where id = 1;
  select * from tideway.mapping_status;
  select * from tideway.trace_row('products', '1');

What a person would do in the app:
  curl -X POST '${app.url}/_admin/edit?table=products' -H 'authorization: Bearer ${token}' -H 'content-type: application/json' \\
       -d '{"op": "create", "values": {"sku": 7, "title": "Stool", "price": 35}}'

Ctrl-C ends the demo.`);
          await Promise.race([untilStopped(signal), daemon]);
        }
      } finally {
        ended.abort();
        await daemon.catch(() => undefined);
        await release();
      }
    } finally {
      await app.stop();
      await server.stop();
    }
    return exitCodes.done;
  },
};

/** For an arrangement of several machines, as deploy/compose.yaml. */
async function runAppAlone(address: string, token: string | undefined): Promise<number> {
  const [, host, port] = /^([^:]+):(\d{1,5})$/.exec(address) ?? [];
  if (host === undefined || !token) {
    throw new TidewayError('TWS12', `The stand-in app needs ${host === undefined ? 'an address' : 'a token'}.`, {
      mend: 'DEMO_APP_TOKEN=choose-one tideway demo --app 127.0.0.1:4000',
    });
  }
  const signal = stopSignal();
  const app = await startDemoApp(token, { host, port: Number(port) });
  try {
    say(`The stand-in app started on ${address}.`);
    await untilStopped(signal);
  } finally {
    await app.stop();
  }
  return exitCodes.done;
}

/** Runs the steps, then shows one change on its way out, one on its way in, and many at once. */
async function showBothWays(url: string, app: PlainApp, signal: AbortSignal): Promise<void> {
  const database = openDatabase({ url, part: 'demo', connections: 1 });
  try {
    // The daemon describes the systems when it starts, and connect() checks settings by that.
    await until(signal, 'The daemon did not start', async () => {
      const systems = await database`select from tideway.systems where system = 'plain'`;
      return systems.length > 0;
    });
    for (const { why, statement } of demoSteps(app.url)) await run(database, why, statement);
    await until(signal, 'The rows did not reach the app', () => Promise.resolve(app.records('products').length === 3));
    say(`\nThe app has the rows now: ${titles(app)}.`);

    await run(database, changeHere.why, changeHere.statement);
    await until(signal, 'The change did not reach the app', () =>
      Promise.resolve(app.journal().some(({ actor, op }) => actor === 'api' && op === 'update')),
    );
    say('\nThe app has the new price.');

    say('\nSomebody makes a record in the app: Shelf, 120');
    app.edit('products', { op: 'create', values: { sku: 4, title: 'Shelf', price: 120 } });
    await until(signal, 'The record did not come here', async () => {
      const rows = await database`select from products where id = 4 and name = 'Shelf' and price = 120`;
      return rows.length > 0;
    });
    say('The table has the row now.');

    const before = app.records('products').length;
    await run(database, manyHere.why, manyHere.statement);
    await showArriving(app, before, signal);
    say(`\nThe app has all ${counted(manyHere.count)} of them.`);
  } finally {
    await database.end({ timeout: 5 });
  }
}

async function showArriving(app: PlainApp, before: number, signal: AbortSignal): Promise<void> {
  const line = liveLine(process.stdout);
  try {
    await until(signal, 'The rows did not reach the app', () => {
      const arrived = app.records('products').length - before;
      line.show(`${bar(arrived, manyHere.count)}  ${counted(arrived)} of ${counted(manyHere.count)} rows in the app`);
      return Promise.resolve(arrived === manyHere.count);
    });
  } finally {
    line.end();
  }
}

async function run(database: Database, why: string, statement: string): Promise<void> {
  say(`\n-- ${why}\n${statement}`);
  await database.unsafe(statement);
}

function titles(app: PlainApp): string {
  return app
    .records('products')
    .map(({ values }) => JSON.stringify(values['title']))
    .join(', ');
}

async function until(signal: AbortSignal, otherwise: string, isSo: () => Promise<boolean>): Promise<void> {
  for (const end = Date.now() + SHOWN_WITHIN; !signal.aborted;) {
    if (await isSo()) return;
    if (Date.now() > end) {
      throw new TidewayError('TWD01', `${otherwise} within a minute.`, {
        mend: 'Look at tideway.mapping_status and tideway.recent_logs in the demo database.',
      });
    }
    await sleep(50);
  }
}
