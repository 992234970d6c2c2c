import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import pg from 'pg';
import type { TestProject } from 'vitest/node';
import { startEmbeddedPostgres } from '../../src/runtime/embedded-postgres.ts';
import { freePort } from '../support/free-port.ts';
import { waitFor } from '../support/wait-for.ts';

interface Account {
  readonly login: string;
  /** A password or an API key. */
  readonly key: string;
}

interface RealOdoo {
  readonly url: string;
  readonly database: string;
  readonly tideway: Account;
  /** Whoever works in Odoo meanwhile. */
  readonly person: Account;
  /** Made for this run, so that its models may be changed too. */
  readonly ours: boolean;
}

declare module 'vitest' {
  interface ProvidedContext {
    /** Or why there is none. */
    odoo: RealOdoo | string;
  }
}

/** The Odoo that variables name, or Debian's Odoo 14, which is installed first where it is missing. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const given = (name: string): string => process.env[`TIDEWAY_TEST_ODOO_${name}`] ?? '';
  if (given('URL') !== '') {
    const account = { login: given('USER'), key: given('KEY') };
    project.provide('odoo', {
      url: given('URL'),
      database: given('DB'),
      tideway: account,
      person: account,
      ours: false,
    });
    return () => Promise.resolve();
  }
  const folder = resolve('.tideway/odoo-14');
  const installer = resolve('test/odoo/install-odoo-14.sh');
  const { status, stderr, error } = spawnSync(installer, [folder], {
    stdio: ['ignore', 'inherit', 'pipe'],
    encoding: 'utf8',
  });
  if (status !== 0) {
    project.provide('odoo', `${error?.message ?? stderr.trim()} Or name one: see CONTRIBUTING.md.`);
    return () => Promise.resolve();
  }
  const { odoo, stop } = await startOdoo14(join(folder, 'debian'));
  project.provide('odoo', odoo);
  return stop;
}

/** With a database of its own that is gone with it. */
async function startOdoo14(root: string): Promise<{ odoo: RealOdoo; stop: () => Promise<void> }> {
  const folder = mkdtempSync(join(tmpdir(), 'tideway-odoo-'));
  chmodSync(folder, 0o755);
  const debian15 = '/usr/lib/postgresql/15/bin';
  const postgres = await startEmbeddedPostgres({
    directory: join(folder, 'postgres'),
    settings: { fsync: 'off' },
    ...(existsSync(join(debian15, 'postgres')) ? { binaries: debian15 } : {}),
  });
  const password = randomBytes(12).toString('hex');
  const stops: (() => Promise<void> | void)[] = [() => postgres.stop()];
  const stop = async (): Promise<void> => {
    for (const one of stops.reverse()) await one();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    const admin = new pg.Client({ connectionString: postgres.url });
    await admin.connect();
    // Odoo refuses to work as "postgres".
    await admin
      .query(`create role odoo login createdb password '${password}'`)
      .then(() => admin.query('create database tideway owner odoo'))
      .finally(() => admin.end());

    const user = (readFileSync(join(root, 'etc/passwd'), 'utf8').match(/^odoo:.*$/m)?.[0] ?? '').split(':');
    const data = mkdtempSync(join(root, 'var/lib/odoo/run-'));
    stops.push(() => rmSync(data, { recursive: true, force: true }));
    execFileSync('chown', [`${user[2] ?? ''}:${user[3] ?? ''}`, data]);
    const port = await freePort();
    const inRoot = (...command: string[]): string[] => [
      '--mount',
      'sh',
      '-c',
      'mount -t proc proc "$1/proc" && exec chroot "$@"',
      'sh',
      root,
      ...['setpriv', '--reuid=odoo', '--regid=odoo', '--init-groups', '--pdeathsig=TERM'],
      ...command,
    ];
    const options = [
      '--config=/dev/null',
      '--database=tideway',
      '--db-filter=^tideway$',
      '--db_host=127.0.0.1',
      `--db_port=${String(postgres.port)}`,
      '--db_user=odoo',
      `--db_password=${password}`,
      `--data-dir=${data.slice(root.length)}`,
      '--http-interface=127.0.0.1',
      `--http-port=${String(port)}`,
      '--max-cron-threads=0',
      '--without-demo=all',
      '--log-level=warn',
    ];
    const env = { PATH: process.env['PATH'] ?? '', HOME: data.slice(root.length), LC_ALL: 'C.UTF-8' };
    const run = (command: readonly string[], input = ''): string =>
      execFileSync('unshare', inRoot('odoo', ...command), { env, input, encoding: 'utf8', stdio: 'pipe' });
    run([...options, '--init=base,contacts,product', '--stop-after-init']);
    const person = { login: 'admin', key: randomBytes(12).toString('hex') };
    const key = run(['shell', ...options, '--no-http'], makeAccounts(person.key)).match(/^key=([0-9a-f]+)$/m)?.[1];
    if (key === undefined) throw new Error('Odoo made no API key.');

    const log = openSync(join(folder, 'odoo.log'), 'a');
    const server = spawn('unshare', inRoot('odoo', ...options), { env, stdio: ['ignore', log, log] });
    closeSync(log);
    let ended: number | NodeJS.Signals | null | undefined;
    const end = new Promise<void>((done) => {
      server.once('exit', (code, signal) => {
        ended = signal ?? code;
        done();
      });
    });
    stops.push(async () => {
      server.kill('SIGTERM');
      const patience = setTimeout(() => server.kill('SIGKILL'), 20_000);
      await end;
      clearTimeout(patience);
    });
    const url = `http://127.0.0.1:${String(port)}`;
    const answers = (): Promise<boolean> =>
      fetch(url, { redirect: 'manual' }).then(
        () => true,
        () => false,
      );
    await waitFor(async () => ended !== undefined || (await answers()), { within: 120_000 });
    if (ended !== undefined) {
      const said = readFileSync(join(folder, 'odoo.log'), 'utf8').slice(-2000);
      throw new Error(`Odoo ended with ${String(ended)}: ${said}`);
    }
    return {
      odoo: { url, database: 'tideway', tideway: { login: 'tideway', key }, person, ours: true },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** An account that may do no more than write contacts, with an API key; and the administrator's password. */
const makeAccounts = (password: string): string => `
groups = env.ref('base.group_user') + env.ref('base.group_partner_manager')
user = env['res.users'].create({'name': 'Tideway', 'login': 'tideway', 'groups_id': [(6, 0, groups.ids)]})
env.ref('base.user_admin').password = '${password}'
key = env['res.users.apikeys'].with_user(user)._generate('rpc', 'Tideway')
env.cr.commit()
print('key=' + key)
`;
