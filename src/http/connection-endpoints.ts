import { z } from 'zod';
import {
  discover,
  isCarriedOut,
  listConnections,
  remoteTables,
  testConnection,
  testResult,
} from '../sql/callers/connections.ts';
import { endpoint } from './endpoint.ts';
import { list, name, when } from './schemas.ts';
import { patienceOf, waitUntil } from './wait-until.ts';

const group = 'Connections';
const params = z.object({ connection: name });
const tables = z.object({ tables: z.array(z.looseObject({ name: z.string(), columns: list })) });
const example = { params: { connection: 'items' } };
const WAITING = '{"status":"running","runs":[]}';

export const connectionEndpoints = [
  endpoint({
    method: 'GET',
    path: '/api/connections',
    group,
    summary: 'The connections, without their secrets.',
    needs: 'look',
    answer: z.object({ connections: list }),
    example: {},
    run: async ({ as }) => `{"connections":${await as(listConnections)}}`,
  }),
  endpoint({
    method: 'POST',
    path: '/api/connections/:connection/test',
    group,
    summary: 'Tries a connection.',
    needs: 'operate',
    params,
    answer: z.object({ connection: z.string(), ok: z.boolean(), tested_at: when, error: z.string().nullable() }),
    mayWait: true,
    example,
    run: async ({ as, params: { connection }, api: { database, news, stop, patience: longest }, request, reply }) => {
      const id = await as((session) => testConnection(session, connection));
      const patience = patienceOf(request, longest);
      if (await waitUntil(() => isCarriedOut(database, id), { patience, news, stop })) {
        return as((session) => testResult(session, connection));
      }
      void reply.status(202).header('location', '/api/connections');
      return WAITING;
    },
  }),
  endpoint({
    method: 'POST',
    path: '/api/connections/:connection/discover',
    group,
    summary: 'Reads the tables and columns of an app.',
    needs: 'operate',
    params,
    answer: tables,
    mayWait: true,
    example,
    run: async ({ as, params: { connection }, api: { database, news, stop, patience: longest }, request, reply }) => {
      const id = await as((session) => discover(session, connection));
      const patience = patienceOf(request, longest);
      if (await waitUntil(() => isCarriedOut(database, id), { patience, news, stop })) {
        return `{"tables":${await as((session) => remoteTables(session, connection))}}`;
      }
      void reply.status(202).header('location', `/api/connections/${encodeURIComponent(connection)}/tables`);
      return WAITING;
    },
  }),
  endpoint({
    method: 'GET',
    path: '/api/connections/:connection/tables',
    group,
    summary: 'The tables and columns that were last discovered.',
    needs: 'look',
    params,
    answer: tables,
    example,
    run: async ({ as, params: { connection } }) =>
      `{"tables":${await as((session) => remoteTables(session, connection))}}`,
  }),
];
