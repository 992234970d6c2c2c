import { Fault } from '../../model/fault.ts';
import type { FieldProblem, FieldValue, RemoteRecord } from '../../model/record.ts';
import type { FieldInfo, OdooClient, OdooRecord } from './client.ts';
import { fromOdoo, StrangeValue } from './values.ts';

/** What has to be known of a model's columns to read and write them. */
export type Columns = Readonly<Record<string, FieldInfo>>;

/** Fields that Odoo keeps itself; writing them is ignored without an error. */
export const KEPT_BY_ODOO: ReadonlySet<string> = new Set([
  'id',
  'display_name',
  'create_uid',
  'create_date',
  'write_uid',
  'write_date',
  '__last_update',
]);

/** The named columns and those that Tideway itself looks at, where the model has them. */
export async function columnsOf(client: OdooClient, model: string, names: readonly string[]): Promise<Columns> {
  const wanted = [...new Set([...names, 'id', 'active', 'write_date'])];
  const found = await client.fields(model, wanted);
  const missing = names.find((name) => !Object.hasOwn(found, name));
  if (missing === undefined) return found;
  throw new Fault('MAPPING_FIELD_MISSING', `Odoo’s model "${model}" has no field "${missing}".`, { column: missing });
}

/** The fields to ask for so that a record can be shown with these columns. */
export function fieldsToRead(columns: Columns, names: readonly string[]): string[] {
  const own = ['active', 'write_date'].filter((name) => Object.hasOwn(columns, name));
  return [...new Set([...names, ...own])].filter((name) => name !== 'id');
}

export function toRecord(row: OdooRecord, columns: Columns, names: readonly string[]): RemoteRecord {
  const fields: Record<string, FieldValue> = {};
  const problems: FieldProblem[] = [];
  for (const name of names) {
    if (!Object.hasOwn(row, name)) {
      throw new Fault('BAD_RESPONSE', `Odoo left the field "${name}" out of a record that it was asked for.`);
    }
    try {
      fields[name] = name === 'id' ? row.id : fromOdoo(columns[name]?.type ?? 'json', row[name]);
    } catch (error) {
      if (!(error instanceof StrangeValue)) throw error;
      problems.push({ column: name, message: `Odoo’s field "${name}" cannot be read: ${error.message}.` });
    }
  }
  const modifiedAt = typeof row['write_date'] === 'string' ? fromOdoo('datetime', row['write_date']) : null;
  return {
    id: String(row.id),
    fields,
    ...(typeof modifiedAt === 'string' ? { modifiedAt } : {}),
    ...(problems.length === 0 ? {} : { problems }),
  };
}
