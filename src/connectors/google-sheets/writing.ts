import { createHash } from 'node:crypto';
import { Fault, type FaultFacts } from '../../model/fault.ts';
import type { Fields } from '../../model/record.ts';
import type { CreateRow, DeleteRow, Harm, UpdateRow, WriteOutcome } from '../../model/write.ts';
import type { Session, WriteRequest } from '../connector.ts';
import { outcomesOf } from '../write-outcomes.ts';
import { createSheetsClient, type SheetsClient } from './client.ts';
import { doubledFault, keyRows, toRecord, type KeyedSheet } from './records.ts';
import {
  deletionOf,
  findMissed,
  findStray,
  harmOf,
  lostRows,
  restoreCell,
  restoreRow,
  type Stray,
  type Written,
} from './repair.ts';
import type { GoogleSheetsSettings } from './settings.ts';
import { columnOf, EMPTY, keyOf, rangeOf, readSheet, type Sheet, type SheetColumn, type SheetRow } from './sheet.ts';
import { cellValue, keyText } from './values.ts';

/** How often a batch is begun again because people moved rows while it was written. */
const ROUNDS = 3;
/** How often a look after a write is tried. */
const LOOKS = 3;

interface Work {
  readonly client: SheetsClient;
  readonly read: () => Promise<KeyedSheet>;
  readonly outcomes: WriteOutcome[];
  /** What the writes of a row took from other rows for good, by its ref. */
  readonly harmed: Map<string, Harm[]>;
  /** After it nothing more is sent: the app cannot be reached, or asks to wait. */
  stopped: FaultFacts | undefined;
}

/**
 * Rows are found by key right before they are written, and looked at by key right after: a row that somebody moved
 * in between is written again, and what was hit in its place gets back what it had.
 */
export async function writeBatch(
  session: Session<GoogleSheetsSettings>,
  { table, rows }: WriteRequest,
): Promise<readonly WriteOutcome[]> {
  const client = createSheetsClient(session);
  const work: Work = {
    client,
    read: async () => keyRows(await readSheet(session, client, table)),
    outcomes: [],
    harmed: new Map(),
    stopped: undefined,
  };
  let sheet: KeyedSheet;
  try {
    sheet = await work.read();
  } catch (error) {
    // Nothing was sent yet.
    if (error instanceof Fault) return outcomesOf(rows, { ...error.facts, uncertain: false });
    throw error;
  }
  sheet = await writeUpdates(
    work,
    sheet,
    rows.filter((row) => row.op === 'update'),
  );
  sheet = await writeCreates(
    work,
    sheet,
    rows.filter((row) => row.op === 'create'),
  );
  await writeDeletes(
    work,
    sheet,
    rows.filter((row) => row.op === 'delete'),
  );
  const outcomes = new Map(work.outcomes.map((outcome) => [outcome.ref, outcome]));
  return rows.flatMap(({ ref }) => {
    const [outcome, harmed] = [outcomes.get(ref), work.harmed.get(ref)];
    if (outcome === undefined) return [];
    return harmed === undefined ? outcome : { ...outcome, harmed };
  });
}

async function writeUpdates(work: Work, first: KeyedSheet, rows: readonly UpdateRow[]): Promise<KeyedSheet> {
  let sheet = first;
  let open = rows;
  for (let round = 0; round < ROUNDS && open.length > 0 && !stop(work, open); round += 1) {
    const before = sheet;
    const written: Written[] = [];
    const sent: UpdateRow[] = [];
    for (const row of open) {
      const cells = place(work, before, row);
      if (cells === undefined) continue;
      sent.push(row);
      written.push(...cells);
    }
    open = [];
    if (sent.length === 0) break;
    if (written.length > 0) {
      const data = written.map(({ column, rowNumber, value }) => ({
        range: rangeOf(before, column, column, rowNumber),
        values: [[value]],
      }));
      if (!(await attempt(work, sent, () => work.client.writeValues(before.spreadsheet, data)))) {
        await mendUnanswered(work, before, written);
        return sheet;
      }
    }
    const after = await look(work, sent);
    if (after === undefined) return sheet;
    sheet = after;
    const strays = written.flatMap((one) => findStray(before, after, one, written));
    const astray = new Set(strays.map(({ ref }) => ref));
    if (strays.length > 0) {
      const again = sent.filter(({ ref }) => astray.has(ref));
      const mended = await putRight(work, after, strays, again);
      if (mended === undefined) return sheet;
      sheet = mended;
      open = again;
    }
    for (const row of sent.filter(({ ref }) => !astray.has(ref))) {
      const cells = written.filter(({ ref }) => ref === row.ref);
      work.outcomes.push(shown(after, row.ref, row.id, Object.keys(row.fields), cells));
    }
  }
  busy(work, open, first);
  return sheet;
}

/** Gives the cells back what they held, and looks where that went: rows may have moved once more. */
async function putRight(
  work: Work,
  after: KeyedSheet,
  strays: readonly Stray[],
  rows: readonly UpdateRow[],
): Promise<KeyedSheet | undefined> {
  let sheet = after;
  let open = strays;
  for (let round = 0; round < ROUNDS && open.length > 0; round += 1) {
    const seen = sheet;
    const requests = open.map((stray) => restoreCell(seen, stray));
    const mends = await attempt(work, rows, () => work.client.batchUpdate(seen.spreadsheet, requests));
    tell(work, seen, open, mends);
    if (!mends) return undefined;
    const now = await look(work, rows);
    if (now === undefined) return undefined;
    sheet = now;
    open = findMissed(seen, now, open);
  }
  return sheet;
}

/** A write without an answer may have hit other rows as well: what it changed in the places that it named gets back what it held. */
async function mendUnanswered(work: Work, before: KeyedSheet, written: readonly Written[]): Promise<void> {
  const unknown = new Set(work.outcomes.filter(({ result }) => result === 'uncertain').map(({ ref }) => ref));
  if (!written.some(({ ref }) => unknown.has(ref))) return;
  try {
    const after = await readAgain(work);
    const strays = written.flatMap((one) => findStray(before, after, one, written, true));
    if (strays.length === 0) return;
    const requests = strays.map((stray) => restoreCell(after, stray));
    let mended = false;
    try {
      await work.client.batchUpdate(before.spreadsheet, requests);
      mended = true;
    } finally {
      tell(work, after, strays, mended);
    }
  } catch (error) {
    // The rows are answered for already.
    if (!(error instanceof Fault)) throw error;
  }
}

/** People hear of a cell that could not be given back what it held. */
function tell(work: Work, after: KeyedSheet, strays: readonly Stray[], mended: boolean): void {
  for (const stray of strays) {
    if (mended && stray.known) continue;
    const harm = harmOf(after, stray, mended);
    const all = work.harmed.get(stray.ref) ?? [];
    if (!all.some(({ id, fault }) => id === harm.id && fault.column === harm.fault.column))
      work.harmed.set(stray.ref, [...all, harm]);
  }
}

/** The cells of one update; what cannot be written is answered for at once. */
function place(work: Work, sheet: KeyedSheet, { ref, id, changed }: UpdateRow): Written[] | undefined {
  return guard(work, ref, () => {
    const row = only(work, sheet, ref, id);
    if (row === undefined) return undefined;
    const key = keyOf(sheet);
    return Object.entries(changed).flatMap(([name, value]): Written[] => {
      const column = columnOf(sheet, name);
      if (column === key) {
        if (keyText(value) === id) return [];
        throw new Fault('VALUE_REFUSED', `"${name}" identifies the row, so it cannot change from "${id}".`, {
          column: name,
          suggestion: 'Delete the row and make a new one.',
        });
      }
      const cell = row.cells[column.index] ?? EMPTY;
      if (cell.computed || column.computed || cell.merged) {
        const why = !cell.merged ? 'holds a formula' : 'is covered by a merged cell';
        throw new Fault('VALUE_REFUSED', `"${name}" in row ${String(row.number)} ${why}; it is not overwritten.`, {
          column: name,
        });
      }
      const written = cellValue(value, column, sheet.zone);
      return [{ ref, id, name, column: column.index, rowNumber: row.number, value: written }];
    });
  });
}

async function writeCreates(work: Work, sheet: KeyedSheet, rows: readonly CreateRow[]): Promise<KeyedSheet> {
  if (rows.length === 0 || stop(work, rows)) return sheet;
  const { byKey } = sheet;
  const key = keyOf(sheet);
  const first = Math.min(...sheet.columns.map(({ index }) => index));
  const last = Math.max(...sheet.columns.map(({ index }) => index));
  const sent: { row: CreateRow; id: string }[] = [];
  const values: unknown[][] = [];
  for (const row of rows) {
    const made = guard(work, row.ref, () => {
      const given = keyText(row.fields[key.name] ?? null);
      const id = given ?? keyFrom(row.idempotencyKey);
      const standing = byKey.get(id);
      if (standing?.[0] && given === null) {
        // The very same request was carried out before.
        work.outcomes.push({
          ref: row.ref,
          result: 'written',
          id,
          record: toRecord(sheet, id, standing[0], Object.keys(row.fields)),
        });
        return undefined;
      }
      if (standing || sent.some((other) => other.id === id)) {
        throw new Fault('DUPLICATE_REMOTE', `A row of the tab "${sheet.title}" has the key "${id}" already.`, {
          column: key.name,
        });
      }
      return {
        id,
        cells: newRow(sheet, key, { ...row.fields, ...(given === null ? { [key.name]: id } : {}) }, first, last),
      };
    });
    if (made === undefined) continue;
    sent.push({ row, id: made.id });
    values.push(made.cells);
  }
  if (sent.length === 0) return sheet;
  const sentRows = sent.map(({ row }) => row);
  let range = '';
  const answered = await attempt(work, sentRows, async () => {
    range = await work.client.append(sheet.spreadsheet, rangeOf(sheet, first, last, sheet.headerRow), values);
  });
  if (!answered) return sheet;
  const after = await look(work, sentRows);
  if (after === undefined) return sheet;
  const found = after.byKey;
  for (const { row, id } of sent) {
    if (found.has(id)) {
      work.outcomes.push(shown(after, row.ref, id, Object.keys(row.fields), []));
    } else {
      const fault = new Fault(
        'UNKNOWN_OUTCOME',
        `Google put the new row "${id}" into ${range}, where no row has this key.`,
        {
          uncertain: true,
          suggestion: `Look at ${range}: cells beside the table or columns that moved lead new rows astray.`,
        },
      );
      work.outcomes.push({ ref: row.ref, result: 'uncertain', fault: fault.facts });
    }
  }
  return after;
}

function newRow(sheet: Sheet, key: SheetColumn, fields: Fields, first: number, last: number): unknown[] {
  const cells: unknown[] = Array.from({ length: last - first + 1 }, () => null);
  for (const [name, value] of Object.entries(fields)) {
    if (value === null) continue;
    const column = columnOf(sheet, name);
    if (column.computed) {
      throw new Fault('VALUE_REFUSED', `"${name}" is filled by formulas; it is not overwritten.`, { column: name });
    }
    cells[column.index - first] = cellValue(value, column, sheet.zone);
  }
  if (cells[key.index - first] === null)
    throw new Fault('VALUE_REFUSED', 'A new row needs a key.', { column: key.name });
  return cells;
}

/** The same text for the same request, in the form of a UUID (version 8: made by a rule of one's own). */
function keyFrom(idempotencyKey: string): string {
  const digits = createHash('sha256').update(idempotencyKey).digest('hex');
  const variant = '89ab'.charAt(Number.parseInt(digits.charAt(16), 16) % 4);
  return [
    digits.slice(0, 8),
    digits.slice(8, 12),
    `8${digits.slice(13, 16)}`,
    variant + digits.slice(17, 20),
    digits.slice(20, 32),
  ].join('-');
}

async function writeDeletes(work: Work, first: KeyedSheet, rows: readonly DeleteRow[]): Promise<void> {
  let sheet = first;
  let open = rows;
  for (let round = 0; round < ROUNDS && open.length > 0 && !stop(work, open); round += 1) {
    const before = sheet;
    const placed = open.flatMap((row) => {
      const found = guard(work, row.ref, () => only(work, before, row.ref, row.id));
      return found ? [{ row, number: found.number }] : [];
    });
    open = [];
    if (placed.length === 0) break;
    const sent = placed.map(({ row }) => row);
    const requests = deletionOf(
      before,
      placed.map(({ number }) => number),
    );
    if (!(await attempt(work, sent, () => work.client.batchUpdate(before.spreadsheet, requests)))) return;
    const after = await look(work, sent);
    if (after === undefined) return;
    const { byKey } = after;
    open = sent.filter(({ id }) => byKey.has(id));
    for (const { ref, id } of sent) if (!byKey.has(id)) work.outcomes.push({ ref, result: 'written', id });
    if (open.length === 0) break;
    const lost = lostRows(
      before,
      after,
      sent.map(({ id }) => id),
      open.length,
    );
    if (lost.length > 0) {
      const mend = [...lost].sort((a, b) => a.number - b.number).flatMap((row) => restoreRow(before, after, row));
      if (!(await attempt(work, open, () => work.client.batchUpdate(before.spreadsheet, mend)))) return;
    }
    const mended = await look(work, open);
    if (mended === undefined) return;
    sheet = mended;
  }
  busy(work, open, first);
}

/** The one row with this key; several or none are answered for at once. */
function only(work: Work, sheet: KeyedSheet, ref: string, id: string): SheetRow | undefined {
  const rows = sheet.byKey.get(id) ?? [];
  if (rows.length > 1) throw doubledFault(sheet, id, rows);
  if (rows.length === 0) work.outcomes.push({ ref, result: 'not_found' });
  return rows[0];
}

function guard<Result>(work: Work, ref: string, convert: () => Result): Result | undefined {
  try {
    return convert();
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    work.outcomes.push({ ref, result: 'refused', fault: error.facts });
    return undefined;
  }
}

type Rows = readonly (CreateRow | UpdateRow | DeleteRow)[];

/** Sends one request for these rows; when it fails, they are answered for by its fault. */
async function attempt(work: Work, rows: Rows, send: () => Promise<unknown>): Promise<boolean> {
  try {
    await send();
    return true;
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    work.outcomes.push(...outcomesOf(rows, error.facts));
    if (error.facts.retryable || error.facts.class === 'AUTH_ERROR') work.stopped = error.facts;
    return false;
  }
}

/** Only a look tells what a write took from other rows, and gives it back: one that fails by chance is worth another. */
async function readAgain(work: Work): Promise<KeyedSheet> {
  for (let looked = 1; ; looked += 1) {
    try {
      return await work.read();
    } catch (error) {
      const isChance = error instanceof Fault && error.facts.retryable && error.facts.class !== 'RATE_LIMIT';
      if (!isChance || looked === LOOKS) throw error;
    }
  }
}

/** What the sheet shows after a write. Without that nobody knows which row was hit. */
async function look(work: Work, rows: Rows): Promise<KeyedSheet | undefined> {
  try {
    return await readAgain(work);
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    const facts = { ...error.facts, uncertain: true };
    work.outcomes.push(...rows.map(({ ref }): WriteOutcome => ({ ref, result: 'uncertain', fault: facts })));
    work.stopped = error.facts;
    return undefined;
  }
}

/** Rows that are not even tried any more can be sent again as they are. */
function stop(work: Work, rows: Rows): boolean {
  if (work.stopped === undefined) return false;
  work.outcomes.push(...outcomesOf(rows, { ...work.stopped, uncertain: false }));
  return true;
}

function busy(work: Work, rows: Rows, { title }: Sheet): void {
  if (work.stopped !== undefined || rows.length === 0) return;
  const fault = new Fault('CONFLICT', `People move rows of the tab "${title}" faster than they can be written.`, {
    retryable: true,
  });
  work.outcomes.push(...outcomesOf(rows, fault.facts));
}

/** A record as the sheet shows it now; a cell that somebody changed right after the write speaks for itself later. */
function shown(
  after: KeyedSheet,
  ref: string,
  id: string,
  columns: readonly string[],
  cells: readonly Written[],
): WriteOutcome {
  const rows = after.byKey.get(id) ?? [];
  const [row] = rows;
  const kept =
    row &&
    rows.length === 1 &&
    cells.every(({ name, value }) => {
      const { value: now } = row.cells[columnOf(after, name).index] ?? EMPTY;
      return (now ?? '') === value;
    });
  const known = columns.filter((name) => after.columns.some((column) => column.name === name));
  return { ref, result: 'written', id, ...(row && kept ? { record: toRecord(after, id, row, known) } : {}) };
}
