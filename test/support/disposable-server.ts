import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, chmodSync, chownSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { migrateDatabase } from '../../src/cli/migrate-database.ts';
import { currentMigrations } from '../../src/cli/migrations.ts';
import { startEmbeddedPostgres } from '../../src/runtime/embedded-postgres.ts';
import { waitFor } from './wait-for.ts';

type Settings = Readonly<Record<string, string | number>>;

export interface DisposableServer {
  readonly url: string;
  readonly port: number;
  /** The folder of the data. */
  readonly data: string;
  readonly pool: pg.Pool;
  /** Starts it again, on its port. */
  start(settings?: Settings): Promise<void>;
  /** As an operator does. */
  stop(): Promise<void>;
  /** SIGINT is a fast shutdown, SIGQUIT an immediate one, SIGKILL takes the postmaster away; returns when no process is left. */
  kill(signal: 'SIGINT' | 'SIGQUIT' | 'SIGKILL'): Promise<void>;
  /** Stops or goes on with every process of the server. */
  freeze(): void;
  thaw(): void;
  /** A stopped server's data, as another server or to come back to. */
  copy(to: string): void;
  remove(): Promise<void>;
}

interface Options {
  /** Where it keeps everything; a new folder when not given. */
  readonly directory?: string;
  /** Any free one when not given. */
  readonly port?: number;
  readonly settings?: Settings;
  /** False for a copy of another one. */
  readonly migrate?: boolean;
}

/** A server of the test's own, which may do anything to it. */
export async function startDisposableServer(options: Options = {}): Promise<DisposableServer> {
  const directory = options.directory ?? mkdtempSync(join(tmpdir(), 'tideway-disposable-'));
  chmodSync(directory, 0o755);
  const data = join(directory, 'data');
  let settings: Settings = { fsync: 'off', ...options.settings };
  let running = await startEmbeddedPostgres({ directory, port: options.port ?? 0, settings });
  const { url, port } = running;
  const pool = new pg.Pool({ connectionString: url, application_name: 'test/pool', max: 4 });
  pool.on('error', () => undefined);
  if (options.migrate !== false)
    await migrateDatabase({ url, current: currentMigrations().length > 0, say: () => undefined });

  const postmaster = (): number => Number(readFileSync(join(data, 'postmaster.pid'), 'utf8').split('\n')[0]);
  const family = (pid: number): number[] => [pid, ...childrenOf(pid)];
  const gone = (pids: readonly number[]): Promise<boolean> =>
    waitFor(() => pids.every((pid) => !isAlive(pid)), { within: 30_000 });
  const signal = (name: NodeJS.Signals, pids: readonly number[]): void => {
    for (const pid of pids) {
      try {
        process.kill(pid, name);
      } catch {
        // It ended by itself.
      }
    }
  };
  let frozen: readonly number[] = [];

  const server: DisposableServer = {
    url,
    port,
    data,
    pool,
    start: async (changed) => {
      settings = { ...settings, ...changed };
      running = await startEmbeddedPostgres({ directory, port, settings });
      if (running.port !== port) throw new Error(`Port ${String(port)} was taken meanwhile.`);
    },
    stop: () => running.stop(),
    kill: async (name) => {
      const pids = family(postmaster());
      signal(name, pids.slice(0, 1));
      await gone(pids);
    },
    freeze: () => {
      frozen = family(postmaster());
      signal('SIGSTOP', frozen);
    },
    thaw: () => {
      signal('SIGCONT', frozen);
      frozen = [];
    },
    copy: (to) => {
      const { uid, gid } = statSync(data);
      cpSync(directory, to, { recursive: true, preserveTimestamps: true });
      own(join(to, 'data'), uid, gid);
      chownSync(join(to, 'password'), uid, gid);
      rmSync(join(to, 'starter.pid'), { force: true });
    },
    remove: async () => {
      server.thaw();
      await pool.end().catch(() => undefined);
      await running.stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
  return server;
}

function own(path: string, uid: number, gid: number): void {
  chownSync(path, uid, gid);
  if (!statSync(path).isDirectory()) return;
  for (const name of readdirSync(path)) own(join(path, name), uid, gid);
}

function childrenOf(parent: number): number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => pid > 0 && Number(statOf(pid)[1]) === parent);
}

function isAlive(pid: number): boolean {
  const [state] = statOf(pid);
  return state !== undefined && state !== 'Z';
}

/** State and parent of a process; its name may hold blanks and brackets. */
function statOf(pid: number): string[] {
  try {
    const stat = readFileSync(`/proc/${String(pid)}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    return [];
  }
}
