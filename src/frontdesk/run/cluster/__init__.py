"""The engine `ray`: jobs are claimed here and done on a Ray cluster.

    worker ── ClusterLine ── carrier ── Ray ──┬── HostActor         holds a version of a model, answers calls
              (a socket)     (a process)      ├── PieceAnswerer     the same, for the pieces of a file in Ray Data
                                              └── TrainActor        runs one training

Only the carrier and what it starts speak Ray. Ray ends a process whose node or cluster is lost, so the worker must not
be that process: it keeps its jobs, and starts the carrier again. An author's code runs in none of these processes
either, but in hosts and trainings that the actors start beside themselves, as everywhere.
"""
