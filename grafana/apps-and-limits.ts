import { dashboard, figure, lines } from './panels.ts';

const OURS = 'connection=~"$connection"';

export const appsAndLimits = dashboard({
  uid: 'tideway-apps',
  title: 'Apps and rate limits',
  about: 'How do the apps answer, and what do their limits leave us?',
  variables: ['connection'],
  questions: [
    [
      'Do the apps answer?',
      lines(
        {
          title: 'Requests by answer',
          about: 'A status, or a code of docs/errors.md when no answer came.',
          unit: 'reqps',
        },
        [
          `sum by (connection, outcome) (rate(tideway_app_requests_total{${OURS}}[$__rate_interval]))`,
          '{{connection}} {{outcome}}',
        ],
      ),
      lines({ title: 'Time to answer, 95 %', about: 'Without the wait for a turn.', unit: 's' }, [
        `histogram_quantile(0.95, sum by (le, connection, lane) (rate(tideway_app_request_duration_seconds_bucket{${OURS}}[$__rate_interval])))`,
        '{{connection}} {{lane}}',
      ]),
      figure(
        {
          title: 'Not answered or refused',
          about: 'Part of the requests of the last hour.',
          unit: 'percentunit',
          width: 8,
          steps: [
            [null, 'green'],
            [0.05, 'yellow'],
            [0.2, 'red'],
          ],
        },
        `1 - sum(increase(tideway_app_requests_total{${OURS},outcome="2xx"}[1h])) / sum(increase(tideway_app_requests_total{${OURS}}[1h]))`,
      ),
      figure(
        {
          title: 'Asked to slow down',
          about: 'Answers 429 of the last hour.',
          width: 8,
          steps: [
            [null, 'green'],
            [1, 'yellow'],
          ],
        },
        `sum(increase(tideway_app_requests_total{${OURS},outcome="429"}[1h])) or vector(0)`,
      ),
      figure(
        {
          title: 'Connections without an owner',
          about: 'In SQL: select name, test_error from tideway.connections;',
          width: 8,
          steps: [
            [null, 'green'],
            [1, 'red'],
          ],
          runbook: 'connection-not-owned',
        },
        `count(max by (connection) (tideway_connection_owned{${OURS}}) == 0) or vector(0)`,
      ),
    ],
    [
      'What do the limits leave us?',
      lines({ title: 'Requests that may leave at once', about: 'Each daemon for the connections it owns.' }, [
        `sum by (connection) (tideway_rate_limit_requests_left{${OURS}})`,
        '{{connection}}',
      ]),
      lines(
        {
          title: 'Wait for a turn, 95 %',
          about: 'Long waits: the schedule is too tight for the limit, or an account is shared.',
          unit: 's',
        },
        [
          `histogram_quantile(0.95, sum by (le, connection, lane) (rate(tideway_rate_limit_wait_seconds_bucket{${OURS}}[$__rate_interval])))`,
          '{{connection}} {{lane}}',
        ],
      ),
    ],
    [
      'Are requests well filled?',
      lines(
        {
          title: 'Mean fill of a push batch',
          about: 'Of what the app takes in one request.',
          unit: 'percentunit',
          max: 1,
        },
        [
          `sum by (connection) (rate(tideway_push_batch_fill_ratio_sum{${OURS}}[$__rate_interval])) / sum by (connection) (rate(tideway_push_batch_fill_ratio_count{${OURS}}[$__rate_interval]))`,
          '{{connection}}',
        ],
      ),
      lines(
        {
          title: 'Rows that needed no request',
          about: 'Echoes and changes that changed nothing, dropped before anything was sent.',
          unit: 'cps',
        },
        [
          `sum by (connection) (rate(tideway_push_rows_total{${OURS},result="unchanged"}[$__rate_interval]))`,
          '{{connection}}',
        ],
      ),
    ],
    [
      'Do the apps ring?',
      lines({ title: 'Webhooks', about: 'By what became of them.', unit: 'cps', runbook: 'webhooks-refused' }, [
        'sum by (outcome) (rate(tideway_webhooks_total[$__rate_interval]))',
        '{{outcome}}',
      ]),
      lines({ title: 'Requests to the daemon', about: 'By address and status.', unit: 'reqps' }, [
        'sum by (route, status) (rate(tideway_http_request_duration_seconds_count[$__rate_interval]))',
        '{{route}} {{status}}',
      ]),
    ],
  ],
});
