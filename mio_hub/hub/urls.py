"""Addresses below ``/t/<tenant>/``."""

from django.urls import path

from mio_hub.hub import connections, home, own_app

app_name = "hub"
urlpatterns = [
    path("", home.page, name="home"),
    path("platforms/", connections.page, name="connections"),
    path("platforms/<slug:platform>/prepare/", connections.preparation, name="preparation"),
    path("platforms/<slug:platform>/scopes/", connections.scopes, name="scopes"),
    path("platforms/<slug:platform>/app/", own_app.page, name="own-app"),
    path("platforms/<slug:platform>/app/begin/", own_app.begin, name="own-app-begin"),
    path("platforms/<slug:platform>/app/keep/", own_app.keep, name="own-app-keep"),
    path("platforms/<slug:platform>/app/drop/", own_app.drop, name="own-app-drop"),
    path("platforms/<slug:platform>/app/papers/<str:name>", own_app.paper, name="own-app-paper"),
    path("connections/<int:number>/", connections.connection, name="connection"),
    path("connections/<int:number>/connected/", connections.connected, name="connected"),
    path("connections/<int:number>/end/", connections.end, name="end"),
]
