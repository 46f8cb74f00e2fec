# The Hub: roles, audit, consents; tokens become rows of their own.

import accounts.models.tenants
import accounts.secrets
import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.text
from django.conf import settings
from django.db import migrations, models


def give_keys(apps, schema_editor):
    for tenant in apps.get_model("accounts", "Tenant").objects.all():
        tenant.key = accounts.models.tenants.new_key()
        tenant.save(update_fields=["key"])


def unpack_tokens(apps, schema_editor):
    """One row per token, instead of one field with all."""
    token = apps.get_model("accounts", "Token")
    for installation in apps.get_model("accounts", "Installation").objects.all():
        held = installation.held.items()
        token.objects.bulk_create(token(installation=installation, kind=kind, access=access) for kind, access in held)


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0001_initial'),
    ]

    operations = [
        migrations.RenameField('installation', 'tokens', 'held'),
        migrations.AddField(
            model_name='installation',
            name='account_email',
            field=models.CharField(blank=True, max_length=320),
        ),
        migrations.AddField(
            model_name='installation',
            name='account_name',
            field=models.CharField(blank=True, max_length=200),
        ),
        migrations.AddField(
            model_name='installation',
            name='connected_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='installation',
            name='connected_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='installation',
            name='doubts',
            field=models.JSONField(default=list),
        ),
        migrations.AddField(
            model_name='installation',
            name='flagged_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='installation',
            name='preset',
            field=models.CharField(default='published', max_length=12),
        ),
        migrations.AddField(
            model_name='installation',
            name='problem',
            field=models.CharField(blank=True, max_length=300),
        ),
        migrations.AddField(
            model_name='installation',
            name='told_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='tenant',
            name='command_name',
            field=models.CharField(default='mio', max_length=30),
        ),
        migrations.AddField(
            model_name='tenant',
            name='deleted_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='tenant',
            name='key',
            field=models.CharField(default='', editable=False, max_length=16),
        ),
        migrations.RunPython(give_keys, migrations.RunPython.noop),
        migrations.AlterField(
            model_name='tenant',
            name='key',
            field=models.CharField(default=accounts.models.tenants.new_key, editable=False, max_length=16, unique=True),
        ),
        migrations.AddField(
            model_name='tenant',
            name='preset',
            field=models.CharField(choices=[('published', 'published'), ('full', 'full')], default='published', max_length=12),
        ),
        migrations.AddField(
            model_name='tenant',
            name='product_name',
            field=models.CharField(default='Mio Hub', max_length=40),
        ),
        migrations.AddField(
            model_name='tenant',
            name='requires_two_factor',
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name='tenant',
            name='shares_files',
            field=models.BooleanField(default=True),
        ),
        migrations.AddField(
            model_name='tenant',
            name='shares_files_of_guests',
            field=models.BooleanField(default=True),
        ),
        migrations.AddField(
            model_name='tenant',
            name='shares_files_outside',
            field=models.BooleanField(default=True),
        ),
        migrations.AddField(
            model_name='tenant',
            name='shows_notices',
            field=models.BooleanField(default=True),
        ),
        migrations.AddField(
            model_name='tenant',
            name='time_zone',
            field=models.CharField(default='UTC', max_length=64),
        ),
        migrations.CreateModel(
            name='ConsentRequest',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('platform', models.CharField(max_length=40)),
                ('purpose', models.CharField(max_length=20)),
                ('preset', models.CharField(max_length=12)),
                ('step', models.PositiveSmallIntegerField(default=0)),
                ('digest', models.CharField(max_length=64, unique=True)),
                ('secrets', accounts.secrets.SealedField()),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('expires_at', models.DateTimeField()),
                ('used_at', models.DateTimeField(null=True)),
                ('installation', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='accounts.installation')),
                ('tenant', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='accounts.tenant')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
        ),
        migrations.CreateModel(
            name='PlatformApp',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('platform', models.CharField(max_length=40)),
                ('key', models.CharField(default=accounts.models.tenants.new_key, editable=False, max_length=16, unique=True)),
                ('registration', accounts.secrets.SealedField(default=dict)),
                ('secrets', accounts.secrets.SealedField(default=dict)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('tenant', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='platform_apps', to='accounts.tenant')),
            ],
        ),
        migrations.AddField(
            model_name='installation',
            name='app',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='installations', to='accounts.platformapp'),
        ),
        migrations.CreateModel(
            name='RestrictedUser',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('email', models.EmailField(max_length=254)),
                ('tenant', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='restricted_users', to='accounts.tenant')),
            ],
        ),
        migrations.CreateModel(
            name='Subscription',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('resource', models.CharField(max_length=512)),
                ('external_id', models.CharField(max_length=255)),
                ('expires_at', models.DateTimeField(null=True)),
                ('renew_at', models.DateTimeField(null=True)),
                ('problem', models.CharField(blank=True, max_length=300)),
                ('checked_at', models.DateTimeField(auto_now=True)),
                ('installation', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='subscriptions', to='accounts.installation')),
            ],
        ),
        migrations.CreateModel(
            name='Token',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(max_length=20)),
                ('access', accounts.secrets.SealedField()),
                ('refresh', accounts.secrets.SealedField(default='')),
                ('scopes', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=200), default=list, size=None)),
                ('expires_at', models.DateTimeField(blank=True, null=True)),
                ('renew_at', models.DateTimeField(blank=True, null=True)),
                ('renewed_at', models.DateTimeField(auto_now=True)),
                ('installation', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='tokens', to='accounts.installation')),
            ],
        ),
        migrations.CreateModel(
            name='TrustedOrganization',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('domain', models.CharField(max_length=253)),
                ('tenant', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='trusted_organizations', to='accounts.tenant')),
            ],
        ),
        migrations.CreateModel(
            name='AuditEntry',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('actor_name', models.CharField(max_length=254)),
                ('action', models.CharField(max_length=60)),
                ('subject', models.CharField(max_length=300)),
                ('before', models.JSONField(default=dict)),
                ('after', models.JSONField(default=dict)),
                ('address', models.GenericIPAddressField(null=True)),
                ('at', models.DateTimeField(auto_now_add=True)),
                ('actor', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('tenant', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='audit', to='accounts.tenant')),
            ],
            options={
                'indexes': [models.Index(fields=['tenant', '-id'], name='audit_newest_first')],
            },
        ),
        migrations.CreateModel(
            name='Invitation',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('email', models.EmailField(max_length=254)),
                ('role', models.CharField(choices=[('owner', 'Owner'), ('administrator', 'Administrator'), ('auditor', 'Auditor')], max_length=20)),
                ('digest', models.CharField(max_length=64, unique=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('expires_at', models.DateTimeField()),
                ('invited_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('tenant', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='invitations', to='accounts.tenant')),
            ],
            options={
                'constraints': [models.UniqueConstraint(models.F('tenant'), django.db.models.functions.text.Lower('email'), name='one_invitation_per_email')],
            },
        ),
        migrations.CreateModel(
            name='Membership',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('role', models.CharField(choices=[('owner', 'Owner'), ('administrator', 'Administrator'), ('auditor', 'Auditor')], max_length=20)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('welcomed_on', models.CharField(blank=True, max_length=40)),
                ('tenant', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='memberships', to='accounts.tenant')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='memberships', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('tenant', 'user'), name='one_membership_per_user')],
            },
        ),
        migrations.AddConstraint(
            model_name='platformapp',
            constraint=models.UniqueConstraint(fields=('tenant', 'platform'), name='one_app_per_platform'),
        ),
        migrations.AddConstraint(
            model_name='restricteduser',
            constraint=models.UniqueConstraint(models.F('tenant'), django.db.models.functions.text.Lower('email'), name='one_restriction_per_email'),
        ),
        migrations.AddIndex(
            model_name='subscription',
            index=models.Index(fields=['renew_at'], name='subscription_due'),
        ),
        migrations.AddConstraint(
            model_name='subscription',
            constraint=models.UniqueConstraint(fields=('installation', 'resource'), name='one_subscription_per_resource'),
        ),
        migrations.AddIndex(
            model_name='token',
            index=models.Index(condition=models.Q(('renew_at__isnull', False)), fields=['renew_at'], name='token_due'),
        ),
        migrations.AddConstraint(
            model_name='token',
            constraint=models.UniqueConstraint(fields=('installation', 'kind'), name='one_token_per_kind'),
        ),
        migrations.AddConstraint(
            model_name='trustedorganization',
            constraint=models.UniqueConstraint(models.F('tenant'), django.db.models.functions.text.Lower('domain'), name='one_trust_per_domain'),
        ),
        migrations.RunPython(unpack_tokens, migrations.RunPython.noop),
        migrations.RemoveField(model_name='installation', name='held'),
    ]
