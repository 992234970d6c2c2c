import type { Limits } from '../connectors/connector.ts';
import type { OwnedConnection } from '../connectors/owned-connection.ts';
import { outcomesOf, settleAll } from '../connectors/write-outcomes.ts';
import { Fault } from '../model/fault.ts';
import type { Harm, WriteOutcome, WriteRow } from '../model/write.ts';

/** Writes rows in requests that the app takes; a request refused as a whole is halved until the bad row stands alone. */
export async function writeRows(
  owned: OwnedConnection,
  table: string,
  rows: readonly WriteRow[],
  limits: Limits,
): Promise<readonly WriteOutcome[]> {
  const { connector, lease } = owned;
  const { writeBatch } = connector;
  if (writeBatch === undefined) {
    const fault = new Fault(
      'SETTINGS_INVALID',
      `${connector.describe().title} takes no writes; map it with direction pull.`,
    );
    return outcomesOf(rows, fault.facts);
  }
  const session = owned.session('push');
  const outcomes: WriteOutcome[] = [];
  const harmed = new Map<string, readonly Harm[]>();
  const parts = splitBySize(rows, limits);
  for (let part = parts.shift(); part !== undefined; part = parts.shift()) {
    const sent = part;
    const answers = await settleAll(sent, () => {
      lease.assertHeld();
      return writeBatch(session, { table, rows: sent });
    });
    // A connector may send one part of the rows in a request of its own, and only that one is refused.
    const isWhole = (answer: WriteOutcome | undefined): boolean =>
      answer?.result === 'refused' && answer.wholeBatch === true;
    const whole = sent.filter((_, at) => isWhole(answers[at]));
    if (whole.length > 1) {
      const middle = Math.ceil(whole.length / 2);
      parts.unshift(whole.slice(0, middle), whole.slice(middle));
      outcomes.push(...answers.filter((answer) => !isWhole(answer)));
      for (const answer of answers.filter(isWhole)) harmed.set(answer.ref, harmOf(answer, harmed));
    } else {
      outcomes.push(...answers);
    }
  }
  // What an answer tells that was not kept is told with the one that was.
  return outcomes.map((outcome) => {
    const all = harmOf(outcome, harmed);
    return all.length === 0 ? outcome : { ...outcome, harmed: all };
  });
}

function harmOf({ ref, harmed = [] }: WriteOutcome, before: ReadonlyMap<string, readonly Harm[]>): readonly Harm[] {
  return [...(before.get(ref) ?? []), ...harmed];
}

function splitBySize(rows: readonly WriteRow[], { rowsPerWrite, bytesPerWrite = Infinity }: Limits): WriteRow[][] {
  // Half of what the app takes: its own envelope and escapes are not counted here.
  const most = bytesPerWrite / 2;
  const parts: WriteRow[][] = [];
  let part: WriteRow[] = [];
  let bytes = 0;
  for (const row of rows) {
    const size = most === Infinity ? 0 : Buffer.byteLength(JSON.stringify(row.op === 'update' ? row.changed : row));
    if (part.length > 0 && (part.length >= rowsPerWrite || bytes + size > most)) {
      parts.push(part);
      part = [];
      bytes = 0;
    }
    part.push(row);
    bytes += size;
  }
  if (part.length > 0) parts.push(part);
  return parts;
}
