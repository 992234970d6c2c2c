set local role tideway_owner;

-- Written twice and deleted a moment later: compressing them costs more than their bytes.
alter table tideway_private.in_flight
  alter column keys set storage external,
  alter column ops set storage external,
  alter column xids set storage external,
  alter column marked_ats set storage external,
  alter column link_ids set storage external;

reset role;
