"""The sections of the report, one file each; `docs/adding.md` shows how to add one."""
