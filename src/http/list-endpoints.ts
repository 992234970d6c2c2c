import { z } from 'zod';
import { askScheduledLists, deltaSync, listResult, scheduledResult } from '../sql/callers/runs.ts';
import { endpoint } from './endpoint.ts';
import { finishRuns } from './finish-runs.ts';
import { Problem } from './problem.ts';
import { uuid } from './schemas.ts';

const group = 'Sync lists';
const count = z.int();

export const listEndpoints = [
  endpoint({
    method: 'POST',
    path: '/functions/v1/delta-sync',
    group,
    summary: 'Syncs the items of the sync list that the caller sees, all or those named.',
    needs: 'operate',
    body: z.strictObject({
      syncListIds: z.array(uuid).max(10_000).nullish(),
      itemType: z.string().max(200).nullish(),
    }),
    answer: z.object({
      syncHistoryId: uuid,
      status: z.enum(['running', 'completed', 'partial_success', 'failed']),
      itemsProcessed: count,
      itemsCreated: count,
      itemsUpdated: count,
      itemsFailed: count,
      duration: count.describe('Milliseconds.'),
      errors: z.array(z.object({ itemId: z.string().nullable(), error: z.string().nullable() })),
    }),
    mayWait: true,
    example: { body: { itemType: 'product' } },
    run: async ({ as, body: { syncListIds = null, itemType = null }, ...asked }) => {
      const runs = await as((session) => deltaSync(session, syncListIds, itemType));
      return finishRuns(asked, runs, () => as((session) => listResult(session, runs[0] ?? '')));
    },
  }),
  endpoint({
    method: 'POST',
    path: '/functions/v1/scheduled-sync',
    group,
    summary: 'Syncs the items of everybody: of a token’s organisation, or of all with a system token.',
    needs: 'operate',
    body: z.strictObject({}),
    answer: z.object({
      totalUsers: count,
      totalItems: count,
      itemsProcessed: count,
      itemsSucceeded: count,
      itemsFailed: count,
      duration: count.describe('Milliseconds.'),
      userResults: z.array(
        z.looseObject({
          userId: z.string().nullable(),
          itemsProcessed: count,
          itemsSucceeded: count,
          itemsFailed: count,
          errors: z.array(z.string()),
        }),
      ),
    }),
    mayWait: true,
    example: { body: {} },
    run: async ({ caller, ...asked }) => {
      if (caller.kind === 'person') {
        throw new Problem(403, 'PERMISSION_DENIED', 'A person may sync own items only.', {
          mend: "Use /functions/v1/delta-sync; or, as a program, a token of tideway.create_api_token with role => 'tideway_operator'.",
        });
      }
      const { database } = asked.api;
      const runs = await askScheduledLists(database, caller.organisation);
      return finishRuns(asked, runs, () => scheduledResult(database, runs));
    },
  }),
];
