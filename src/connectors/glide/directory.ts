import { z } from 'zod';
import { Fault } from '../../model/fault.ts';
import type { RemoteColumn } from '../../model/remote-table.ts';
import type { Account, Session } from '../connector.ts';
import { ask } from './client.ts';
import { appIdOf, placesOf, type GlideSettings } from './settings.ts';
import { fieldType, kebab, needsKinds, ROW_ID, type GlideRow } from './values.ts';

const named = z.object({ id: z.string(), name: z.string() });
const listing = z.object({ data: z.array(named) });
const kind = z.union([z.string(), z.object({ kind: z.string() }).transform((type) => type.kind)]);
const columnList = z.object({
  data: z.object({ columns: z.array(z.object({ id: z.string(), name: z.string().optional(), type: kind })) }),
});

export const ROW_ID_COLUMN: RemoteColumn = {
  name: ROW_ID,
  title: 'Row ID',
  type: 'string',
  appType: 'row-id',
  writable: false,
  required: false,
};

/** The app that the connection is for, found among those that the token opens. */
export async function identifyApp(session: Session<GlideSettings>): Promise<Account> {
  const { data } = await ask(session, listing, { method: 'GET', url: `${placesOf(session.settings).rest}/apps` });
  const wanted = appIdOf(session.settings);
  const found = data.data.find(({ id }) => id === wanted);
  if (found !== undefined) return { id: found.id, title: found.name };
  throw new Fault('SETTINGS_INVALID', `The token opens no app with the id "${wanted}".`, {
    suggestion: `It opens: ${data.data.map(({ id, name }) => `${name} (${id})`).join(', ') || 'none'}.`,
  });
}

/** The user whose token it is; `v2` has no word for its team. */
export async function identifyUser(session: Session<GlideSettings>): Promise<Account> {
  const { data } = await ask(session, named, { method: 'GET', url: `${placesOf(session.settings).rest}/me` });
  return { id: data.id, title: data.name };
}

export async function listAppTables(session: Session<GlideSettings>): Promise<readonly z.infer<typeof named>[]> {
  const url = `${placesOf(session.settings).rest}/apps/${encodeURIComponent(appIdOf(session.settings))}/tables`;
  return (await ask(session, listing, { method: 'GET', url })).data.data;
}

export async function listBigTables(session: Session<GlideSettings>): Promise<readonly z.infer<typeof named>[]> {
  return (await ask(session, listing, { method: 'GET', url: `${placesOf(session.settings).v2}/tables` })).data.data;
}

export async function listColumns(session: Session<GlideSettings>, table: string): Promise<readonly RemoteColumn[]> {
  const app = encodeURIComponent(appIdOf(session.settings));
  const url = `${placesOf(session.settings).rest}/apps/${app}/tables/${encodeURIComponent(table)}/schema`;
  const { data } = await ask(session, columnList, { method: 'GET', url });
  const columns = data.data.columns
    .filter(({ id }) => id !== ROW_ID)
    .map((column): RemoteColumn => {
      const appType = kebab(column.type);
      const title = column.name === undefined ? {} : { title: column.name };
      return { name: column.id, ...title, type: fieldType(appType), appType, writable: true, required: false };
    });
  return [ROW_ID_COLUMN, ...columns];
}

/** The kinds of the columns, asked for only when a value cannot be read without them (the request is free). */
export async function kindsFor(
  session: Session<GlideSettings>,
  table: string,
  rows: readonly GlideRow[],
  columns: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  if (session.settings.app_id === undefined || !needsKinds(rows, columns)) return new Map();
  return new Map((await listColumns(session, table)).map(({ name, appType }) => [name, appType]));
}
