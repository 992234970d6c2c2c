import { dashboard, figure, lines, NONE, word } from './panels.ts';

const OURS = 'mapping=~"$mapping"';

export const mapping = dashboard({
  uid: 'tideway-mapping',
  title: 'Mapping',
  about: 'One mapping in depth.',
  variables: ['one mapping'],
  questions: [
    [
      'How does it stand?',
      word(
        {
          title: 'State',
          about: "In SQL: select state, paused_code from tideway.mapping_status where mapping = '$mapping';",
          runbook: 'mapping-paused',
        },
        'active',
        'max by (state) (tideway_entity_health{entity="mapping",name=~"$mapping"}) == 1',
        '{{state}}',
      ),
      figure(
        { title: 'Linked rows', about: "In SQL: select rows from tideway.mapping_status where mapping = '$mapping';" },
        `max(tideway_mapping_linked_rows{${OURS}})`,
      ),
      figure(
        {
          title: 'Open errors',
          about: "In SQL: select * from tideway.failed_rows where mapping = '$mapping';",
          steps: NONE,
          runbook: 'many-errors',
        },
        `max(tideway_mapping_open_errors{${OURS}})`,
      ),
      figure(
        {
          title: 'Conflicts',
          about: "In SQL: select * from tideway.open_conflicts where mapping = '$mapping';",
          steps: NONE,
          runbook: 'conflicts-waiting',
        },
        `max(tideway_mapping_open_conflicts{${OURS}})`,
      ),
      figure(
        {
          title: 'Deletions held',
          about: "In SQL: select * from tideway.held_deletions where mapping = '$mapping';",
          steps: NONE,
          runbook: 'deletions-held',
        },
        `max(tideway_mapping_held_deletions{${OURS}})`,
      ),
      figure(
        {
          title: 'Since the last success',
          about: "In SQL: select last_success_at from tideway.mapping_status where mapping = '$mapping';",
          unit: 's',
          runbook: 'no-success',
        },
        `time() - max(tideway_mapping_last_success_timestamp_seconds{${OURS},mode="any"})`,
      ),
    ],
    [
      'What waits, and why?',
      lines(
        {
          title: 'Rows that may differ from what the app has',
          about: "In SQL: select * from tideway.queue_status where mapping = '$mapping';",
        },
        [`max by (state) (tideway_outbox_rows{${OURS}})`, '{{state}}'],
      ),
      lines(
        {
          title: 'How long the oldest waits',
          about: "In SQL: select oldest_mark_age from tideway.queue_status where mapping = '$mapping';",
          unit: 's',
          runbook: 'oldest-mark-too-old',
        },
        [`max(tideway_outbox_oldest_mark_age_seconds{${OURS}})`, 'oldest mark'],
      ),
    ],
    [
      'What went each way?',
      lines(
        {
          title: 'Rows to the app',
          about: 'By what became of them. In SQL: select hour, records from tideway.mapping_stats;',
          unit: 'rowsps',
        },
        [`sum by (result) (rate(tideway_push_rows_total{${OURS}}[$__rate_interval]))`, '{{result}}'],
      ),
      lines(
        {
          title: 'Records from the app',
          about: 'By what became of them. In SQL: select * from tideway.sync_history;',
          unit: 'recps',
        },
        [`sum by (result) (rate(tideway_pull_records_total{${OURS}}[$__rate_interval]))`, '{{result}}'],
      ),
    ],
    [
      'How late, and where does the time go?',
      lines(
        {
          title: 'Lag, 95 %',
          about: 'From the change on one side until it was accepted on the other.',
          unit: 's',
          width: 8,
        },
        [
          `histogram_quantile(0.95, sum by (le) (rate(tideway_push_lag_seconds_bucket{${OURS}}[$__rate_interval])))`,
          'to the app',
        ],
        [
          `histogram_quantile(0.95, sum by (le) (rate(tideway_pull_lag_seconds_bucket{${OURS}}[$__rate_interval])))`,
          'from the app',
        ],
      ),
      lines(
        {
          title: 'Mean duration',
          about: 'In SQL: select kind, timings from tideway.sync_runs order by started_at desc;',
          unit: 's',
          width: 8,
          runbook: 'syncs-slow',
        },
        [
          `sum by (kind) (rate(tideway_sync_duration_seconds_sum{${OURS}}[$__rate_interval])) / sum by (kind) (rate(tideway_sync_duration_seconds_count{${OURS}}[$__rate_interval]))`,
          '{{kind}}',
        ],
      ),
      lines(
        {
          title: 'What runs spend their time on',
          about: 'fetch: the app; apply: Postgres; wait: limits and retries; push: the other half of a sweep.',
          unit: 'percentunit',
          width: 8,
        },
        [`sum by (part) (rate(tideway_run_part_seconds_total{${OURS}}[$__rate_interval]))`, '{{part}}'],
      ),
    ],
    [
      'How did runs and batches end?',
      lines({ title: 'Runs and batches', about: 'In SQL: select * from tideway.sync_history;', unit: 'cps' }, [
        `sum by (kind, result) (rate(tideway_syncs_total{${OURS}}[$__rate_interval]))`,
        '{{kind}} {{result}}',
      ]),
      lines(
        {
          title: 'Errors by class',
          about: "In SQL: select error_class, code, count(*) from tideway.get_sync_errors('$mapping') group by 1, 2;",
          unit: 'cps',
          runbook: 'many-errors',
        },
        [
          `sum by (direction, class) (rate(tideway_errors_total{${OURS}}[$__rate_interval]))`,
          '{{direction}} {{class}}',
        ],
      ),
    ],
  ],
});
