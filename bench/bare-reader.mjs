// Node's own server and one statement: the least that can answer with rows.
import { createServer } from 'node:http';
import postgres from 'postgres';

const sql = postgres(process.env.DATABASE_URL, { max: 4 });
const server = createServer(async (request, response) => {
  const price = request.url.slice(request.url.indexOf('gte.') + 4);
  const rows =
    await sql`select to_jsonb(i)::text as row from app.items i where price >= ${price}::numeric order by id limit 20`;
  response.setHeader('content-type', 'application/json').end(`[${rows.map(({ row }) => row).join()}]`);
});
server.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}`));
process.on('SIGTERM', () => process.exit());
