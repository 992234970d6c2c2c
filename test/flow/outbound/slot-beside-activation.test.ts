import pg from 'pg';
import { test } from 'vitest';
import { waitFor } from '../../support/wait-for.ts';
import { useOutbound } from './stage.ts';

const outbound = useOutbound();
const { pool, url } = outbound;

test('a table that is published while the slot is being made is followed', async () => {
  const stage = await outbound.stage();
  await pool.query('create table busy (id integer)');
  await pool.query('alter publication tideway drop table items');
  const sessions = Array.from({ length: 3 }, () => new pg.Client({ connectionString: url }));
  await Promise.all(sessions.map((session) => session.connect()));
  const [old, publishing, writing] = sessions as [pg.Client, pg.Client, pg.Client];
  const begin = async (session: pg.Client) =>
    (await session.query<{ xid: string }>('select pg_current_xact_id()::text as xid')).rows[0]?.xid;
  const slotWaitsFor = async (): Promise<string | undefined> => {
    const { rows } = await pool.query<{ xid: string }>(
      `select l.transactionid::text as xid from pg_locks l join pg_stat_activity a using (pid)
        where not l.granted and l.locktype = 'transactionid' and a.application_name = 'tideway/slot' and a.datname = current_database()`,
    );
    return rows[0]?.xid;
  };

  await old.query('begin');
  const first = await begin(old);
  const daemon = await outbound.daemon();
  await waitFor(async () => (await slotWaitsFor()) === first);
  await publishing.query('begin');
  await publishing.query('alter publication tideway add table items');
  const second = await begin(publishing);
  await old.query('commit');
  await waitFor(async () => (await slotWaitsFor()) === second);
  await writing.query('begin');
  await writing.query(`insert into items values (1, 'lamp', 5)`);
  await pool.query('insert into busy values (1)');
  await publishing.query('commit');
  await waitFor(async () => (await slotWaitsFor()) !== second);
  await writing.query('commit');
  await Promise.all(sessions.map((session) => session.end()));
  await waitFor(() => daemon.log().includes('Following the log'));
  await stage.shows([[1, 'lamp', 5]]);
  await outbound.settled();

  await pool.query(`insert into items values (2, 'desk', 1)`);
  await stage.shows([
    [1, 'lamp', 5],
    [2, 'desk', 1],
  ]);
});
