comment on type tideway.preview_result is
'What preview() returns: the run that computes or computed it, the delta (null while it runs), when it was computed, until when it is fresh.';
comment on type tideway.cleanup_result is
'What auto_cleanup_preview_cache() returns: one object with deleted_count.';
