import { answer, dashboard, figure, lines, NONE, ranking } from './panels.ts';

const OURS = 'connection=~"$connection",mapping=~"$mapping"';
const BY = 'mapping, connection, system';

export const errorsAndConflicts = dashboard({
  uid: 'tideway-errors',
  title: 'Errors and conflicts',
  about: 'What is stuck or refused, and what waits for a person?',
  variables: ['connection', 'mapping', 'database'],
  questions: [
    [
      'How bad is it?',
      figure(
        {
          title: 'Errors of the last hour',
          about:
            'Each try counts, except where the app only asked to come later. In SQL: select * from tideway.failed_rows;',
          width: 6,
          steps: [
            [null, 'green'],
            [1, 'yellow'],
            [10, 'red'],
          ],
          runbook: 'many-errors',
        },
        `sum(increase(tideway_errors_total{${OURS},class!="RATE_LIMIT"}[1h])) or vector(0)`,
      ),
      figure(
        {
          title: 'Open errors',
          about: 'In SQL: select * from tideway.failed_rows;',
          width: 6,
          steps: NONE,
          runbook: 'many-errors',
        },
        `sum(max by (${BY}) (tideway_mapping_open_errors{${OURS}})) or vector(0)`,
      ),
      figure(
        {
          title: 'Open conflicts',
          about: 'In SQL: select * from tideway.open_conflicts;',
          width: 6,
          steps: NONE,
          runbook: 'conflicts-waiting',
        },
        `sum(max by (${BY}) (tideway_mapping_open_conflicts{${OURS}})) or vector(0)`,
      ),
      figure(
        {
          title: 'Deletions held',
          about: 'In SQL: select * from tideway.held_deletions;',
          width: 6,
          steps: NONE,
          runbook: 'deletions-held',
        },
        `sum(max by (${BY}) (tideway_mapping_held_deletions{${OURS}})) or vector(0)`,
      ),
    ],
    [
      'What kind, and where?',
      lines({ title: 'Errors by class', about: 'The class decides the reaction: docs/errors.md', unit: 'cps' }, [
        `sum by (class) (rate(tideway_errors_total{${OURS}}[$__rate_interval]))`,
        '{{class}}',
      ]),
      ranking({ title: 'Errors of the last hour by mapping', about: 'The ten worst.', steps: NONE }, [
        `topk(10, sum by (${BY}) (increase(tideway_errors_total{${OURS},class!="RATE_LIMIT"}[1h])))`,
        '{{mapping}}',
      ]),
      answer(
        {
          title: 'Errors by cause',
          about: 'Codes are explained in docs/errors.md; a row alone: tideway.trace_row(table, key)',
        },
        `select mapping, error_class, code, count(*) as errors, max(last_seen_at) as last_seen
  from (select m.name as mapping, e.error_class, e.code, e.last_seen_at
          from tideway.sync_errors e join tideway.mappings m on m.id = e.mapping_id
         where e.resolved_at is null) e
 group by 1, 2, 3 order by 4 desc limit 50`,
      ),
    ],
    [
      'Which choices wait?',
      answer(
        {
          title: 'Conflicts',
          about: "Choose with: select tideway.resolve_conflict(id, 'remote');",
          width: 12,
          runbook: 'conflicts-waiting',
        },
        `select m.name as mapping, c."column", c.kind, count(*) as conflicts, min(c.detected_at) as since
  from tideway.conflicts c join tideway.mappings m on m.id = c.mapping_id
 where c.resolved_at is null group by 1, 2, 3 order by 4 desc limit 50`,
      ),
      answer(
        {
          title: 'Held deletions',
          about: "Decide with: select tideway.approve_deletions(mapping => 'customers'); or tideway.reject_deletions",
          width: 12,
          runbook: 'deletions-held',
        },
        `select m.name as mapping, d.gone_side, d.run_id, count(*) as rows, min(d.found_at) as since
  from tideway_private.deletions d join tideway.mappings m on m.number = d.mapping
 where d.state = 'held' group by 1, 2, 3 order by 4 desc limit 50`,
      ),
    ],
    [
      'Which rows wait for what?',
      lines({ title: 'Rows at rest', about: 'In SQL: select * from tideway.queue_status;' }, [
        `sum by (state) (max without (instance) (tideway_outbox_rows{${OURS},state=~"retry|failed|conflict|dependency|flapping"}))`,
        '{{state}}',
      ]),
      lines(
        { title: 'Records that will be read again', about: 'Locked, in flight, not shown yet, or named by a webhook.' },
        [`max by (mapping) (tideway_reread_records{${OURS}})`, '{{mapping}}'],
      ),
    ],
  ],
});
