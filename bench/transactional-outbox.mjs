// The library pg-transactional-outbox at the same work, in a process of its own: node transactional-outbox.mjs <database> <app>.
// Whoever changes a row puts a message into its table, in the same transaction; it reads them from the log and sends each.
import pg from 'pg';
import {
  createReplicationMutexConcurrencyController,
  DatabaseSetup,
  getDefaultLogger,
  initializeReplicationMessageListener,
} from 'pg-transactional-outbox';
import { Pool } from 'undici';

const [database, app] = process.argv.slice(2);
const settings = {
  dbSchema: 'public',
  dbTable: 'peer_outbox',
  dbPublication: 'peer_outbox',
  dbReplicationSlot: 'peer_outbox',
  // As its documents advise where messages only go out.
  enableMaxAttemptsProtection: false,
  enablePoisonousMessageProtection: false,
};
const client = new pg.Client({ connectionString: database });
await client.connect();
const { rows } = await client.query('select current_user as role, current_database() as database');
const setup = {
  outboxOrInbox: 'outbox',
  database: rows[0].database,
  schema: settings.dbSchema,
  table: settings.dbTable,
  listenerRole: rows[0].role,
  publication: settings.dbPublication,
  replicationSlot: settings.dbReplicationSlot,
};
await client.query(DatabaseSetup.dropAndCreateTable(setup));
await client.query(DatabaseSetup.setupReplicationCore(setup));
await client.query(`select pg_create_logical_replication_slot($1, 'pgoutput')`, [settings.dbReplicationSlot]);
await client.end();

const target = new URL(app);
const http = new Pool(target.origin, { connections: 8, pipelining: 1 });
const logger = getDefaultLogger('outbox');
logger.level = 'silent';
const [shutdown] = initializeReplicationMessageListener(
  { outboxOrInbox: 'outbox', dbListenerConfig: { connectionString: database }, settings },
  {
    handle: async ({ aggregateId, payload }) => {
      const { body } = await http.request({
        method: 'POST',
        path: `${target.pathname}/v1/tables/items/records/write`,
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ rows: [{ op: 'update', id: `r${aggregateId}`, values: payload }] }),
      });
      await body.dump();
    },
  },
  logger,
  { concurrencyStrategy: createReplicationMutexConcurrencyController() },
);
process.once('SIGTERM', () => void shutdown().finally(() => process.exit(0)));
process.stdout.write('ready\n');
