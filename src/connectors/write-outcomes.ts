import { Fault, type FaultFacts } from '../model/fault.ts';
import type { WriteOutcome, WriteRow } from '../model/write.ts';

/** The outcomes of rows about which the app said nothing, because the request they were in failed. */
export function outcomesOf(rows: readonly WriteRow[], fault: FaultFacts): WriteOutcome[] {
  return rows.map(({ ref }) => {
    if (fault.uncertain) return { ref, result: 'uncertain', fault };
    if (fault.retryable) return { ref, result: 'retry', fault };
    return { ref, result: 'refused', fault, wholeBatch: rows.length > 1 && isOfBatch(fault) };
  });
}

const OF_A_ROW: ReadonlySet<string> = new Set(['REQUEST_REFUSED', 'NOT_FOUND']);

/** One bad row can make an app refuse a whole batch; a bad secret or a missing table is nobody's row. */
function isOfBatch(fault: FaultFacts): boolean {
  if (fault.code === 'TABLE_MISSING' || fault.code === 'SETTINGS_INVALID') return false;
  return fault.class === 'VALIDATION_ERROR' || fault.class === 'CONFLICT' || OF_A_ROW.has(fault.code);
}

/**
 * Runs a write and answers for every row whatever happens: a thrown fault speaks for all rows, and a connector
 * that forgets a row has left it uncertain.
 */
export async function settleAll(
  rows: readonly WriteRow[],
  write: () => Promise<readonly WriteOutcome[]>,
): Promise<readonly WriteOutcome[]> {
  try {
    const outcomes = new Map((await write()).map((outcome) => [outcome.ref, outcome]));
    return rows.map((row) => outcomes.get(row.ref) ?? forgotten(row));
  } catch (error) {
    const fault =
      error instanceof Fault
        ? error
        : new Fault('INTERNAL', 'The connector failed while it wrote a batch.', { uncertain: true, cause: error });
    return outcomesOf(rows, fault.facts);
  }
}

function forgotten({ ref }: WriteRow): WriteOutcome {
  const fault = new Fault('UNKNOWN_OUTCOME', 'The answer says nothing about this row.', { uncertain: true });
  return { ref, result: 'uncertain', fault: fault.facts };
}
