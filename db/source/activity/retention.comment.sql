comment on table tideway.retention is
'How long each kind of record is kept by maintain(). Months of the log and of the lineage go when their last row is older.';
comment on column tideway.retention.kind is 'activity (the log), lineage, runs, polls (scheduled runs that found nothing new; the newest of a mapping stays), errors (resolved ones), conflicts (resolved ones), statistics (hourly counters) or progress.';
comment on column tideway.retention.keep is 'How long it is kept, a day at least.';
