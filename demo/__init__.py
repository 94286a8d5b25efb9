"""`make demo`: a sandbox, Meltano with this tap, and a real Postgres."""
