comment on table tideway.members is
  'Which organisation, and which person, a database login is; for logins whose claims are not believed. The owner fills it.';
comment on column tideway.members.login is 'The role that logs in.';
comment on column tideway.members.org_id is 'The organisation whose rows it sees.';
comment on column tideway.members.user_id is 'The person it stands for; null for a program.';
