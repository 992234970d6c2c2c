import { z } from 'zod';

/** Where a read stands. */
export const placeShape = z.object({
  way: z.enum(['pages', 'bulk']),
  /** The last change that the read of changes before this one saw; null for a read of everything. */
  since: z.string().nullable(),
  /** The shop's clock when this read began. */
  began: z.string().nullable(),
  /** The newest change seen by this read. */
  newest: z.string().nullable(),
  /** In pages: the app's cursor, the location it belongs to, and how many records came already. */
  page: z.string().nullable().default(null),
  location: z.string().nullable().default(null),
  count: z.number().default(0),
  /** In bulk: the operation, whose data this is, and how far its result was read. */
  operation: z.string().nullable().default(null),
  asked: z.string().nullable().default(null),
  polls: z.number().default(0),
  offset: z.number().default(0),
  lines: z.number().default(0),
});

export type Place = z.infer<typeof placeShape>;
