import { dashboard, figure, lines, NONE, ranking } from './panels.ts';

const OURS = 'connection=~"$connection",mapping=~"$mapping"';
const BY = 'mapping, connection, system';

export const overview = dashboard({
  uid: 'tideway-overview',
  title: 'Overview',
  about: 'Is everything in step? The worst first.',
  variables: ['connection', 'mapping'],
  questions: [
    [
      'Is everything in step?',
      figure(
        {
          title: 'Alerts',
          about: 'Alerts that fire. In SQL: select * from tideway.health;',
          steps: NONE,
          runbook: '',
        },
        'sum(ALERTS{alertname=~"Tideway.*",alertstate="firing"}) or vector(0)',
      ),
      figure(
        {
          title: 'Mappings at rest',
          about: 'Paused mappings. In SQL: select mapping, state, paused_code from tideway.mapping_status;',
          steps: [
            [null, 'green'],
            [1, 'yellow'],
          ],
          runbook: 'mapping-paused',
        },
        'sum(max by (name) (tideway_entity_health{entity="mapping",state="paused",name=~"$mapping"})) or vector(0)',
      ),
      figure(
        {
          title: 'Secrets refused',
          about: 'Connections whose app refuses the secret. In SQL: select name, state from tideway.connections;',
          steps: NONE,
          runbook: 'connection-unauthorised',
        },
        'sum(max by (name) (tideway_entity_health{entity="connection",state="unauthorized",name=~"$connection"})) or vector(0)',
      ),
      figure(
        {
          title: 'Open errors',
          about: 'Rows and records that failed. In SQL: select * from tideway.failed_rows;',
          steps: NONE,
          runbook: 'many-errors',
        },
        `sum(max by (${BY}) (tideway_mapping_open_errors{${OURS}})) or vector(0)`,
      ),
      figure(
        {
          title: 'Decisions to take',
          about: 'Conflicts and held deletions. In SQL: tideway.open_conflicts, tideway.held_deletions',
          steps: [
            [null, 'green'],
            [1, 'yellow'],
          ],
          runbook: 'deletions-held',
        },
        `sum(max by (${BY}) (tideway_mapping_open_conflicts{${OURS}} + tideway_mapping_held_deletions{${OURS}})) or vector(0)`,
      ),
      figure(
        {
          title: 'Oldest that waits',
          about: 'In SQL: select mapping, marks, oldest_mark_age from tideway.queue_status;',
          unit: 's',
          steps: [
            [null, 'green'],
            [60, 'yellow'],
            [900, 'red'],
          ],
          runbook: 'oldest-mark-too-old',
        },
        `max(tideway_outbox_oldest_mark_age_seconds{${OURS}}) or vector(0)`,
      ),
      ranking(
        {
          title: 'Open errors by mapping',
          about: 'The ten worst. In SQL: select mapping, failed from tideway.mapping_status;',
          steps: NONE,
          width: 8,
        },
        [`topk(10, max by (${BY}) (tideway_mapping_open_errors{${OURS}}))`, '{{mapping}}'],
      ),
      ranking(
        {
          title: 'Waiting rows by mapping',
          about: 'The ten longest queues. In SQL: select mapping, marks, waiting_retry from tideway.queue_status;',
          width: 8,
          steps: [
            [null, 'green'],
            [1000, 'yellow'],
            [10000, 'red'],
          ],
        },
        [
          `topk(10, sum by (${BY}) (max without (instance) (tideway_outbox_rows{${OURS},state=~"marked|retry|dependency"})))`,
          '{{mapping}}',
        ],
      ),
      ranking(
        {
          title: 'Time since the last success, by mapping',
          about: 'The ten longest. In SQL: select mapping, last_success_at from tideway.mapping_status;',
          unit: 's',
          width: 8,
          runbook: 'no-success',
        },
        [
          `topk(10, time() - max by (${BY}) (tideway_mapping_last_success_timestamp_seconds{${OURS},mode="any"}))`,
          '{{mapping}}',
        ],
      ),
    ],
    [
      'Do we reach the five targets?',
      figure(
        {
          title: 'Sync success rate (> 95 %)',
          about: 'Runs and batches of the last day without an error. In SQL: select * from tideway.kpi_report(1);',
          unit: 'percentunit',
          width: 5,
          steps: [
            [null, 'red'],
            [0.9, 'yellow'],
            [0.95, 'green'],
          ],
          runbook: 'success-rate-low',
        },
        `sum(increase(tideway_syncs_total{${OURS},result="completed"}[24h])) / sum(increase(tideway_syncs_total{${OURS},result=~"completed|completed_with_errors|failed"}[24h]))`,
      ),
      figure(
        {
          title: 'Average sync (< 2 s)',
          about: 'Pushes and reads of changes of the last day. In SQL: select * from tideway.kpi_report(1);',
          unit: 's',
          width: 5,
          steps: [
            [null, 'green'],
            [2, 'yellow'],
            [5, 'red'],
          ],
          runbook: 'syncs-slow',
        },
        `sum(increase(tideway_sync_duration_seconds_sum{${OURS},kind=~"push|delta"}[24h])) / sum(increase(tideway_sync_duration_seconds_count{${OURS},kind=~"push|delta"}[24h]))`,
      ),
      figure(
        {
          title: 'Cache hit rate (> 70 %)',
          about: 'Reads answered from memory in the last day. Known to the daemons only: GET /read/cache-stats',
          unit: 'percentunit',
          width: 4,
          steps: [
            [null, 'yellow'],
            [0.7, 'green'],
          ],
          runbook: 'a-cache-is-not-emptied',
        },
        'sum(increase(tideway_read_cache_hits_total[24h])) / (sum(increase(tideway_read_cache_hits_total[24h])) + sum(increase(tideway_read_cache_misses_total[24h])))',
      ),
      figure(
        {
          title: 'Error rate (< 5 %)',
          about: 'Rows and records of the last day that failed. In SQL: select * from tideway.kpi_report(1);',
          unit: 'percentunit',
          width: 5,
          steps: [
            [null, 'green'],
            [0.05, 'yellow'],
            [0.1, 'red'],
          ],
          runbook: 'many-errors',
        },
        `sum(increase(tideway_errors_total{${OURS}}[24h])) / (sum(increase(tideway_push_rows_total{${OURS}}[24h])) + sum(increase(tideway_pull_records_total{${OURS}}[24h])))`,
      ),
      figure(
        {
          title: 'Mappings whose sweep failed (0)',
          about: 'In SQL: select * from tideway.kpi_report(7);',
          width: 5,
          steps: NONE,
          runbook: 'sweep-failing',
        },
        `count(max by (${BY}) (tideway_mapping_failed_sweeps{${OURS}}) > 0) or vector(0)`,
      ),
    ],
    [
      'How late does a change arrive?',
      lines(
        {
          title: 'From a commit here until the app accepted',
          about: 'In SQL: select mapping, oldest_mark_age from tideway.queue_status;',
          unit: 's',
        },
        [
          `histogram_quantile(0.5, sum by (le) (rate(tideway_push_lag_seconds_bucket{${OURS}}[$__rate_interval])))`,
          'half',
        ],
        [
          `histogram_quantile(0.95, sum by (le) (rate(tideway_push_lag_seconds_bucket{${OURS}}[$__rate_interval])))`,
          '95 %',
        ],
      ),
      lines(
        {
          title: 'From a change in an app until it is committed here',
          about:
            'Where the app says when a record changed. In SQL: select mapping, last_read_at from tideway.mapping_status;',
          unit: 's',
        },
        [
          `histogram_quantile(0.5, sum by (le) (rate(tideway_pull_lag_seconds_bucket{${OURS}}[$__rate_interval])))`,
          'half',
        ],
        [
          `histogram_quantile(0.95, sum by (le) (rate(tideway_pull_lag_seconds_bucket{${OURS}}[$__rate_interval])))`,
          '95 %',
        ],
      ),
    ],
    [
      'How much moves?',
      lines(
        {
          title: 'Rows to the apps',
          about: 'By what became of them. In SQL: select hour, records from tideway.sync_stats;',
          unit: 'rowsps',
        },
        [`sum by (result) (rate(tideway_push_rows_total{${OURS}}[$__rate_interval]))`, '{{result}}'],
      ),
      lines(
        {
          title: 'Records from the apps',
          about: 'By what became of them. In SQL: select * from tideway.sync_history;',
          unit: 'recps',
        },
        [`sum by (result) (rate(tideway_pull_records_total{${OURS}}[$__rate_interval]))`, '{{result}}'],
      ),
    ],
  ],
});
