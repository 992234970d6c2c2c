import { answer, bars, dashboard, history } from './panels.ts';

/** As tideway_reader one sees one's organisation; as tideway_monitor the states and counts of all, but no row's values. */
export const sqlInsight = dashboard({
  uid: 'tideway-sql',
  title: 'SQL insight',
  about: 'What the database itself tells. Data source: a login of tideway_reader.',
  variables: ['database', 'row'],
  questions: [
    [
      'What needs a person?',
      answer(
        { title: 'Findings', about: 'select * from tideway.health;', runbook: '', height: 7 },
        `select severity, "where", what, mend from tideway.health limit 50`,
        { severity: 90, where: 220, what: 420 },
      ),
    ],
    [
      'What runs now?',
      bars(
        {
          title: 'Progress',
          about: 'select mapping, percent, eta_seconds from tideway.active_syncs;',
          unit: 'percent',
          max: 100,
          width: 10,
          height: 6,
        },
        `select coalesce(mapping, entity_type) || ' ' || coalesce(kind, '') as sync, coalesce(percent, 0) as percent from tideway.active_syncs order by 2 limit 20`,
      ),
      answer(
        { title: 'Running syncs', about: 'select * from tideway.active_syncs;', width: 14, height: 6 },
        `select coalesce(mapping, entity_type) as sync, kind, processed_count as done, total_items as of, failed_count as failed,
       speed_items_per_min as per_minute, eta_seconds, silent_seconds
  from tideway.active_syncs limit 20`,
        { kind: 80, done: 90, of: 90, failed: 80, per_minute: 110, eta_seconds: 110 },
      ),
    ],
    [
      'How did it go?',
      answer(
        { title: 'The five targets, last seven days', about: 'select * from tideway.kpi_report(7);', width: 10 },
        `select kpi, value, unit, target, state from tideway.kpi_report(7)`,
        { value: 80, unit: 60, target: 80, state: 100 },
      ),
      history(
        { title: 'Syncs by hour', about: 'select * from tideway.sync_stats order by hour desc;', width: 14 },
        `select hour as time, sum(success_count) as succeeded, sum(error_count) as "with errors"
  from tideway.sync_stats where hour between $__timeFrom()::timestamptz - interval '1 hour' and $__timeTo()::timestamptz group by 1 order by 1`,
      ),
      answer(
        { title: 'History', about: 'select * from tideway.sync_history order by created_at desc;' },
        `select created_at, sync_type, status, items_processed, items_failed, duration_ms from tideway.sync_history order by created_at desc limit 50`,
      ),
    ],
    [
      'What is slow, what failed?',
      answer(
        {
          title: 'Slow syncs',
          about: 'select * from tideway.slow_syncs;',
          width: 12,
          height: 7,
          runbook: 'syncs-slow',
        },
        `select entity_type, source_system, speed_items_per_min, usual_items_per_min, reason, started_at from tideway.slow_syncs limit 20`,
      ),
      answer(
        {
          title: 'Failed syncs',
          about: 'select * from tideway.failed_syncs;',
          width: 12,
          height: 7,
          runbook: 'many-errors',
        },
        `select last_at, entity_type, error_count as errors, error_message from tideway.failed_syncs limit 20`,
        { last_at: 160, entity_type: 130, errors: 70 },
      ),
    ],
    [
      'Who did what?',
      history(
        {
          title: 'Log rows by organisation',
          about: 'select org_id, count(*) from tideway.sync_activity_log group by 1;',
          width: 12,
        },
        `select date_trunc('hour', created_at) as time, org_id as metric, count(*) as rows
  from tideway.sync_activity_log where created_at between $__timeFrom()::timestamptz and $__timeTo()::timestamptz group by 1, 2 order by 1`,
      ),
      answer(
        {
          title: 'Runs by person',
          about: 'select triggered_by, count(*) from tideway.sync_runs group by 1;',
          width: 12,
        },
        `select coalesce(triggered_by, 'schedule') as who, kind, count(*) as runs, max(started_at) as last
  from tideway.sync_runs where started_at between $__timeFrom()::timestamptz and $__timeTo()::timestamptz group by 1, 2 order by 4 desc limit 50`,
      ),
    ],
    [
      'Where did this row come from?',
      answer(
        {
          title: 'Fields of row $key of $table',
          about: "select * from tideway.field_origin('products', '1');",
          height: 6,
        },
        `select field, value, applied, source_ref, mapping, connection, authority, changed_at, changed_by
  from tideway.field_origin('$table'::regclass, to_jsonb('$key'::text))`,
        { field: 120, applied: 80, changed_at: 190 },
      ),
      answer(
        { title: 'Story of row $key of $table', about: "select * from tideway.trace_row('products', '1');" },
        `select at, kind, mapping, what, details from tideway.trace_row('$table'::regclass, to_jsonb('$key'::text)) limit 100`,
        { at: 180, kind: 100, mapping: 120, what: 320 },
      ),
    ],
  ],
});
