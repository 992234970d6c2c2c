// What people write by hand instead, in a process of its own: node by-hand.mjs webhook|outbox|bare <database> <app>.
//   webhook: reads the record that a webhook names and stores its row, before it answers.
//   outbox:  takes what a trigger has put into a table, and sends it in batches.
//   bare:    answers at once.
import { createServer } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import { Pool } from 'undici';

const [what, database, app] = process.argv.slice(2);
const pool = new pg.Pool({ connectionString: database, max: 8 });
pool.on('error', () => {});
const target = new URL(app);
const http = new Pool(target.origin, { connections: 8, pipelining: 1 });
const post = async (path, value) => {
  const { body } = await http.request({
    method: 'POST',
    path: `${target.pathname}/v1/tables/items/records/${path}`,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(value),
  });
  return body.json();
};

const server = createServer((request, response) => {
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', async () => {
    if (what === 'bare') return response.writeHead(200).end('{}');
    try {
      const { recordId } = JSON.parse(Buffer.concat(chunks).toString());
      const { records } = await post('read', { ids: [recordId], columns: ['ref', 'name', 'qty', 'note'] });
      const { ref, name, qty, note } = records[0].values;
      await pool.query(
        `insert into public.by_hand values ($1, $2, $3, $4)
         on conflict (id) do update set name = excluded.name, qty = excluded.qty, note = excluded.note`,
        [ref, name, qty, note],
      );
      response.writeHead(202).end();
    } catch (error) {
      console.error(`by hand: ${error.message}`);
      response.writeHead(500).end();
    }
  });
});
server.keepAliveTimeout = 60_000;
server.listen(0, '127.0.0.1', () => process.stdout.write(`http://127.0.0.1:${server.address().port}\n`));
if (what === 'outbox') await sendOutbox();

async function sendOutbox() {
  for (;;) {
    const client = await pool.connect();
    try {
      await client.query('begin');
      const { rows } = await client.query(
        `delete from public.message_outbox where id in
           (select id from public.message_outbox order by id limit 500 for update skip locked) returning payload`,
      );
      if (rows.length > 0)
        await post('write', {
          rows: rows.map(({ payload }) => ({ op: 'update', id: `r${payload.id}`, values: payload })),
        });
      await client.query('commit');
      if (rows.length < 500) await pause(20);
    } catch (error) {
      console.error(`by hand: ${error.message}`);
      await client.query('rollback').catch(() => {});
      await pause(200);
    } finally {
      client.release();
    }
  }
}
