import { z } from 'zod';
import { listProgress } from '../sql/callers/progress.ts';
import { endpoint } from './endpoint.ts';
import { limit, list } from './schemas.ts';
import { streamProgress } from './stream-progress.ts';

const group = 'Progress';
const query = z.strictObject({ sync_id: z.string().max(1_000).optional(), limit });

export const progressEndpoints = [
  endpoint({
    method: 'GET',
    path: '/api/sync/progress',
    group,
    summary: 'What is under way and what ended lately.',
    needs: 'look',
    query,
    answer: z.object({ progress: list }),
    example: { query: { limit: '20' } },
    run: async ({ as, query: { sync_id: id, limit: most } }) =>
      `{"progress":${await as((session) => listProgress(session, id === undefined ? null : [id], most))}}`,
  }),
  endpoint({
    method: 'GET',
    path: '/api/sync/progress/stream',
    group,
    summary: 'The same as server-sent events, each time that something moves.',
    needs: 'look',
    query,
    answer: z.string(),
    type: 'text/event-stream',
    isStream: true,
    example: {},
    run: async ({ query: { sync_id: id, limit: most }, ...asked }) => {
      await streamProgress(asked, id, most);
      return undefined;
    },
  }),
];
