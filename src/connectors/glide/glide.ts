import { Fault } from '../../model/fault.ts';
import type { RemoteTable } from '../../model/remote-table.ts';
import type { Connector, Description, PageRequest } from '../connector.ts';
import {
  BIG_TABLE_PAGE,
  findBigTableKeys,
  guessColumns,
  readBigTableIds,
  readBigTablePage,
  writeBigTable,
} from './big-tables.ts';
import { findClassicKeys, readClassicIds, readClassicPage, writeClassic } from './classic.ts';
import { identifyApp, identifyUser, listAppTables, listBigTables, listColumns } from './directory.ts';
import { glideSettings, placesOf, type GlideSettings } from './settings.ts';
import { TYPES } from './values.ts';

/** Glide, by its older API of apps (`classic`) or by the one of Big Tables (`v2`). */
export const glide: Connector<GlideSettings> = {
  describe: (settings) => describe(settings ?? glideSettings.parse({ app_id: 'none' })),

  origins: (settings) => {
    const { functions, rest, v2 } = placesOf(settings);
    return [...new Set([settings.mode === 'classic' ? functions : v2, rest].map((url) => new URL(url).origin))];
  },

  identify: async (session) => {
    if (session.settings.mode === 'classic') return identifyApp(session);
    // The host that names the user is not the one that holds the rows: the token has to open both.
    await listBigTables(session);
    return identifyUser(session);
  },

  discover: async (session, wanted) => {
    const { mode, app_id: appId } = session.settings;
    const tables = await (mode === 'classic' ? listAppTables(session) : listBigTables(session));
    const found: RemoteTable[] = [];
    for (const { id, name } of tables) {
      if (wanted !== undefined && !wanted.includes(id)) continue;
      const columns = await (appId === undefined ? guessColumns(session, id) : listColumns(session, id));
      const changes = mode === 'v2';
      found.push({
        name: id,
        title: name,
        columns,
        capabilities: { create: true, update: true, delete: true, changes, findBy: true },
      });
    }
    return found;
  },

  readPage: async (session, request) => {
    refuseFilter(request);
    return session.settings.mode === 'classic' ? readClassicPage(session, request) : readBigTablePage(session, request);
  },

  readByIds: async (session, request) =>
    session.settings.mode === 'classic' ? readClassicIds(session, request) : readBigTableIds(session, request),

  findByKey: async (session, request) =>
    session.settings.mode === 'classic' ? findClassicKeys(session, request) : findBigTableKeys(session, request),

  writeBatch: async (session, { table, rows }) =>
    session.settings.mode === 'classic' ? writeClassic(session, table, rows) : writeBigTable(session, table, rows),
};

function refuseFilter({ table, filter }: PageRequest): void {
  if (filter === null) return;
  throw new Fault('SETTINGS_INVALID', `Glide cannot filter what it shows, but "${table}" is mapped with a filter.`, {
    suggestion: 'Map it again without the filter, or filter in a view of the local table.',
  });
}

const MINUTE = 60_000;

function describe(settings: GlideSettings): Description<GlideSettings> {
  const classic = settings.mode === 'classic';
  // Waiting is what makes changes of one row come together, and lets one read verify many writes.
  const pace = settings.save_quota ? 0.2 : 2;
  const visible = classic ? (settings.save_quota ? 10 * MINUTE : MINUTE) : 0;
  return {
    title: 'Glide',
    settings: glideSettings,
    secret: { required: true, hint: 'The token of the API: in Glide open Data, Show API, and copy the secret token.' },
    types: TYPES,
    limits: {
      recordsPerPage: BIG_TABLE_PAGE,
      rowsPerWrite: 500,
      bytesPerWrite: 10 * 1024 * 1024,
      idsPerRead: classic ? 10_000 : 100,
      keysPerFind: classic ? 10_000 : 1_000,
      rates: { requestsPerSecond: settings.requests_per_second ?? pace, burst: 2, concurrency: 2, penalty: 1_000 },
    },
    timing: {
      writeVisibleAfter: settings.write_visible_after ?? visible,
      searchVisibleAfter: settings.write_visible_after ?? visible,
      requestLife: settings.request_life,
      changesOverlap: 0,
    },
    capabilities: {
      partialUpdate: true,
      delete: 'permanent',
      compareAndSet: classic ? 'none' : 'version',
      idempotencyKeys: 'none',
      changes: classic ? 'none' : 'feed',
      reportsDeletions: false,
      dateTimes: 'utc',
    },
  };
}
