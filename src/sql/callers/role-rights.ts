import type { Database } from '../database.ts';

export interface RoleRights {
  readonly may_look: boolean;
  readonly may_operate: boolean;
  /** Of those nobody may come in as. */
  readonly is_above: boolean;
}

/** Undefined when there is no such role. */
export async function roleRights(database: Database, role: string): Promise<RoleRights | undefined> {
  const [row] = await database<RoleRights[]>`select * from tideway_private.role_rights(${role})`;
  return row;
}
