import { z } from 'zod';
import { listRuns, runResult, runResults, syncNow, syncSource } from '../sql/callers/runs.ts';
import { endpoint } from './endpoint.ts';
import { finishRuns } from './finish-runs.ts';
import { Problem } from './problem.ts';
import { limit, list, name, syncBody, syncResult, uuid } from './schemas.ts';

const group = 'Syncs';

export const syncEndpoints = [
  endpoint({
    method: 'POST',
    path: '/api/sync/tab/:mapping',
    group,
    summary: 'Syncs one mapping from its app and answers when it is done.',
    needs: 'operate',
    params: z.object({ mapping: name }),
    body: syncBody,
    answer: syncResult,
    mayWait: true,
    example: { params: { mapping: 'items' }, body: { dry_run: true, row_limit: 100 } },
    run: async ({ as, params: { mapping }, body, ...asked }) => {
      const runs = await as((session) => syncNow(session, mapping, body));
      return finishRuns(asked, runs, () => as((session) => runResult(session, runs[0] ?? '')));
    },
  }),
  endpoint({
    method: 'POST',
    path: '/api/sync/source/:connection',
    group,
    summary: 'Syncs every active mapping that reads from a connection.',
    needs: 'operate',
    params: z.object({ connection: name }),
    body: syncBody,
    answer: z.object({ success: z.boolean(), results: z.array(syncResult) }),
    mayWait: true,
    example: { params: { connection: 'items' }, body: {} },
    run: async ({ as, params: { connection }, body, ...asked }) => {
      const runs = await as((session) => syncSource(session, connection, body));
      return finishRuns(asked, runs, async () => {
        const results = await as((session) => runResults(session, runs));
        const failed = (JSON.parse(results) as { success: boolean }[]).some(({ success }) => !success);
        return `{"success":${String(!failed)},"results":${results}}`;
      });
    },
  }),
  endpoint({
    method: 'GET',
    path: '/api/sync/runs',
    group,
    summary: 'Recent runs, the newest first.',
    needs: 'look',
    query: z.strictObject({ mapping: name.optional(), status: z.string().optional(), limit }),
    answer: z.object({ runs: list }),
    example: { query: { limit: '20' } },
    run: async ({ as, query: { mapping = null, status = null, limit: most } }) =>
      `{"runs":${await as((session) => listRuns(session, { mapping, status, limit: most }))}}`,
  }),
  endpoint({
    method: 'GET',
    path: '/api/sync/runs/:id',
    group,
    summary: 'One run with its counts and the errors of its rows.',
    needs: 'look',
    params: z.object({ id: uuid }),
    answer: syncResult,
    example: { params: { id: '00000000-0000-4000-8000-000000000001' } },
    run: async ({ as, params: { id } }) => {
      const found = await as((session) => runResult(session, id));
      if (found !== 'null') return found;
      throw new Problem(404, 'NOT_FOUND', `There is no run ${id}.`, { mend: 'List them with GET /api/sync/runs.' });
    },
  }),
];
