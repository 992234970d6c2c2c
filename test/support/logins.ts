import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { afterAll } from 'vitest';
import type { useDatabase } from './database.ts';

/** Roles that really log in: what a session may claim depends on its login, which SET ROLE does not change. */
export function useLogins({ url, pool }: ReturnType<typeof useDatabase>) {
  const logins: { role: string; client: pg.Client }[] = [];

  afterAll(async () => {
    for (const { role, client } of logins) {
      await client.end();
      await pool.query(`drop owned by ${role} cascade`);
      await pool.query(`drop role ${role}`);
    }
  });

  return {
    login: async (...memberOf: string[]): Promise<{ role: string; client: pg.Client }> => {
      const role = `test_${randomUUID().slice(0, 8)}`;
      await pool.query(`create role ${role} login password 'test'`);
      for (const group of memberOf) await pool.query(`grant ${group} to ${role}`);
      const address = Object.assign(new URL(url), { username: role, password: 'test' }).href;
      const client = new pg.Client({ connectionString: address, application_name: 'test/login' });
      await client.connect();
      const made = { role, client };
      logins.push(made);
      return made;
    },
  };
}
