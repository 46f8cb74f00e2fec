from django.apps import AppConfig


class SignInConfig(AppConfig):
    name = "accounts.sign_in"
    label = "sign_in"
