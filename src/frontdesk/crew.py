"""What a worker is made of: the other half of `assemble`, which web processes and tools do without."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from frontdesk.assemble import Cards, Installation, bucket_of, host_client
from frontdesk.desk.job import Lane
from frontdesk.run.batch import Batcher
from frontdesk.run.checkpoint_backup import CheckpointBackup
from frontdesk.run.cluster.batch import ClusterBatcher
from frontdesk.run.cluster.hosts import ClusterLimits
from frontdesk.run.cluster.joining import Cluster
from frontdesk.run.cluster.shared import SharedStorage
from frontdesk.run.duty import Duty, introduce
from frontdesk.run.life import SignOfLife
from frontdesk.run.performer import Models, Performer
from frontdesk.run.predict import Predictor
from frontdesk.run.stored_progress import progress_in
from frontdesk.run.train import Trainer
from frontdesk.run.train_child import start_here
from frontdesk.run.train_limits import TrainLimits
from frontdesk.run.worker import Worker


def worker(
    installation: Installation, cards: Cards, *, name: str, hosts: str = "hosts", duty: Duty | None = None
) -> Worker:
    """Who does jobs."""
    duty, settings, desk = duty or Duty(), installation.settings, installation.desk
    rooms, counted = duty.rooms(settings.trainings), installation.monitor.collector(cards)
    cluster = _cluster(installation) if settings.engine == "ray" else None
    batcher = ClusterBatcher if cluster else Batcher
    saved = progress_in(installation.storage.batches)
    makers: Mapping[Lane, Callable[[int], Performer]] = {
        Lane.PREDICT: lambda room: Predictor(installation.files, room, counted),
        Lane.BATCH: lambda room: batcher(
            desk, installation.files, cards, settings.data / "batches", room, saved
        ),
        Lane.TRAIN: lambda room: trainer(installation, cards, room, cluster),
    }
    performers = [makers[lane](room) for lane, room in rooms.items()]

    def models() -> Models:
        local = host_client(installation, name=hosts)
        return cluster.models(cards, installation.versions, local) if cluster else local

    made = Worker(
        desk,
        models,
        installation.engine,
        cluster.performers(performers) if cluster else performers,
        installation.workers,
        who=introduce(name, rooms, duty.tasks),
        served=list(cards),
        lease_s=settings.lease_s,
        life=SignOfLife(installation.runtime / hosts / "alive"),
    )
    if cluster:
        cluster.works_for(made)
    return made


def _cluster(installation: Installation) -> Cluster:
    settings = installation.settings
    return Cluster.at(
        settings.ray,
        sockets=installation.runtime,
        actors=settings.ray_actors,
        wait_s=settings.ray_wait_s,
        silence_s=settings.lease_s,
        limits=ClusterLimits(
            models_folder=settings.models,
            logs_folder=settings.data / "logs" / "ray",
            call_timeout_s=settings.call_timeout_s,
            queue_limit=settings.host_queue,
            memory_mb=settings.host_memory_mb,
            pixel_limit=settings.pixel_limit,
            idle_s=settings.host_idle_s,
            shared=SharedStorage.of(bucket_of(settings), settings.cache_bytes),
        ),
    )


def trainer(
    installation: Installation, cards: Cards, at_once: int, cluster: Cluster | None = None
) -> Trainer:
    """Who does train jobs."""
    settings = installation.settings
    return Trainer(
        installation.desk,
        installation.files,
        installation.versions,
        cards,
        data_folder=settings.data,
        models_folder=settings.models,
        limits=TrainLimits(
            at_once=at_once,
            memory_mb=settings.train_memory_mb,
            time_s=settings.train_limit_s,
            folder_mb=settings.train_folder_mb,
            cancel_grace_s=settings.cancel_grace_s,
            silence_s=settings.lease_s,
        ),
        start=cluster.start_training if cluster else start_here,
        elsewhere=cluster is not None and cluster.limits.shared is not None,
        backup=CheckpointBackup(progress_in(installation.storage.checkpoints)),
    )
