"""Addresses below ``/api/v1/``. They stay as they are; what cannot be kept so becomes a ``v2`` beside it."""

from django.urls import path

from mio_hub.api import pages, sync_runs, views

app_name = "api"
urlpatterns = [
    path("", pages.page, name="page"),
    path("openapi.json", pages.document, name="document"),
    path("people", views.People.as_view(), name="people"),
    path("people/<int:person>", views.OnePerson.as_view(), name="person"),
    path("syncs", views.Syncs.as_view(), name="syncs"),
    path("syncs/<int:sync>", views.OneSync.as_view(), name="sync"),
    path("sync-runs", sync_runs.PlanSyncRun.as_view(), name="plan-sync-run"),
    path("sync-runs/<int:sync_run>", sync_runs.OneSyncRun.as_view(), name="sync-run"),
    path("sync-runs/<int:sync_run>/apply", sync_runs.ApplySyncRun.as_view(), name="apply-sync-run"),
    path("sync-runs/<int:sync_run>/cancel", sync_runs.CancelSyncRun.as_view(), name="cancel-sync-run"),
    path("channels", views.Channels.as_view(), name="channels"),
    path("channels/<int:channel>", views.OneChannel.as_view(), name="channel"),
    path("synced-channels", views.SyncedChannels.as_view(), name="synced-channels"),
    path("synced-channels/<int:synced>", views.OneSyncedChannel.as_view(), name="synced-channel"),
    path("synced-channels/<int:synced>/pause", views.Pause.as_view(), name="pause"),
    path("synced-channels/<int:synced>/resume", views.Resume.as_view(), name="resume"),
    path("synced-channels/<int:synced>/unsync", views.Unsync.as_view(), name="unsync"),
    path("connections", views.Connections.as_view(), name="connections"),
    path("connections/<int:number>", views.OneConnection.as_view(), name="connection"),
    path("deliveries", views.Failures.as_view(), name="deliveries"),
    path("deliveries/<int:failure>", views.OneFailure.as_view(), name="delivery"),
    path("deliveries/<int:failure>/retry", views.Retry.as_view(), name="retry"),
    path("deliveries/<int:failure>/skip", views.Skip.as_view(), name="skip"),
    path("audit", views.Audit.as_view(), name="audit"),
    path("<path:anything>", views.Nowhere.as_view(), name="nowhere"),
]
