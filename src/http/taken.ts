import type { z } from 'zod';
import { Problem } from './problem.ts';

/** What a request holds, as its schema makes it; else the field that is wrong. */
export function taken<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const where = (issue?.path ?? []).join('.');
  const unknown = issue?.code === 'unrecognized_keys' ? issue.keys.join(', ') : '';
  throw new Problem(
    400,
    'BAD_REQUEST',
    unknown === ''
      ? `${where === '' ? 'The request' : where} is not right: ${issue?.message ?? 'invalid'}.`
      : `There is no field ${unknown}.`,
    {
      ...(where === '' && unknown === '' ? {} : { where: unknown === '' ? where : unknown }),
      mend: 'Send what /openapi.json describes.',
    },
  );
}
