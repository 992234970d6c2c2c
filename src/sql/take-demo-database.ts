import { escapeIdentifier } from 'pg';
import { openDatabase } from './database.ts';

interface DemoDatabase {
  name: string;
  url: string;
  release: () => Promise<void>;
}

/** A fresh database for one demo; another demo that runs on the same server keeps its own. */
export async function takeDemoDatabase(serverUrl: string): Promise<DemoDatabase> {
  const server = openDatabase({ url: serverUrl, part: 'demo', connections: 1 });
  try {
    for (let count = 1; ; count += 1) {
      const name = count === 1 ? 'demo' : `demo_${count}`;
      // Held as long as this session lives, so a killed demo gives its name back by itself.
      const [lock] = await server<{ ours: boolean }[]>`
        select pg_try_advisory_lock(hashtextextended(${`tideway ${name}`}, 0)) as ours`;
      if (!lock?.ours) continue;
      await server`select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = ${name}`;
      await server`select pg_drop_replication_slot(slot_name) from pg_replication_slots where database = ${name}`;
      await server.unsafe(`drop database if exists ${escapeIdentifier(name)} with (force)`);
      await server.unsafe(`create database ${escapeIdentifier(name)}`);
      const url = Object.assign(new URL(serverUrl), { pathname: name }).href;
      const release = async (): Promise<void> => {
        // A slot that nobody reads would keep the server's log for ever.
        await server`select pg_terminate_backend(active_pid, 5000) from pg_replication_slots where database = ${name} and active`;
        await server`select pg_drop_replication_slot(slot_name) from pg_replication_slots where database = ${name} and not active`;
        await server.end({ timeout: 5 });
      };
      return { name, url, release };
    }
  } catch (error) {
    await server.end({ timeout: 5 });
    throw error;
  }
}
