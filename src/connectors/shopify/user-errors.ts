import { z } from 'zod';
import { Fault } from '../../model/fault.ts';
import type { FaultCode } from '../../model/fault.ts';
import { columnOf, type Table } from './tables.ts';

const shape = z.array(
  z.object({ field: z.array(z.string()).nullish(), message: z.string(), code: z.string().nullish() }),
);

/** Why the shop did not carry out a mutation that it understood. */
export type UserError = z.infer<typeof shape>[number];

/** Undefined when the payload does not say. */
export function readUserErrors(value: unknown): readonly UserError[] | undefined {
  return shape.safeParse(value).data;
}

const GONE: ReadonlySet<string> = new Set([
  'PRODUCT_DOES_NOT_EXIST',
  'PRODUCT_VARIANT_DOES_NOT_EXIST',
  'INVALID_INVENTORY_ITEM',
  'INVALID_LOCATION',
  'ITEM_NOT_STOCKED_AT_LOCATION',
]);

/** Whether the shop says that the record itself is not there. */
export function saysGone({ field, message, code }: UserError): boolean {
  if (code && GONE.has(code)) return true;
  const where = field?.at(-1);
  return (where === undefined || where === 'id') && /does not exist|can[’']t be found|not found/i.test(message);
}

/** What a refusal means, and which of the columns that were sent it is about. */
export function refusalOf(table: Table, sent: readonly string[], error: UserError): Fault {
  const column = columnAt(table, sent, error.field ?? []);
  return new Fault(codeOf(error, column), `Shopify refuses the record: ${error.message}`, {
    ...(column === undefined ? {} : { column }),
  });
}

function codeOf({ message, code }: UserError, column: string | undefined): FaultCode {
  if (code === 'TAKEN' || /already (in use|been taken)/i.test(message)) return 'DUPLICATE_REMOTE';
  if (code === 'TOO_LONG' || /too long/i.test(message)) return 'VALUE_TOO_LONG';
  return column === undefined ? 'REQUEST_REFUSED' : 'VALUE_REFUSED';
}

/** `["input", "variants", "0", "inventoryItem", "sku"]` is the column whose input is `inventoryItem.sku`. */
function columnAt(table: Table, sent: readonly string[], field: readonly string[]): string | undefined {
  const at = field.indexOf('metafields');
  if (at !== -1) return sent.filter((name) => name.startsWith('metafields.'))[Number(field[at + 1])];
  const path = field.filter((part) => !/^\d+$/.test(part));
  return sent.find((name) => {
    const { input } = columnOf(table, name);
    return input !== undefined && input.every((part, index) => path.at(index - input.length) === part);
  });
}
