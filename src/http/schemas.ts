import { z } from 'zod';

/** Parts that several endpoints share. */
export const uuid = z.uuid();
export const when = z.string().nullable();
export const list = z.array(z.looseObject({}));

const flag = z.boolean().default(false);

export const syncBody = z
  .strictObject({
    mode: z
      .enum(['full', 'delta', 'sweep'])
      .default('full')
      .describe('full reads every record, delta what changed, sweep also finds deletions.'),
    dry_run: flag.describe('Computes what would change and writes nothing.'),
    force_overwrite: flag.describe('The remote side wins every field.'),
    row_limit: z
      .int()
      .positive()
      .max(2_147_483_647)
      .nullable()
      .default(null)
      .describe('Reads so many records at most.'),
  })
  .partial()
  .transform(({ mode = 'full', dry_run = false, force_overwrite = false, row_limit = null }) => ({
    mode,
    dry_run,
    force_overwrite,
    row_limit,
  }));

export const limit = z.coerce.number().int().min(1).max(1_000).default(100);
export const name = z.string().min(1).max(200).describe('A name or a uuid.');

const rowError = z.looseObject({
  row: z.int().optional(),
  column: z.string().optional(),
  error: z.string(),
  severity: z.enum(['warning', 'error']),
});

export const syncResult = z.looseObject({
  success: z.boolean(),
  sync_run_id: uuid,
  mapping: z.string().nullable(),
  status: z.string(),
  dry_run: z.boolean(),
  started_at: when,
  completed_at: when,
  error: z.string().nullable(),
  stats: z.looseObject({
    rows_processed: z.int(),
    rows_created: z.int(),
    rows_updated: z.int(),
    rows_skipped: z.int(),
    errors: z.array(rowError),
  }),
  changes: z
    .array(z.looseObject({ type: z.string() }))
    .optional()
    .describe('Only of a dry run.'),
});

export const accepted = z.object({
  status: z.literal('running'),
  sync_run_id: uuid.optional(),
  link: z.string().optional(),
  runs: z.array(z.object({ sync_run_id: uuid, link: z.string() })),
});

export const problem = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  code: z.string(),
  where: z.string().optional(),
  mend: z.string().optional(),
  request_id: z.string(),
});
