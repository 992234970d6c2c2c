import { Fault } from '../../model/fault.ts';
import type { RemoteColumn, RemoteTable } from '../../model/remote-table.ts';
import type { Session } from '../connector.ts';
import { createOdooClient, type FieldInfo, type OdooClient } from './client.ts';
import { KEPT_BY_ODOO } from './records.ts';
import type { OdooSettings } from './settings.ts';
import { fieldTypeOf, isWritableType } from './values.ts';

const PAGE = 2000;

/** Every stored model, or only the named ones: these are asked one by one, so no right to list models is needed. */
export async function discover(
  session: Session<OdooSettings>,
  wanted: readonly string[] | undefined,
): Promise<readonly RemoteTable[]> {
  const client = createOdooClient(session);
  const { models, computed_fields: computed } = session.settings;
  const named = wanted?.filter((name) => models?.includes(name) ?? true) ?? models;
  if (named === undefined) return listAll(client, computed);
  const tables: RemoteTable[] = [];
  for (const name of named) {
    try {
      tables.push(tableOf(name, undefined, Object.entries(await client.fields(name)), computed));
    } catch (error) {
      if (!(error instanceof Fault) || error.facts.code !== 'TABLE_MISSING') throw error;
    }
  }
  return tables;
}

async function listAll(client: OdooClient, computed: boolean): Promise<readonly RemoteTable[]> {
  const models = await all(client, 'ir.model', [['transient', '=', false]], ['model', 'name']);
  const fields = await all(
    client,
    'ir.model.fields',
    [],
    ['model', 'name', 'field_description', 'ttype', 'relation', 'required', 'readonly', 'store'],
  );
  const byModel = new Map<string, [string, FieldInfo][]>();
  for (const field of fields) {
    const { model, name, ttype, relation, field_description: title } = field;
    if (typeof model !== 'string' || typeof name !== 'string' || typeof ttype !== 'string') continue;
    const info: FieldInfo = {
      type: ttype,
      required: Boolean(field['required']),
      readonly: Boolean(field['readonly']),
      store: Boolean(field['store']),
      ...(typeof relation === 'string' ? { relation } : {}),
      ...(typeof title === 'string' ? { string: title } : {}),
    };
    byModel.set(model, [...(byModel.get(model) ?? []), [name, info]]);
  }
  return models.flatMap(({ model, name }) =>
    typeof model === 'string'
      ? [tableOf(model, typeof name === 'string' ? name : undefined, byModel.get(model) ?? [], computed)]
      : [],
  );
}

async function all(client: OdooClient, model: string, domain: readonly unknown[], fields: readonly string[]) {
  const rows: Readonly<Record<string, unknown>>[] = [];
  for (let after = 0; ;) {
    try {
      const { records } = await client.search(model, [...domain, ['id', '>', after]], { fields, limit: PAGE });
      rows.push(...records);
      const last = records.at(-1)?.id ?? 0;
      if (records.length < PAGE || last <= after) return rows;
      after = last;
    } catch (error) {
      if (!(error instanceof Fault) || error.facts.code !== 'PERMISSION_DENIED') throw error;
      throw new Fault('PERMISSION_DENIED', `The user may not list Odoo’s models: ${error.message}`, {
        suggestion: 'Name the models in the setting "models", or give the user the right to read ir.model.',
        cause: error,
      });
    }
  }
}

function tableOf(
  name: string,
  title: string | undefined,
  fields: readonly (readonly [string, FieldInfo])[],
  computed: boolean,
): RemoteTable {
  const stored = ([field, { store }]: readonly [string, FieldInfo]): boolean => store !== false || field === 'id';
  const shown = fields.filter((field) => computed || stored(field)).sort(([a], [b]) => (a < b ? -1 : 1));
  return {
    name,
    ...(title === undefined ? {} : { title }),
    columns: shown.map(([field, info]) => columnOf(field, info)),
    capabilities: {
      create: true,
      update: true,
      delete: true,
      changes: fields.some((field) => field[0] === 'write_date' && stored(field)),
      findBy: fields.filter(stored).flatMap(([field, { type }]) => (FINDABLE.has(type) ? [field] : [])),
    },
  };
}

/** Types whose values Odoo compares exactly as they are shown. */
const FINDABLE: ReadonlySet<string> = new Set([
  'char',
  'text',
  'selection',
  'reference',
  'integer',
  'many2one',
  'date',
]);

function columnOf(name: string, info: FieldInfo): RemoteColumn {
  const { type, string: title, required, readonly, relation } = info;
  return {
    name,
    ...(title === undefined ? {} : { title }),
    type: fieldTypeOf(name === 'id' ? 'integer' : type),
    appType: type,
    writable: readonly !== true && isWritableType(type) && !KEPT_BY_ODOO.has(name),
    required: required === true,
    ...(type === 'many2one' && relation !== undefined ? { refersTo: relation } : {}),
  };
}
