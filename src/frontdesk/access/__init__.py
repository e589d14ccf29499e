"""Who may: users, sessions, tokens, rules per task, quotas, and the record of who did what."""
