import { dashboard, figure, lines } from './panels.ts';

export const walAndSlot = dashboard({
  uid: 'tideway-wal',
  title: 'WAL and slot',
  about: 'Do we keep up with Postgres, and how long does the disk last?',
  variables: [],
  questions: [
    [
      'Does somebody follow?',
      figure(
        {
          title: 'Heartbeat',
          about: 'Age of the stored position. In SQL: select position_age from tideway.replication_status;',
          unit: 's',
          width: 6,
          steps: [
            [null, 'green'],
            [5, 'yellow'],
            [15, 'red'],
          ],
          runbook: 'follower-not-ready',
        },
        'max(min by (slot) (tideway_wal_lag_seconds))',
      ),
      figure(
        {
          title: 'Followers',
          about: 'Daemons that follow; the others stand by.',
          width: 6,
          runbook: 'follower-not-ready',
        },
        'sum(tideway_follower_state{state="following"})',
      ),
      figure(
        {
          title: 'Time until the slot is lost',
          empty: 'No limit, or too early to say',
          about:
            'At the present rate; empty without max_slot_wal_keep_size. In SQL: select hours_left from tideway.replication_status;',
          unit: 's',
          width: 6,
          steps: [
            [null, 'red'],
            [86_400, 'yellow'],
            [259_200, 'green'],
          ],
          runbook: 'slot-running-out',
        },
        'min(tideway_wal_left_seconds)',
      ),
      figure(
        {
          title: 'Slots lost or missing',
          about: 'In SQL: select slot, wal_status from tideway.replication_status;',
          width: 6,
          steps: [
            [null, 'green'],
            [1, 'red'],
          ],
          runbook: 'slot-lost',
        },
        'sum(max by (name) (tideway_entity_health{entity="slot",state=~"lost|missing"})) or vector(0)',
      ),
    ],
    [
      'How far behind are we?',
      lines(
        {
          title: 'Log not stored yet',
          about: 'In SQL: select behind_bytes from tideway.replication_status;',
          unit: 'bytes',
        },
        ['max by (slot) (tideway_wal_lag_bytes)', '{{slot}}'],
      ),
      lines(
        {
          title: 'Round trip of the heartbeat',
          about: 'From writing into the log until the position was stored.',
          unit: 's',
        },
        ['max(tideway_wal_heartbeat_round_trip_seconds)', 'round trip'],
      ),
    ],
    [
      'How much of the disk is ours?',
      lines(
        {
          title: 'Log on the disk for us, and room left',
          about: 'In SQL: select retained_bytes, safe_bytes from tideway.replication_status;',
          unit: 'bytes',
          runbook: 'slot-running-out',
        },
        ['max by (slot) (tideway_wal_retained_bytes)', '{{slot}} kept'],
        ['min by (slot) (tideway_wal_safe_bytes)', '{{slot}} room'],
      ),
      lines(
        {
          title: 'Changes read',
          about: 'Rows of mapped tables, and the transactions in which they were marked.',
          unit: 'cps',
        },
        ['sum(rate(tideway_follow_changes_total[$__rate_interval]))', 'changes'],
        ['sum(rate(tideway_follow_flushes_total[$__rate_interval]))', 'transactions'],
      ),
    ],
  ],
});
