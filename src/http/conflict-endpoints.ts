import { z } from 'zod';
import { listConflicts, resolveConflict } from '../sql/callers/conflicts.ts';
import { endpoint } from './endpoint.ts';
import { Problem } from './problem.ts';
import { limit, list, name, uuid } from './schemas.ts';

const group = 'Conflicts';

export const conflictEndpoints = [
  endpoint({
    method: 'GET',
    path: '/api/conflicts',
    group,
    summary: 'Open conflicts, the newest first.',
    needs: 'look',
    query: z.strictObject({ mapping: name.optional(), limit }),
    answer: z.object({ conflicts: list }),
    example: { query: { mapping: 'items' } },
    run: async ({ as, query: { mapping = null, limit: most } }) =>
      `{"conflicts":${await as((session) => listConflicts(session, mapping, most))}}`,
  }),
  endpoint({
    method: 'POST',
    path: '/api/conflicts/:id/resolve',
    group,
    summary: 'Decides a conflict: the app’s value, the table’s, or a given one.',
    needs: 'operate',
    params: z.object({ id: uuid }),
    body: z.strictObject({ choice: z.enum(['remote', 'local', 'value']), value: z.json().optional() }),
    answer: z.object({ resolved: z.int() }),
    example: { params: { id: '00000000-0000-4000-8000-000000000003' }, body: { choice: 'local' } },
    run: async ({ as, params: { id }, body: { choice, value } }) => {
      const given = value === undefined ? null : JSON.stringify(value);
      const resolved = await as((session) => resolveConflict(session, id, choice, given));
      if (resolved !== 'null') return `{"resolved":${resolved}}`;
      throw new Problem(404, 'TWCFL', `There is no conflict with the id ${id}.`, {
        mend: 'List the open ones with GET /api/conflicts.',
      });
    },
  }),
];
