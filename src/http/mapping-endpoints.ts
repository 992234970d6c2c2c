import { z } from 'zod';
import { listMappings, mappingStatus, preview, validateMapping } from '../sql/callers/mappings.ts';
import { endpoint } from './endpoint.ts';
import { finishRuns } from './finish-runs.ts';
import { Problem } from './problem.ts';
import { list, name, uuid, when } from './schemas.ts';

const group = 'Mappings';
const params = z.object({ mapping: name });
const status = z.looseObject({ mapping: z.string(), connection: z.string(), state: z.string() });
const example = { params: { mapping: 'items' } };

export const mappingEndpoints = [
  endpoint({
    method: 'GET',
    path: '/api/mappings',
    group,
    summary: 'The mappings and how they stand.',
    needs: 'look',
    answer: z.object({ mappings: z.array(status) }),
    example: {},
    run: async ({ as }) => `{"mappings":${await as(listMappings)}}`,
  }),
  endpoint({
    method: 'GET',
    path: '/api/mappings/:mapping/status',
    group,
    summary: 'How one mapping stands.',
    needs: 'look',
    params,
    answer: status,
    example,
    run: ({ as, params: { mapping } }) => as((session) => mappingStatus(session, mapping)),
  }),
  endpoint({
    method: 'GET',
    path: '/api/mappings/:mapping/validate',
    group,
    summary: 'What is wrong with a mapping, and how to mend it.',
    needs: 'operate',
    params,
    answer: z.object({ valid: z.boolean(), problems: list }),
    example,
    run: ({ as, params: { mapping } }) => as((session) => validateMapping(session, mapping)),
  }),
  endpoint({
    method: 'POST',
    path: '/api/mappings/:mapping/preview',
    group,
    summary: 'What a sync would change; remembered for an hour.',
    needs: 'operate',
    params,
    answer: z.looseObject({ sync_run_id: uuid, computed_at: when, expires_at: when, delta: z.looseObject({}) }),
    mayWait: true,
    example,
    run: async ({ as, params: { mapping }, ...asked }) => {
      const first = await as((session) => preview(session, mapping));
      if (first.answer !== null) return first.answer;
      return finishRuns(asked, [first.run], async () => {
        const { run, answer } = await as((session) => preview(session, mapping));
        if (answer !== null) return answer;
        throw new Problem(502, 'RUN_FAILED', 'The preview could not be computed.', {
          where: `run ${first.run}`,
          mend: `Look at /api/sync/runs/${first.run}; another try is ${run}.`,
        });
      });
    },
  }),
];
