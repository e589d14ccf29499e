"""The fault suite: a whole installation under load, hurt at random, and a judge who looks at what came of it.

    make faults MINUTES=10

`house` starts PostgreSQL, Redis, nginx, two web replicas and three workers; `load` asks them for work and keeps
a `ledger` of what was acknowledged; `chaos` kills, wounds, freezes and restarts; `judge` compares ledger and database.
"""
