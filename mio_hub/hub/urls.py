"""Addresses below ``/t/<tenant>/``."""

from django.urls import path

from mio_hub.hub import audit_log, connections, general, home, members, own_app, security

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
    path("members/", members.page, name="members"),
    path("members/invite/", members.invite, name="invite"),
    path("members/leave/", members.leave, name="leave"),
    path("members/<int:member>/", members.member, name="member"),
    path("members/<int:member>/remove/", members.remove, name="remove_member"),
    path("members/<int:member>/transfer/", members.transfer, name="transfer"),
    path("invitations/<int:invitation>/renew/", members.renew, name="renew_invitation"),
    path("invitations/<int:invitation>/withdraw/", members.withdraw, name="withdraw_invitation"),
    path("audit/", audit_log.page, name="audit"),
    path("audit/audit-log.csv", audit_log.export, name="audit_export"),
    path("settings/", general.page, name="general"),
    path("settings/delete/", general.delete, name="delete_tenant"),
    path("settings/keep/", general.keep, name="keep_tenant"),
    path("settings/security/", security.page, name="security"),
    path("settings/security/trusted/", security.trust, name="trust"),
    path("settings/security/trusted/<int:trusted>/remove/", security.distrust, name="distrust"),
    path("settings/security/restricted/", security.restrict, name="restrict"),
    path("settings/security/restricted/<int:restricted>/remove/", security.unrestrict, name="unrestrict"),
]
