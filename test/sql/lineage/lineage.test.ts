import { expect, test } from 'vitest';
import { aMapping } from '../../support/a-mapping.ts';
import { useDatabase } from '../../support/database.ts';

const { rolledBack } = useDatabase();

const entry = `insert into tideway_private.field_lineage (org_id, mapping, entity_type, entity_id, field_name, source_type, source_id, source_ref, previous_value, new_value, changed_at)
               values ('default', $1, 'products', '7', $2, 'glide', $3, $4, $5, $6, $7)`;

test('a created record is one stored row and one row per field in the view', () =>
  rolledBack(async (db) => {
    const { number, connectionId } = await aMapping(db);
    await db.query(entry, [
      number,
      '*',
      connectionId,
      'Master Sheet',
      null,
      '{"name": "Lamp", "price": 3}',
      '2026-11-01',
    ]);
    const { rows } = await db.query(
      `select field_name, source_ref, new_value from tideway.field_lineage where entity_type = 'products' and entity_id = '7' and field_name = 'price'`,
    );
    expect(rows).toEqual([{ field_name: 'price', source_ref: 'Master Sheet → Price', new_value: 3 }]);
  }));

test('field_origin tells the latest source of each field, and what a reference only showed', () =>
  rolledBack(async (db) => {
    const { number, connectionId } = await aMapping(db, {
      columns: [
        ['id', 'ID', 'integer'],
        ['name', 'Name', 'text'],
        ['price', 'Price', 'numeric', 'reference'],
        ['status', 'Status', 'text'],
      ],
    });
    await db.query(
      `insert into tideway_private.links (mapping, org_id, local_key, remote_id, lane, local_image, remote_diff, synced_at)
       values ($1, 'default', '7', 'r7', 0, '{"name": "Lamp", "price": 3, "status": "on"}', '{"price": 4}', '2026-11-01')`,
      [number],
    );
    await db.query(entry, [
      number,
      '*',
      connectionId,
      'Master Sheet',
      null,
      '{"name": "Lamb", "price": 3}',
      '2026-10-01',
    ]);
    await db.query(entry, [number, 'name', connectionId, 'Master Sheet → Name', '"Lamb"', '"Lamp"', '2026-10-02']);
    await db.query(`select tideway.record_manual_change('products', '7', 'price', '3', '2', 'called in')`);
    const { rows } = await db.query(
      `select field, value, applied, source_type, source_ref, mapping from tideway.field_origin('products', '{"id": 7}')`,
    );
    expect(rows).toEqual([
      {
        field: 'name',
        value: 'Lamp',
        applied: true,
        source_type: 'glide',
        source_ref: 'Master Sheet → Name',
        mapping: 'products',
      },
      { field: 'price', value: 3, applied: true, source_type: 'app', source_ref: 'called in', mapping: null },
      {
        field: 'price',
        value: 4,
        applied: false,
        source_type: 'glide',
        source_ref: 'Master Sheet → Price',
        mapping: 'products',
      },
      {
        field: 'status',
        value: 'on',
        applied: true,
        source_type: 'glide',
        source_ref: 'Master Sheet → Status',
        mapping: 'products',
      },
    ]);
  }));

test('trace_row shows everything about one row, newest first, and nothing of another', () =>
  rolledBack(async (db) => {
    const { id, number, connectionId } = await aMapping(db);
    await db.query(
      `insert into tideway_private.links (mapping, org_id, local_key, remote_id, lane, synced_at) values ($1, 'default', '7', 'r7', 0, '2026-11-05'), ($1, 'default', '8', 'r8', 0, '2026-11-05')`,
      [number],
    );
    await db.query(entry, [number, 'name', connectionId, 'Master Sheet → Name', '"a"', '"b"', '2026-11-01']);
    await db.query(
      `insert into tideway.sync_errors (org_id, mapping_id, direction, local_key, remote_id, error_class, code, message, last_seen_at) values
         ('default', $1, 'push', '7', 'r7', 'API_ERROR', 'NOT_FOUND', 'gone', '2026-11-02'),
         ('default', $1, 'pull', null, 'r7', 'VALIDATION_ERROR', 'INVALID_VALUE', 'odd', '2026-11-03'),
         ('default', $1, 'push', '8', 'r8', 'API_ERROR', 'NOT_FOUND', 'other', '2026-11-03')`,
      [id],
    );
    await db.query(
      `insert into tideway.conflicts (org_id, mapping_id, local_key, "column", kind, policy, detected_at) values ('default', $1, '7', 'name', 'update_exists', 'manual', '2026-11-04')`,
      [id],
    );
    await db.query(
      `insert into tideway.sync_activity_log (org_id, mapping_id, action, status, record_id, message, created_at) values
         ('default', $1, 'push', 'completed', '7', 'sent', '2026-11-06'), ('default', $1, 'push', 'completed', '8', 'sent', '2026-11-06')`,
      [id],
    );
    await db.query(
      `insert into tideway_private.outbox (mapping, local_key, lane, org_id, marked_at) values ($1, '7', 0, 'default', '2026-11-07')`,
      [number],
    );
    const { rows } = await db.query(`select kind, what from tideway.trace_row('products', '7')`);
    expect(rows).toEqual([
      { kind: 'waiting', what: 'marked to be pushed' },
      { kind: 'log', what: 'push completed: sent' },
      { kind: 'link', what: 'linked to r7' },
      { kind: 'conflict', what: 'update_exists on name, open' },
      { kind: 'error', what: 'odd' },
      { kind: 'error', what: 'gone' },
      { kind: 'lineage', what: 'name came from Master Sheet → Name' },
    ]);
  }));
