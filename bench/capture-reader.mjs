// Reads a slot to its end and throws everything away: node capture-reader.mjs plr|postgres|own <url> <slot> <rows> [where].
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const [reader, url, slot, wanted, folder] = process.argv.slice(2);
const readers = { plr, postgres, own };
const rows = Number(wanted);
let seen = 0;
let began;
let used;
const begin = () => {
  began ??= performance.now();
  used ??= process.cpuUsage();
};

await readers[reader]();
const seconds = (performance.now() - began) / 1000;
const { user, system } = process.cpuUsage(used);
const memory = process.resourceUsage().maxRSS / 1024;
console.log(JSON.stringify({ seconds, cpu: (user + system) / 1e6, memory }));
process.exit(0);

/** The settings that never acknowledge what was not handled. */
async function plr() {
  const { LogicalReplicationService, PgoutputPlugin } = await import('pg-logical-replication');
  const service = new LogicalReplicationService(
    { connectionString: url },
    { acknowledge: { auto: false, timeoutSeconds: 0 }, flowControl: { enabled: true } },
  );
  let confirmed = '0/0';
  await new Promise((resolve, reject) => {
    service.on('error', reject);
    service.on('start', begin);
    service.on('heartbeat', (_lsn, _time, shouldRespond) => {
      if (shouldRespond) void service.acknowledge(confirmed);
    });
    service.on('data', async (_lsn, message) => {
      if (message.tag === 'insert' || message.tag === 'update' || message.tag === 'delete') seen += 1;
      else if (message.tag === 'commit') {
        confirmed = message.commitEndLsn;
        if (seen >= rows) resolve();
      }
    });
    service.subscribe(new PgoutputPlugin({ protoVersion: 1, publicationNames: ['tideway'] }), slot).catch(reject);
  });
}

/** A copy of its source that reads a slot which is there already; how it decodes is left alone. */
async function postgres() {
  const copy = join(folder, 'postgres');
  cpSync(new URL('.', import.meta.resolve('postgres')), join(copy, 'src'), { recursive: true });
  writeFileSync(join(copy, 'package.json'), '{"type": "module"}');
  const file = join(copy, 'src', 'subscribe.js');
  const source = readFileSync(file, 'utf8');
  const patched = source
    .replace(
      'CREATE_REPLICATION_SLOT ${ slot } TEMPORARY LOGICAL pgoutput NOEXPORT_SNAPSHOT',
      "select '0/0' as consistent_point",
    )
    .replace("slot = 'postgresjs_' + Math.random().toString(36).slice(2)", `slot = '${slot}'`);
  if (!patched.includes("'0/0' as consistent_point") || !patched.includes(`slot = '${slot}'`))
    throw new Error('postgres: subscribe.js is not what it was; look at the patch');
  writeFileSync(file, patched);
  const { default: connect } = await import(pathToFileURL(join(copy, 'src', 'index.js')).href);
  const sql = connect(url, { publications: 'tideway' });
  await new Promise((resolve, reject) => {
    sql
      .subscribe(
        '*',
        () => {
          seen += 1;
          if (seen === rows) resolve();
        },
        begin,
        reject,
      )
      .catch(reject);
  });
}

async function own() {
  const { openReader } = await import('../dist/src/follow/reader.js');
  const stream = await openReader({ connection: { connectionString: url }, slot, publication: 'tideway' });
  begin();
  for await (const { events, position } of stream) {
    for (const event of events) if ('key' in event) seen += 1;
    if (position !== undefined) stream.confirm(position);
    if (seen >= rows) return;
  }
}
